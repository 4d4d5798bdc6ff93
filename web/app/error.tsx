'use client';

import { Button } from '@/components/ui/button';

/** Whatever went wrong stands in the server's log. */
export default function Failed() {
  return (
    <main className="mx-auto grid min-h-dvh max-w-md content-center justify-items-center gap-4 p-6 text-center">
      <h1 className="text-2xl font-semibold">This page cannot be shown now</h1>
      <p role="alert" className="text-muted">Something behind it does not answer. It is worth another try in a moment.</p>
      <Button onClick={() => location.reload()}>Try again</Button>
    </main>
  );
}
