'use client';

import Link from 'next/link';
import { usePathname } from 'next/navigation';
import { useState } from 'react';

import { Brand } from '@/components/brand';
import { ChatIcon, LeaveIcon, ListIcon } from '@/components/icons';
import { ThemeButton } from '@/components/theme';
import { ToolBadges } from '@/components/tool-badges';
import { Button } from '@/components/ui/button';
import { signOutEverywhere, useSignOutElsewhere } from '@/lib/sign-out';
import { cn } from '@/lib/utils';

const TASKS = '/dashboard';
const CHAT = '/dashboard/chat';

export function Header({ name }: { name: string }) {
  const [isRefused, setRefused] = useState(false);
  useSignOutElsewhere();
  const signOut = async () => setRefused(!(await signOutEverywhere()));
  return (
    <header className="flex min-h-14 flex-wrap items-center gap-x-2 gap-y-1 border-b border-line px-3 py-1.5 sm:flex-nowrap sm:gap-x-4 sm:px-6">
      <Link href={TASKS} className="flex rounded-lg"><Brand isShort /></Link>
      <Pages />
      <ToolBadges />
      <div className="ms-auto flex items-center gap-1 sm:[ul~&]:ms-0">
        <ThemeButton />
        <Button variant="ghost" size="small" className="max-sm:px-2" onClick={signOut} title={`Signed in as ${name}`}>
          <LeaveIcon />
          <span className="max-sm:sr-only">Sign out</span>
        </Button>
      </div>
      {isRefused && <p role="alert" className="w-full text-sm text-danger sm:w-auto">You are still signed in: try again.</p>}
    </header>
  );
}

/** The way back to the chat leads to the conversation that was open there. */
function Pages() {
  const path = usePathname();
  const [chat, setChat] = useState(CHAT);
  if (path.startsWith(CHAT) && path !== chat) setChat(path);
  const pages = [
    { href: TASKS, name: 'Tasks', Icon: ListIcon },
    { href: chat, name: 'Chat', Icon: ChatIcon },
  ];
  return (
    <nav aria-label="Pages" className="flex gap-1">
      {pages.map(({ href, name, Icon }) => {
        const isHere = path === href;
        return (
          <Link
            key={name}
            href={href}
            aria-current={isHere ? 'page' : undefined}
            className={cn(
              'flex h-9 items-center gap-2 rounded-xl px-3 text-sm font-medium text-muted hover:bg-surface hover:text-foreground',
              isHere && 'bg-surface text-foreground',
            )}
          >
            <span className={cn('max-sm:hidden', isHere && 'text-accent-text')}><Icon /></span>
            {name}
          </Link>
        );
      })}
    </nav>
  );
}
