'use client';

import { ChatKit, useChatKit } from '@openai/chatkit-react';
import { useEffect, useState } from 'react';

import { useScheme } from '@/components/theme';
import { useToolCalls } from '@/components/tool-badges';

type Props = { threadId: string | null; element: { url: string; domainKey: string } };

const ACCENT = '#0FFF50';
const NOT_LOADED = 'The chat cannot be loaded now: try again shortly by loading this page again.';
const PROMPTS = ['Add “Buy milk” to my tasks', 'What is on my list?', 'Mark “Buy milk” as done'];

/** The chat; the address follows the conversation that is open, so that it can be linked to. */
export function Chat({ threadId, element }: Props) {
  const scheme = useScheme();
  const tell = useToolCalls();
  const [opened] = useState(threadId);
  const [isThinking, setThinking] = useState(false);
  const [problem, setProblem] = useState('');
  useEffect(() => defineElement(element.url, () => setProblem(NOT_LOADED)), [element.url]);

  const { control } = useChatKit({
    api: { url: '/api/chatkit', domainKey: element.domainKey },
    initialThread: opened,
    theme: { colorScheme: scheme, color: { accent: { primary: ACCENT, level: 1 } } },
    history: { enabled: true },
    startScreen: {
      greeting: 'What shall we get done?',
      prompts: PROMPTS.map((prompt) => ({ label: prompt, prompt })),
    },
    composer: { placeholder: 'Message Verbatim' },
    thread: { autoScroll: true },
    threadItemActions: { feedback: true, retry: true },
    onThreadChange: ({ threadId: id }) => {
      setProblem('');
      window.history.replaceState(null, '', id ? `/dashboard/chat/${id}` : '/dashboard/chat');
    },
    onResponseStart: () => setThinking(true),
    onResponseEnd: () => setThinking(false),
    onEffect: ({ name, data }) => {
      if (name !== 'tool_call' || !data) return;
      setThinking(data.status === 'running');
      tell({ callId: String(data.call_id), title: String(data.title), status: String(data.status) });
    },
    onError: ({ error }) => setProblem(error.message),
  });

  return (
    <main className="flex min-h-0 flex-1 flex-col">
      <h1 className="sr-only">Chat</h1>
      <p role="status" className="sr-only">{isThinking ? 'Thinking' : ''}</p>
      {problem && <p role="alert" className="border-b border-line px-4 py-2 text-sm text-danger">{problem}</p>}
      <ChatKit control={control} className="block min-h-0 w-full flex-1" />
    </main>
  );
}

/** The React wrapper waits for whatever script defines the element; one is enough for all visits. */
function defineElement(url: string, failed: () => void) {
  if (customElements.get('openai-chatkit') || document.querySelector(`script[src="${url}"]`)) return;
  const script = document.createElement('script');
  script.type = 'module';
  script.src = url;
  script.onerror = () => {
    script.remove();
    failed();
  };
  document.head.append(script);
}
