'use client';

import { createContext, type ReactNode, useCallback, useContext, useMemo, useState } from 'react';

import { CheckIcon, CrossIcon, DashIcon, SpinnerIcon } from '@/components/icons';
import { Badge } from '@/components/ui/badge';

/** As the client effect `tool_call` tells it. */
export type ToolCall = { callId: string; title: string; status: string };

type Calls = {
  calls: ToolCall[];
  tell: (call: ToolCall) => void;
  /** Nobody tells this page any more what becomes of the calls that are running. */
  settle: () => void;
};

const SHOWN = 3;
const Context = createContext<Calls>({ calls: [], tell: () => {}, settle: () => {} });

/** The newest tool calls of this visit, for the page's header. */
export function ToolCalls({ children }: { children: ReactNode }) {
  const [calls, setCalls] = useState<ToolCall[]>([]);
  const tell = useCallback((call: ToolCall) => setCalls((known) => withCall(known, call)), []);
  const settle = useCallback(() => setCalls((known) => known.filter(({ status }) => status !== 'running')), []);
  const value = useMemo(() => ({ calls, tell, settle }), [calls, tell, settle]);
  return <Context.Provider value={value}>{children}</Context.Provider>;
}

/** A call keeps its place, and the oldest ones make room. */
function withCall(known: ToolCall[], call: ToolCall): ToolCall[] {
  const isKnown = known.some(({ callId }) => callId === call.callId);
  if (isKnown) return known.map((one) => (one.callId === call.callId ? call : one));
  return [...known, call].slice(-SHOWN);
}

export function useToolCalls() {
  return useContext(Context);
}

/** What the chat itself reads out is not read out twice: this list is no live region. */
export function ToolBadges() {
  const { calls } = useToolCalls();
  if (calls.length === 0) return null;
  return (
    <ul
      aria-label="Tool calls"
      className="flex min-w-0 gap-2 overflow-hidden max-sm:order-last max-sm:w-full max-sm:pb-1 sm:ms-auto max-sm:[&>:nth-last-child(n+3)]:hidden"
    >
      {calls.map((call) => <li key={call.callId} className="min-w-0"><ToolBadge {...call} /></li>)}
    </ul>
  );
}

const LOOKS: Record<string, { variant: 'neutral' | 'success' | 'failure'; said: string; Icon: () => React.JSX.Element }> = {
  running: { variant: 'neutral', said: 'running', Icon: SpinnerIcon },
  success: { variant: 'success', said: 'succeeded', Icon: CheckIcon },
  failure: { variant: 'failure', said: 'failed', Icon: CrossIcon },
  denied: { variant: 'failure', said: 'not approved', Icon: CrossIcon },
};
const UNKNOWN = { variant: 'neutral', said: 'outcome unknown', Icon: DashIcon } as const;

function ToolBadge({ title, status }: ToolCall) {
  const { variant, said, Icon } = LOOKS[status] ?? UNKNOWN;
  return (
    <Badge variant={variant} title={`${title}: ${said}`} data-status={status}>
      <span className="shrink-0 *:size-3.5"><Icon /></span>
      <span className="truncate font-mono">{title}</span>
      <span className="sr-only">: {said}</span>
    </Badge>
  );
}
