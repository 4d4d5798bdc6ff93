'use client';

import Link from 'next/link';
import { useEffect, useState } from 'react';

import { CheckIcon, ChatIcon } from '@/components/icons';
import { button } from '@/components/ui/button';
import { Card } from '@/components/ui/card';
import { follow } from '@/lib/follow';
import { cn } from '@/lib/utils';

type Task = {
  id: string;
  title: string;
  notes: string;
  status: 'pending' | 'completed';
  created_at: string;
  completed_at: string | null;
};

/** The list as the server has it: each change comes over the stream as the whole list. */
export function TaskList() {
  const { tasks, isLost } = useTasks();
  return (
    <>
      <div className="flex flex-wrap items-end justify-between gap-x-6 gap-y-4">
        <div className="grid gap-1">
          <h1 className="text-3xl font-semibold">Your tasks</h1>
          <p role="status" className="text-muted">{summary(tasks, isLost)}</p>
        </div>
        {tasks !== null && tasks.length > 0 && <ToTheChat />}
      </div>
      {tasks === null && !isLost && <Skeleton />}
      {tasks?.length === 0 && <Nothing />}
      {tasks !== null && tasks.length > 0 && <Lists tasks={tasks} />}
    </>
  );
}

function useTasks() {
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
  return { tasks, isLost };
}

function summary(tasks: Task[] | null, isLost: boolean): string {
  if (tasks === null) return isLost ? 'The tasks cannot be loaded now. Trying again…' : 'Loading…';
  const open = tasks.filter(({ status }) => status === 'pending').length;
  const counted = tasks.length === 0 ? 'All clear.' : `${open} open, ${tasks.length - open} done.`;
  return isLost ? `${counted} Reconnecting…` : counted;
}

function Lists({ tasks }: { tasks: Task[] }) {
  const open = tasks.filter(({ status }) => status === 'pending');
  const done = tasks.filter(({ status }) => status === 'completed');
  return (
    <div className="mt-8 grid gap-8">
      <progress
        aria-label="Done"
        value={done.length}
        max={tasks.length}
        className="h-1.5 w-full appearance-none overflow-hidden rounded-full bg-line [&::-moz-progress-bar]:bg-accent [&::-webkit-progress-bar]:bg-line [&::-webkit-progress-value]:rounded-full [&::-webkit-progress-value]:bg-accent [&::-webkit-progress-value]:transition-[width]"
      />
      <Section title="To do" tasks={open} />
      <Section title="Done" tasks={done} />
    </div>
  );
}

function Section({ title, tasks }: { title: string; tasks: Task[] }) {
  if (tasks.length === 0) return null;
  return (
    <section aria-label={title} className="grid gap-3">
      <h2 className="text-sm font-semibold text-muted">
        {title} <span className="font-normal tabular-nums">{tasks.length}</span>
      </h2>
      <ul className="divide-y divide-line rounded-2xl border border-line bg-raised">
        {tasks.map((task) => <Row key={task.id} task={task} />)}
      </ul>
    </section>
  );
}

function Row({ task }: { task: Task }) {
  const isDone = task.status === 'completed';
  return (
    <li className="flex items-start gap-3.5 px-4 py-3.5 sm:px-5">
      <Mark isDone={isDone} />
      <div className="min-w-0 flex-1">
        <p className={cn('font-medium break-words', isDone && 'font-normal text-muted line-through')}>
          {task.title}
          {isDone && <span className="sr-only"> (done)</span>}
        </p>
        {task.notes && <p className="mt-0.5 text-sm break-words text-muted">{task.notes}</p>}
      </div>
      <Moment at={task.completed_at ?? task.created_at} verb={isDone ? 'Done' : 'Added'} />
    </li>
  );
}

/** Not a box to be ticked: the assistant is who changes the list. */
function Mark({ isDone }: { isDone: boolean }) {
  return (
    <span aria-hidden="true" className="grid size-6 shrink-0 place-items-center">
      {isDone ? (
        <span className="grid size-5 place-items-center rounded-full bg-accent text-on-accent *:size-3.5"><CheckIcon /></span>
      ) : (
        <span className="size-2 rounded-full bg-muted/60" />
      )}
    </span>
  );
}

function Moment({ at, verb }: { at: string; verb: string }) {
  const moment = new Date(at);
  const isToday = moment.toDateString() === new Date().toDateString();
  const shown = isToday
    ? moment.toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' })
    : moment.toLocaleDateString(undefined, { day: 'numeric', month: 'short' });
  return (
    <time dateTime={at} title={moment.toLocaleString()} className="mt-0.5 shrink-0 text-sm text-muted tabular-nums">
      <span className="max-sm:sr-only">{verb} </span>
      {shown}
    </time>
  );
}

function ToTheChat() {
  return (
    <Link className={button({ size: 'small' })} href="/dashboard/chat">
      <ChatIcon />
      Ask the assistant
    </Link>
  );
}

function Nothing() {
  return (
    <Card className="mt-8 grid justify-items-center gap-5 px-6 py-14 text-center">
      <span className="grid size-14 place-items-center rounded-2xl bg-accent-soft text-accent-text *:size-7"><CheckIcon /></span>
      <div className="grid gap-1">
        <p className="text-lg font-semibold">Nothing to do yet.</p>
        <p className="max-w-sm text-muted">Tell the assistant what is on your mind, such as “add buy milk and call mum”.</p>
      </div>
      <ToTheChat />
    </Card>
  );
}

function Skeleton() {
  return (
    <div aria-hidden="true" className="mt-8 grid animate-pulse divide-y divide-line rounded-2xl border border-line">
      {['w-2/5', 'w-3/5', 'w-1/3'].map((width) => (
        <div key={width} className="flex h-14 items-center px-5"><span className={cn('h-3.5 rounded-full bg-line', width)} /></div>
      ))}
    </div>
  );
}
