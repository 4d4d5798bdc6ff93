import Link from 'next/link';

export default function NotFound() {
  return (
    <main className="mx-auto grid min-h-dvh max-w-md content-center gap-4 p-6 text-center">
      <h1 className="text-2xl font-semibold">There is nothing here</h1>
      <Link className="text-accent-text underline underline-offset-4" href="/dashboard">To your tasks</Link>
    </main>
  );
}
