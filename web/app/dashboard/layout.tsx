import type { ReactNode } from 'react';

import { Header } from '@/components/header';
import { ToolCalls } from '@/components/tool-badges';
import { signedIn } from '@/lib/session';

export default async function DashboardLayout({ children }: { children: ReactNode }) {
  const user = await signedIn();
  return (
    <ToolCalls>
      <div className="flex h-dvh flex-col">
        <Header name={user.name} />
        {children}
      </div>
    </ToolCalls>
  );
}
