// A page around the unmodified React wrapper, with a handler for each event that it knows.
import { createElement } from 'react';
import { createRoot } from 'react-dom/client';
import { ChatKit, useChatKit } from '@openai/chatkit-react';

const { handlers, methods } = window.wrapper;
window.heard = [];
window.called = [];

/** Of errors their message: they cannot leave the page as they are. */
const told = (detail) => (detail?.error ? { message: detail.error.message } : detail ?? null);
const given = Object.fromEntries(handlers.map((name) => [name, (detail) => heard.push([name, told(detail)])]));

function App() {
  const chat = useChatKit({
    api: { url: '/api/chatkit', domainKey: 'local' },
    composer: { tools: [{ id: 'list_tasks', label: 'List', icon: 'search' }] },
    history: { enabled: true },
    ...given,
  });
  window.call = async (name, ...values) => {
    if (!methods.includes(name)) throw new Error(`the wrapper has no method ${name}`);
    called.push(name);
    await chat[name](...values);
  };
  return createElement(ChatKit, { control: chat.control, className: 'chat' });
}

createRoot(document.getElementById('root')).render(createElement(App));
