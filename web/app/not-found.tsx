import Link from 'next/link';

import { Brand } from '@/components/brand';
import { button } from '@/components/ui/button';

export default function NotFound() {
  return (
    <main className="mx-auto grid min-h-dvh max-w-md content-center justify-items-center gap-4 p-6 text-center">
      <Brand />
      <h1 className="mt-4 text-2xl font-semibold">There is nothing here</h1>
      <p className="text-muted">The address may be mistyped, or what it named was deleted.</p>
      <Link className={button()} href="/dashboard">To your tasks</Link>
    </main>
  );
}
