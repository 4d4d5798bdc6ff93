'use client';

import Link from 'next/link';
import { useEffect, useState } from 'react';

import { CheckIcon } from '@/components/icons';
import { Card } from '@/components/ui/card';
import { follow } from '@/lib/follow';
import { cn } from '@/lib/utils';

type Task = { id: string; title: string; notes: string; status: 'pending' | 'completed' };

/** The list as the server has it: each change comes over the stream as the whole list. */
export function TaskList() {
  const [tasks, setTasks] = useState<Task[] | null>(null);
  const [isLost, setLost] = useState(false);

  useEffect(
    () =>
      follow('/api/tasks/stream', {
        heard: (data) => {
          setTasks(JSON.parse(data).data);
          setLost(false);
        },
        lost: () => setLost(true),
      }),
    [],
  );

  if (tasks === null) {
    return <p role="status" className="text-muted">{isLost ? 'The tasks cannot be loaded now. Trying again…' : 'Loading…'}</p>;
  }
  if (tasks.length === 0) return <Nothing />;
  return (
    <>
      <p className="mb-3 text-sm text-muted" role="status">{counted(tasks)}{isLost && ' Reconnecting…'}</p>
      <ul className="grid gap-2">{tasks.map((task) => <Row key={task.id} task={task} />)}</ul>
    </>
  );
}

function Row({ task }: { task: Task }) {
  const isDone = task.status === 'completed';
  return (
    <li className="flex items-start gap-3 rounded-xl border border-line px-4 py-3">
      <span
        aria-hidden="true"
        className={cn('mt-0.5 grid size-5 shrink-0 place-items-center rounded-full border border-line', isDone && 'border-accent bg-accent text-on-accent')}
      >
        {isDone && <CheckIcon />}
      </span>
      <div className="min-w-0">
        <p className={cn('break-words', isDone && 'text-muted line-through')}>
          {task.title}
          {isDone && <span className="sr-only"> (done)</span>}
        </p>
        {task.notes && <p className="text-sm break-words text-muted">{task.notes}</p>}
      </div>
    </li>
  );
}

function Nothing() {
  return (
    <Card className="grid justify-items-start gap-3">
      <p>Nothing to do yet.</p>
      <Link className="text-accent-text underline underline-offset-4" href="/dashboard/chat">Tell the assistant what to add</Link>
    </Card>
  );
}

function counted(tasks: Task[]): string {
  const open = tasks.filter(({ status }) => status === 'pending').length;
  return `${open} open, ${tasks.length - open} done.`;
}
