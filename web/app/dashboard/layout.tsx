import type { ReactNode } from 'react';

import { Header } from '@/components/header';
import { ToolCalls } from '@/components/tool-badges';
import { signedIn } from '@/lib/session';

export default async function DashboardLayout({ children }: { children: ReactNode }) {
  const user = await signedIn();
  return (
    <ToolCalls>
      <a
        href="#main"
        className="fixed start-3 top-2 z-10 -translate-y-24 rounded-xl bg-accent px-4 py-2 text-sm font-semibold text-on-accent focus:translate-y-0"
      >
        Skip to the content
      </a>
      <div className="flex h-dvh flex-col">
        <Header name={user.name} />
        {children}
      </div>
    </ToolCalls>
  );
}
