'use client';

import Link from 'next/link';
import { useRouter } from 'next/navigation';
import { type FormEvent, useState } from 'react';

import { useScheme } from '@/components/theme';
import { Button } from '@/components/ui/button';
import { Card } from '@/components/ui/card';
import { Input } from '@/components/ui/input';
import { Label } from '@/components/ui/label';
import { authClient } from '@/lib/auth-client';

type Props = { kind: 'sign-in' | 'sign-up'; next: string; shortestPassword: number };

const WORDS = {
  'sign-in': { title: 'Welcome back', button: 'Sign in', ask: 'New here?', other: 'Create an account', href: '/sign-up' },
  'sign-up': { title: 'Create your account', button: 'Create account', ask: 'Have an account?', other: 'Sign in', href: '/sign-in' },
} as const;

/** The form of both pages; what the login service refuses it shows in the service's words. */
export function Credentials({ kind, next, shortestPassword }: Props) {
  useScheme();
  const router = useRouter();
  const [problem, setProblem] = useState('');
  const [isBusy, setBusy] = useState(false);
  const words = WORDS[kind];

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const [name, email, password] = ['name', 'email', 'password'].map((field) => String(form.get(field) ?? ''));
    setBusy(true);
    setProblem('');
    const { error } =
      kind === 'sign-up'
        ? await authClient.signUp.email({ name: name!, email: email!, password: password! })
        : await authClient.signIn.email({ email: email!, password: password! });
    if (!error) return router.replace(next);
    setBusy(false);
    setProblem(error.message ?? 'That did not work: try again in a moment.');
  }

  return (
    <main className="mx-auto grid min-h-dvh w-full max-w-md content-center gap-6 p-6">
      <p className="flex items-center justify-center gap-2 text-lg font-semibold">
        <span aria-hidden="true" className="size-3 rounded-full bg-accent" />
        Verbatim
      </p>
      <Card>
        <h1 className="mb-6 text-xl font-semibold">{words.title}</h1>
        <form className="grid gap-4" onSubmit={submit}>
          {kind === 'sign-up' && <Field name="name" label="Name" autoComplete="name" />}
          <Field name="email" label="E-mail" type="email" autoComplete="email" />
          <Field
            name="password"
            label="Password"
            type="password"
            minLength={kind === 'sign-up' ? shortestPassword : undefined}
            autoComplete={kind === 'sign-up' ? 'new-password' : 'current-password'}
          />
          <p role="alert" className="min-h-5 text-sm text-danger">{problem}</p>
          <Button type="submit" disabled={isBusy}>{words.button}</Button>
        </form>
      </Card>
      <p className="text-center text-sm text-muted">
        {words.ask}{' '}
        <Link className="text-accent-text underline underline-offset-4" href={words.href}>{words.other}</Link>
      </p>
    </main>
  );
}

function Field({ name, label, ...rest }: { name: string; label: string } & React.ComponentProps<'input'>) {
  return (
    <div className="grid gap-1.5">
      <Label htmlFor={name}>{label}</Label>
      <Input id={name} name={name} required {...rest} />
    </div>
  );
}
