import type { Metadata } from 'next';

import { TaskList } from '@/components/task-list';
import { signedIn } from '@/lib/session';

export const metadata: Metadata = { title: 'Tasks' };

export default async function TasksPage() {
  await signedIn();
  return (
    <main id="main" tabIndex={-1} className="min-h-0 flex-1 overflow-y-auto outline-none">
      <div className="mx-auto w-full max-w-3xl px-4 py-8 sm:px-8 sm:py-12">
        <TaskList />
      </div>
    </main>
  );
}
