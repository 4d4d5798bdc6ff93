'use client';

import Link from 'next/link';
import { usePathname } from 'next/navigation';
import { useState } from 'react';

import { ThemeButton } from '@/components/theme';
import { ToolBadges } from '@/components/tool-badges';
import { Button } from '@/components/ui/button';
import { signOutEverywhere, useSignOutElsewhere } from '@/lib/sign-out';
import { cn } from '@/lib/utils';

const PAGES = [
  { href: '/dashboard', name: 'Tasks' },
  { href: '/dashboard/chat', name: 'Chat' },
];

export function Header({ name }: { name: string }) {
  const path = usePathname();
  const [isRefused, setRefused] = useState(false);
  useSignOutElsewhere();
  return (
    <header className="flex items-center gap-2 border-b border-line px-3 py-2 sm:gap-4 sm:px-6">
      <Link href="/dashboard" className="flex items-center gap-2 font-semibold">
        <span aria-hidden="true" className="size-3 rounded-full bg-accent" />
        <span className="max-sm:sr-only">Verbatim</span>
      </Link>
      <nav aria-label="Pages" className="flex gap-1">
        {PAGES.map(({ href, name: title }) => {
          const isHere = href === '/dashboard' ? path === href : path.startsWith(href);
          return (
            <Link
              key={href}
              href={href}
              aria-current={isHere ? 'page' : undefined}
              className={cn('rounded-lg px-3 py-1.5 text-sm text-muted hover:bg-surface', isHere && 'bg-surface font-medium text-foreground')}
            >
              {title}
            </Link>
          );
        })}
      </nav>
      <ToolBadges />
      <ThemeButton />
      <Button
        variant="outline"
        size="small"
        onClick={async () => setRefused(!(await signOutEverywhere()))}
        title={`Signed in as ${name}`}
      >
        Sign out
      </Button>
      {isRefused && <p role="alert" className="text-sm text-danger">You are still signed in: try again.</p>}
    </header>
  );
}
