'use client';

import Link from 'next/link';
import { useRouter } from 'next/navigation';
import { type FormEvent, useState } from 'react';

import { Brand } from '@/components/brand';
import { AlertIcon } from '@/components/icons';
import { Pitch } from '@/components/pitch';
import { useScheme } from '@/components/theme';
import { Button } from '@/components/ui/button';
import { Input } from '@/components/ui/input';
import { Label } from '@/components/ui/label';
import { authClient } from '@/lib/auth-client';

type Props = { kind: 'sign-in' | 'sign-up'; next: string; shortestPassword: number };

const WORDS = {
  'sign-in': {
    title: 'Welcome back',
    lead: 'Sign in to your tasks and conversations.',
    button: 'Sign in',
    busy: 'Signing in…',
    ask: 'New here?',
    other: 'Create an account',
    href: '/sign-up',
  },
  'sign-up': {
    title: 'Create your account',
    lead: 'And say what you have to do, in your own words.',
    button: 'Create account',
    busy: 'Creating your account…',
    ask: 'Have an account?',
    other: 'Sign in',
    href: '/sign-in',
  },
} as const;

/** The form of both pages; what the login service refuses it shows in the service's words. */
export function Credentials({ kind, next, shortestPassword }: Props) {
  useScheme();
  const router = useRouter();
  const [problem, setProblem] = useState('');
  const [isBusy, setBusy] = useState(false);
  const words = WORDS[kind];
  const isNew = kind === 'sign-up';

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const [name, email, password] = ['name', 'email', 'password'].map((field) => String(form.get(field) ?? ''));
    setBusy(true);
    setProblem('');
    const { error } = isNew
      ? await authClient.signUp.email({ name: name!, email: email!, password: password! })
      : await authClient.signIn.email({ email: email!, password: password! });
    if (!error) return router.replace(next);
    setBusy(false);
    setProblem(error.message || 'That did not work: try again in a moment.');
  }

  return (
    <div className="grid min-h-dvh lg:grid-cols-2">
      <Pitch />
      <main className="mx-auto flex w-full max-w-md flex-col justify-center gap-8 p-6 sm:p-10">
        <div className="lg:hidden"><Brand /></div>
        <div className="grid gap-1.5">
          <h1 className="text-3xl font-semibold">{words.title}</h1>
          <p className="text-muted">{words.lead}</p>
        </div>
        <form className="grid gap-5" onSubmit={submit}>
          {isNew && <Field name="name" label="Name" autoComplete="name" />}
          <Field name="email" label="E-mail" type="email" autoComplete="email" />
          <Field
            name="password"
            label="Password"
            type="password"
            minLength={isNew ? shortestPassword : undefined}
            hint={isNew ? `At least ${shortestPassword} characters.` : undefined}
            autoComplete={isNew ? 'new-password' : 'current-password'}
          />
          <div role="alert">{problem && <Problem text={problem} />}</div>
          <Button type="submit" disabled={isBusy}>{isBusy ? words.busy : words.button}</Button>
        </form>
        <p className="text-sm text-muted">
          {words.ask}{' '}
          <Link className="font-medium text-accent-text underline underline-offset-4" href={words.href}>{words.other}</Link>
        </p>
      </main>
    </div>
  );
}

type FieldProps = { name: string; label: string; hint?: string } & React.ComponentProps<'input'>;

function Field({ name, label, hint, ...rest }: FieldProps) {
  const hintId = hint && `${name}-hint`;
  return (
    <div className="grid gap-1.5">
      <Label htmlFor={name}>{label}</Label>
      <Input id={name} name={name} required aria-describedby={hintId} {...rest} />
      {hint && <p id={hintId} className="text-sm text-muted">{hint}</p>}
    </div>
  );
}

function Problem({ text }: { text: string }) {
  return (
    <p className="flex items-start gap-2.5 rounded-xl bg-danger-soft px-3.5 py-2.5 text-sm text-danger">
      <span className="mt-px shrink-0"><AlertIcon /></span>
      {text}
    </p>
  );
}
