'use client';

import { ChatKit, useChatKit } from '@openai/chatkit-react';
import { usePathname } from 'next/navigation';
import { useEffect, useState } from 'react';

import { useScheme } from '@/components/theme';
import { useToolCalls } from '@/components/tool-badges';
import { Button } from '@/components/ui/button';

type Props = { element: { url: string; domainKey: string } };
type Loading = 'loading' | 'ready' | 'failed';

const ACCENT = '#0FFF50';
const FONT = '"Inter Variable", ui-sans-serif, system-ui, -apple-system, "Segoe UI", sans-serif';
const PROMPTS = [
  'Add “Buy milk” to my tasks',
  'What is on my list?',
  'Mark “Buy milk” as done',
  'What have I finished?',
];

/**
 * The chat; the address follows the conversation that is open, so that it can be linked to, and says which one
 * that is: the browser's Back brings the page as it was rendered before the address moved on.
 */
export function Chat({ element }: Props) {
  const scheme = useScheme();
  const { tell, settle } = useToolCalls();
  const address = usePathname();
  const [opened] = useState(address.split('/')[3] ?? null);
  const [state, setState] = useState<Loading>('loading');
  useEffect(() => defineElement(element.url, () => setState('failed')), [element.url]);
  useEffect(() => settle, [settle]);

  const { control } = useChatKit({
    api: { url: '/api/chatkit', domainKey: element.domainKey, uploadStrategy: { type: 'two_phase' } },
    initialThread: opened,
    theme: {
      colorScheme: scheme,
      color: { accent: { primary: ACCENT, level: 1 } },
      typography: { fontFamily: FONT },
    },
    history: { enabled: true },
    startScreen: {
      greeting: 'What shall we get done?',
      prompts: PROMPTS.map((prompt) => ({ label: prompt, prompt })),
    },
    composer: { placeholder: 'Message Verbatim', attachments: { enabled: true } },
    thread: { autoScroll: true },
    threadItemActions: { feedback: true, retry: true },
    onReady: () => setState('ready'),
    onThreadChange: ({ threadId: id }) => {
      window.history.replaceState(null, '', id ? `/dashboard/chat/${id}` : '/dashboard/chat');
    },
    onResponseEnd: settle,
    onEffect: ({ name, data }) => {
      if (name !== 'tool_call' || !data) return;
      tell({ callId: String(data.call_id), title: String(data.title), status: String(data.status) });
    },
  });

  return (
    <main id="main" tabIndex={-1} className="relative flex min-h-0 flex-1 flex-col outline-none">
      <h1 className="sr-only">Chat</h1>
      {state !== 'ready' && <Waiting hasFailed={state === 'failed'} />}
      <ChatKit control={control} className="block min-h-0 w-full flex-1" />
    </main>
  );
}

/** In the chat's place until its script is there. */
function Waiting({ hasFailed }: { hasFailed: boolean }) {
  return (
    <div role={hasFailed ? 'alert' : 'status'} className="absolute inset-0 z-10 grid place-content-center justify-items-center gap-4 bg-background p-6 text-center text-muted">
      {hasFailed ? 'The chat cannot be loaded now: try again shortly.' : 'Loading the chat…'}
      {hasFailed && <Button variant="outline" size="small" onClick={() => location.reload()}>Try again</Button>}
    </div>
  );
}

/** The React wrapper waits for whatever script defines the element; one is enough for all visits. */
function defineElement(url: string, onFailed: () => void) {
  if (customElements.get('openai-chatkit')) return;
  const script = document.querySelector<HTMLScriptElement>(`script[src="${url}"]`) ?? addScript(url);
  script.addEventListener('error', onFailed);
  return () => script.removeEventListener('error', onFailed);
}

function addScript(url: string): HTMLScriptElement {
  const script = document.createElement('script');
  // Ours is a module; a classic script may come from elsewhere without that host's leave.
  if (url.startsWith('/')) script.type = 'module';
  script.src = url;
  script.addEventListener('error', () => script.remove());
  document.head.append(script);
  return script;
}
