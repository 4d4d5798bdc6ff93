// @ts-check
/** The chat page: who is signed in, the address, and the chat element with its list beside it. */

import { ConversationList, addressOf } from './conversations.js';
import { closeDrawer, narrow, watchDrawer } from './drawer.js';
import { isSignedOut, request } from './requests.js';
import { watchSearch } from './search.js';
import { scheme, watchTheme } from './theme.js';

/** @typedef {{ user_id: string, mode: string, assistant: { kind: string, model?: string, models?: string[] } }} Session */
/** @typedef {HTMLElement & { setOptions(options: object): void, setThreadId(id: string | null): Promise<void>, focusComposer(): Promise<void> }} ChatElement */

const TITLE_SECONDS = 4;
const PROMPTS = ['Add “Buy milk” to my tasks', 'What is on my list?', 'Mark “Buy milk” as done', 'What can you do?'];

/** @type {(id: string) => HTMLElement} */
const get = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
const chat = /** @type {ChatElement} */ (get('chat'));

/** What the user may choose among. @type {string[]} */
let models = [];
/** The list, once there is a session. @type {ConversationList | null} */
let list = null;
/** @type {string | null} */
let currentId = idInAddress();

watchTheme(() => list && configureChat());
watchDrawer();
watchAddress();
get('gate-retry').addEventListener('click', () => location.reload());
void start();

async function start() {
  /** @type {Session} */
  let session;
  try {
    session = await request('GET', '/api/session');
  } catch (error) {
    return showGate(isSignedOut(error));
  }
  showSession(session);
  await customElements.whenDefined('openai-chatkit');
  list = new ConversationList(session.user_id, {
    deleted: (id) => void (id === currentId && go(null)),
    signedOut: () => showGate(true),
  });
  list.mark(currentId);
  watchSearch((query) => void list?.search(query));
  startChat(list);
  await list.load();
}

/** @param {boolean} hasNoSession */
function showGate(hasNoSession) {
  get('shell').hidden = true;
  get('menu').hidden = true;
  get('gate').hidden = false;
  get('gate-title').textContent = hasNoSession ? 'You are not signed in' : 'The server cannot be reached';
  get('gate-text').textContent = hasNoSession
    ? 'This page is in local mode: open the sign-in link that the command below printed in its terminal.'
    : 'Check that the server is running and that you are online, then try again.';
  get('gate-command').hidden = !hasNoSession;
  document.title = 'Verbatim';
}

/** @param {Session} session */
function showSession({ mode, assistant }) {
  const isOffline = assistant.kind === 'offline';
  models = isOffline ? [] : (assistant.models ?? []);
  get('shell').hidden = false;
  get('menu').hidden = false;
  get('mode').hidden = mode !== 'local';
  get('mode').textContent = 'local mode';
  get('model').hidden = isOffline || !assistant.model;
  get('model').textContent = assistant.model ?? '';
  get('banner').hidden = !isOffline;
  get('banner').textContent =
    'Built-in assistant: rule-based, not a language model. Set OPENAI_API_KEY to use a model.';
}

/** @param {ConversationList} conversations */
function startChat(conversations) {
  chat.addEventListener('chatkit.thread.change', (event) => {
    const { threadId } = detailOf(event);
    if (threadId !== currentId) history.pushState(null, '', addressOf(threadId));
    currentId = threadId;
    conversations.mark(threadId);
    if (threadId && !conversations.has(threadId)) void conversations.refresh();
  });
  chat.addEventListener('chatkit.response.end', () => {
    void conversations.refresh();
    // The model names a conversation after its first reply, in a call of its own.
    setTimeout(() => void conversations.refresh(), TITLE_SECONDS * 1000);
  });
  chat.addEventListener('chatkit.log', (event) => {
    const { name, data } = detailOf(event);
    if (name === 'thread.updated' && data.title) conversations.setTitle(data.threadId, data.title);
  });
  chat.addEventListener('chatkit.error', (event) => console.warn('chat:', detailOf(event).error?.message));
  configureChat();
  if (!narrow.matches) void chat.focusComposer();
}

function configureChat() {
  chat.setOptions({
    api: { url: '/chatkit', domainKey: 'local', uploadStrategy: { type: 'two_phase' } },
    initialThread: currentId,
    frameTitle: 'Chat with Verbatim',
    theme: { colorScheme: scheme(), color: { accent: { primary: '#0FFF50', level: 1 } } },
    startScreen: {
      greeting: 'What shall we get done?',
      prompts: PROMPTS.map((prompt) => ({ label: prompt, prompt })),
    },
    composer: { placeholder: 'Message Verbatim', models: modelOptions(), attachments: { enabled: true } },
    thread: { autoScroll: true },
    threadItemActions: { feedback: true, retry: true },
    // The page has a header and a list of its own.
    header: { enabled: false },
    history: { enabled: false },
  });
}

/** One alone is no choice. */
function modelOptions() {
  return models.length > 1 ? models.map((id, index) => ({ id, label: id, default: index === 0 })) : undefined;
}

/** @param {Event} event */
function detailOf(event) {
  return /** @type {CustomEvent} */ (event).detail ?? {};
}

function watchAddress() {
  addEventListener('popstate', () => {
    currentId = idInAddress();
    list?.mark(currentId);
    if (list) void chat.setThreadId(currentId);
  });
  document.addEventListener('click', (event) => {
    const target = /** @type {Element} */ (event.target);
    const isPlain = !event.metaKey && !event.ctrlKey && !event.shiftKey && event.button === 0;
    const row = /** @type {HTMLElement | null} */ (target.closest('.row-link'));
    if (!list || !isPlain || !(row ?? target.closest('[data-new]'))) return;
    event.preventDefault();
    void go(row?.dataset.id ?? null);
  });
  document.querySelector('.skip')?.addEventListener('click', (event) => {
    event.preventDefault();
    if (list) void chat.focusComposer();
  });
}

function idInAddress() {
  return new URLSearchParams(location.search).get('c');
}

/** @param {string | null} id */
async function go(id) {
  closeDrawer();
  const isOpened = chat.setThreadId(id);
  if (!narrow.matches || id === null) void chat.focusComposer();
  await isOpened;
}
