'use client';

import { createContext, type ReactNode, useCallback, useContext, useState } from 'react';

import { CheckIcon, CrossIcon } from '@/components/icons';
import { Badge } from '@/components/ui/badge';

export type ToolCall = { callId: string; title: string; status: string };

const SHOWN = 3;
const Calls = createContext<{ calls: ToolCall[]; tell: (call: ToolCall) => void }>({ calls: [], tell: () => {} });

/** The newest tool calls of this visit, for the page's header. */
export function ToolCalls({ children }: { children: ReactNode }) {
  const [calls, setCalls] = useState<ToolCall[]>([]);
  const tell = useCallback((call: ToolCall) => {
    setCalls((known) => [...known.filter(({ callId }) => callId !== call.callId), call].slice(-SHOWN));
  }, []);
  return <Calls.Provider value={{ calls, tell }}>{children}</Calls.Provider>;
}

export function useToolCalls() {
  return useContext(Calls).tell;
}

export function ToolBadges() {
  const { calls } = useContext(Calls);
  return (
    <ul aria-label="Tool calls" aria-live="polite" className="flex min-w-0 flex-1 justify-end gap-2 overflow-hidden">
      {calls.map(({ callId, title, status }) => (
        <li key={callId} className="min-w-0">
          <ToolBadge title={title} status={status} />
        </li>
      ))}
    </ul>
  );
}

function ToolBadge({ title, status }: { title: string; status: string }) {
  if (status === 'success') {
    return <Badge variant="success"><CheckIcon /><span className="truncate">{title}</span></Badge>;
  }
  if (status === 'running') return <Badge><span className="truncate">{title}…</span></Badge>;
  return <Badge variant="failure"><CrossIcon /><span className="truncate">{title}</span></Badge>;
}
