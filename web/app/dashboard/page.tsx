import type { Metadata } from 'next';

import { TaskList } from '@/components/task-list';
import { signedIn } from '@/lib/session';

export const metadata: Metadata = { title: 'Tasks' };

export default async function TasksPage() {
  await signedIn();
  return (
    <main className="mx-auto w-full max-w-2xl flex-1 overflow-y-auto p-4 sm:p-8">
      <h1 className="mb-6 text-2xl font-semibold">Your tasks</h1>
      <TaskList />
    </main>
  );
}
