// @ts-check
/**
 * `<openai-chatkit>`: a chat element for any server that speaks the ChatKit protocol.
 *
 * One module, no dependencies, no inline styles (safe under `style-src 'self'`). It follows the
 * contract of @openai/chatkit and adds one thing: against a server that numbers its frames
 * (`Verbatim-Run`, SSE ids) a reply survives refreshes and lost connections without loss.
 *
 *     const chat = document.createElement('openai-chatkit');
 *     chat.setOptions({ api: { url: '/chatkit', domainKey: 'local' } });
 *     document.body.append(chat);
 *
 * Order: limits, wire, Markdown, views, attachments, widgets, timeline, element, styles.
 */

/** @typedef {{ url: string, fetch?: (url: string, init: RequestInit) => Promise<Response>, uploadStrategy?: { type: string, uploadUrl?: string } }} Api */
/** @typedef {{ type: string, text?: string, [field: string]: any }} ContentPart */
/** @typedef {{ type: string, title?: string, content?: string, icon?: string, status_indicator?: string, [field: string]: any }} Task */
/** @typedef {{ message_id: string, number: number, count: number, previous_id?: string, next_id?: string }} Siblings */
/** @typedef {{ id: string, type: string, content?: ContentPart[], task?: Task, workflow?: any, siblings?: Siblings, [field: string]: any }} Item */
/** @typedef {{ data: Item[], has_more: boolean, after: string | null, runId: string | null, branchId: string | null, isStale: boolean }} ItemPage */
/** @typedef {{ id: string, title?: string | null, created_at?: string, status?: { type: string, reason?: string } }} Thread */
/** @typedef {{ data: Thread[], has_more: boolean, after: string | null }} ThreadPage */
/** @typedef {{ type: string, params: object, metadata?: object }} Operation */
/** @typedef {{ type: string, [field: string]: any }} WireEvent */
/** @typedef {{ id: string, data: string } | { comment: string }} Frame */
/** @typedef {{ lost: () => void, opened: () => void, log: (name: string, data: object) => void }} StreamListener */
/** @typedef {{ label: string, run: () => void }} Action */
/** @typedef {{ edit: (item: Item, text: string) => void, retry: (itemId: string) => void, show: (messageId: string) => void, log: (name: string, data: object) => void }} BranchActions */

/** Durations in seconds; tests and unusual networks may change them. */
export const timings = {
  readyHold: 0.25,
  silence: 25,
  firstRetry: 0.3,
  longestRetry: 5,
  refreshOnFocus: 5,
  /** Between two drawings of a growing reply: what a browser does for each costs more than the text. */
  drawPause: 0.1,
  clientTool: 120,
};

const SEND_ATTEMPTS = 4;
const RESUME_ATTEMPTS = 12;
const ITEMS_PER_PAGE = 30;
const THREADS_PER_PAGE = 30;
const MAX_TITLE_CHARACTERS = 200;
const MAX_MESSAGE_CHARACTERS = 32_000;
const COUNTER_FROM_CHARACTERS = 30_000;
const STICK_TO_BOTTOM_PIXELS = 80;
const LOAD_OLDER_PIXELS = 600;
const LOAD_MORE_PIXELS = 300;
const SLOW_DRAW_MILLISECONDS = 10;
const ACCENT = '#0FFF50';
const ACCENT_TEXT_ON_LIGHT = '#067a2c';
const TEXT_ON_ACCENT = '#03210b';
const MINIMUM_CONTRAST = 4.5;

// ---------------------------------------------------------------------------------------- wire

/** A refusal of the server (`status`) or of the network (`status` 0), in words for people. */
export class ChatError extends Error {
  /**
   * @param {string} message
   * @param {{ status?: number, retryAfter?: number | null }} [about] retryAfter in seconds
   */
  constructor(message, { status = 0, retryAfter = null } = {}) {
    super(message);
    this.name = 'ChatError';
    this.status = status;
    this.retryAfter = retryAfter;
  }

  get isWorthRetrying() {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

/** The requests of the protocol, through the page's own `fetch` when it brings one. */
class Connection {
  /** @param {() => Api} api */
  constructor(api) {
    this.api = api;
  }

  /**
   * @param {string} threadId
   * @param {string | null} after
   * @param {AbortSignal} signal
   * @returns {Promise<ItemPage>} newest first
   */
  async listItems(threadId, after, signal) {
    const params = { thread_id: threadId, limit: ITEMS_PER_PAGE, order: 'desc', ...(after && { after }) };
    const body = { type: 'items.list', params };
    const response = await this.request('POST', '', { body, signal, headers: { 'Verbatim-Items': 'full' } });
    const page = await response.json();
    return {
      data: Array.isArray(page.data) ? page.data : [],
      has_more: page.has_more === true,
      after: page.after ?? null,
      runId: response.headers.get('Verbatim-Run'),
      branchId: response.headers.get('Verbatim-Branch'),
      isStale: response.headers.get('Verbatim-Stale') === 'true',
    };
  }

  /**
   * @param {string | null} after
   * @param {AbortSignal} signal
   * @returns {Promise<ThreadPage>} newest first
   */
  async listThreads(after, signal) {
    const params = { limit: THREADS_PER_PAGE, order: 'desc', ...(after && { after }) };
    const page = await this.#ask('threads.list', params, signal);
    return { data: Array.isArray(page.data) ? page.data : [], has_more: page.has_more === true, after: page.after ?? null };
  }

  /** @type {(threadId: string, signal: AbortSignal) => Promise<Thread>} */
  getThread(threadId, signal) {
    return this.#ask('threads.get_by_id', { thread_id: threadId }, signal);
  }

  /** @type {(threadId: string, title: string, signal: AbortSignal) => Promise<Thread>} */
  renameThread(threadId, title, signal) {
    return this.#ask('threads.update', { thread_id: threadId, title }, signal);
  }

  /** @type {(threadId: string, signal: AbortSignal) => Promise<object>} */
  deleteThread(threadId, signal) {
    return this.#ask('threads.delete', { thread_id: threadId }, signal);
  }

  /** @type {(type: string, params: object, signal: AbortSignal) => Promise<any>} */
  async #ask(type, params, signal) {
    return (await this.request('POST', '', { body: { type, params }, signal })).json();
  }

  /**
   * @param {string} threadId
   * @param {string} messageId a message or reply that is to be on the screen
   * @param {AbortSignal} signal
   */
  async showBranch(threadId, messageId, signal) {
    const path = `/threads/${encodeURIComponent(threadId)}/branch`;
    await this.request('PUT', path, { body: { message_id: messageId }, signal });
  }

  /**
   * @param {Operation} operation
   * @param {string} idempotencyKey
   * @param {AbortSignal} signal
   */
  async openStream(operation, idempotencyKey, signal) {
    const body = { ...operation, metadata: { ...operation.metadata, idempotency_key: idempotencyKey } };
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.request('POST', '', { body, signal, headers: STREAM_HEADERS });
      } catch (error) {
        const isNetwork = error instanceof ChatError && error.status === 0;
        if (!isNetwork || signal.aborted || attempt === SEND_ATTEMPTS) throw error;
        await pause(backoff(attempt - 1), signal);
      }
    }
  }

  /**
   * @param {string} runId
   * @param {string | null} lastFrameId
   * @param {AbortSignal} signal
   */
  resumeStream(runId, lastFrameId, signal) {
    const headers = { ...STREAM_HEADERS, ...(lastFrameId && { 'Last-Event-ID': lastFrameId }) };
    return this.request('GET', `/runs/${encodeURIComponent(runId)}/stream`, { headers, signal });
  }

  /**
   * @param {string} threadId
   * @param {string} itemId
   * @param {string} kind positive or negative
   * @param {boolean} isUndo takes it back
   */
  async giveFeedback(threadId, itemId, kind, isUndo) {
    const { signal } = new AbortController();
    const params = { thread_id: threadId, item_ids: [itemId], kind };
    const body = { type: 'items.feedback', params, ...(isUndo && { metadata: { undo: true } }) };
    await this.request('POST', '', { body, signal });
  }

  /**
   * @param {string} threadId
   * @param {string} itemId
   * @param {{ type: string, payload?: any }} action
   * @param {AbortSignal} signal
   * @returns {Promise<Item | null>} what became of the item, when that is told
   */
  async act(threadId, itemId, action, signal) {
    const params = { thread_id: threadId, item_id: itemId, action };
    const response = await this.request('POST', '', { body: { type: 'threads.sync_custom_action', params }, signal });
    return (await response.json()).updated_item ?? null;
  }

  /**
   * As `api.uploadStrategy` says: announced first and then sent where the server says, or sent at once.
   * @param {File} file
   * @param {AbortSignal} signal
   * @param {(share: number) => void} progress
   */
  async upload(file, signal, progress) {
    const { uploadStrategy } = this.api();
    if (uploadStrategy?.type === 'direct') {
      const form = new FormData();
      form.append('file', file, file.name);
      const response = await this.#sendFile('POST', uploadStrategy.uploadUrl ?? '', form, {}, signal, progress);
      return response.json();
    }
    const params = { name: file.name, size: file.size, mime_type: file.type || 'application/octet-stream' };
    const response = await this.request('POST', '', { body: { type: 'attachments.create', params }, signal });
    const { upload_descriptor: descriptor, ...attachment } = await response.json();
    if (descriptor) await this.#sendFile(descriptor.method, descriptor.url, file, descriptor.headers ?? {}, signal, progress);
    return attachment;
  }

  /** @param {string} attachmentId */
  async deleteAttachment(attachmentId) {
    const { signal } = new AbortController();
    const params = { attachment_id: attachmentId };
    await this.request('POST', '', { body: { type: 'attachments.delete', params }, signal });
  }

  /**
   * By `api.fetch` where it belongs to our server, since it may add what signs the user in. Otherwise by
   * XMLHttpRequest, which alone tells how far an upload is.
   * @type {(method: string, address: string, body: File | FormData, headers: Record<string, string>, signal: AbortSignal, progress: (share: number) => void) => Promise<Response>}
   */
  async #sendFile(method, address, body, headers, signal, progress) {
    const api = this.api();
    const url = new URL(address, document.baseURI);
    if (!/^https?:$/.test(url.protocol)) throw new ChatError('The server named no address to upload to.', { status: 400 });
    const isOurs = url.origin === new URL(api.url, document.baseURI).origin;
    const isBare = typeof api.fetch !== 'function' || api.fetch === globalThis.fetch;
    /** @type {Record<string, string>} */
    const kind = body instanceof File && body.type ? { 'Content-Type': body.type } : {};
    const init = { method, body, headers: { ...kind, ...headers }, signal };
    const sent = isOurs && !isBare ? /** @type {Required<Api>} */ (api).fetch(url.href, init) : sendWithProgress(url.href, init, progress);
    const response = await sent.catch((error) => {
      if (signal.aborted) throw error;
      throw new ChatError('The file could not be uploaded. Check your connection and try again.');
    });
    if (!response.ok) throw await problemOf(response);
    return response;
  }

  /** @param {string} runId */
  async stopRun(runId) {
    const { signal } = new AbortController();
    try {
      await this.request('DELETE', `/runs/${encodeURIComponent(runId)}`, { signal });
    } catch (error) {
      const isOver = error instanceof ChatError && [404, 409, 410].includes(error.status);
      if (!isOver) throw error;
    }
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {{ body?: object, headers?: Record<string, string>, signal: AbortSignal }} request
   * @returns {Promise<Response>} only answers of the 200 kind; anything else is a ChatError
   */
  async request(method, path, { body, headers = {}, signal }) {
    const url = endpoint(this.api().url, path);
    const abort = new AbortController();
    const forward = () => abort.abort(signal.reason);
    signal.addEventListener('abort', forward);
    const timer = setTimeout(() => abort.abort(), timings.silence * 1000);
    /** @type {RequestInit} */
    // A 410 is cached for ever by some browsers, and a later resumption would be answered by it.
    const init = { method, headers: { ...headers }, signal: abort.signal, cache: 'no-store' };
    if (body) {
      init.body = JSON.stringify(body);
      init.headers = { 'Content-Type': 'application/json', ...headers };
    }
    let response;
    try {
      signal.throwIfAborted();
      response = await this.#fetch(url, init);
    } catch (error) {
      if (signal.aborted) throw error;
      throw new ChatError('The server cannot be reached. Check your connection and try again.');
    } finally {
      clearTimeout(timer);
      // The reader of a stream owns it from here on and cancels it by itself.
      signal.removeEventListener('abort', forward);
    }
    if (!response.ok) throw await problemOf(response);
    return response;
  }

  /**
   * @param {string} url
   * @param {RequestInit} init
   */
  #fetch(url, init) {
    const api = this.api();
    const isBare = typeof api.fetch !== 'function' || api.fetch === globalThis.fetch;
    return isBare ? fetch(url, init) : /** @type {Required<Api>} */ (api).fetch(url, init);
  }
}

/**
 * @type {(url: string, init: { method: string, body: File | FormData, headers: Record<string, string>, signal: AbortSignal }, progress: (share: number) => void) => Promise<Response>}
 */
function sendWithProgress(url, { method, body, headers, signal }, progress) {
  const request = new XMLHttpRequest();
  let timer = 0;
  const watch = () => {
    clearTimeout(timer);
    timer = window.setTimeout(() => request.abort(), timings.silence * 1000);
  };
  const sent = new Promise((done, failed) => {
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.addEventListener('progress', ({ loaded, total }) => {
      watch();
      if (total) progress(loaded / total);
    });
    const answer = () => new Response([204, 205, 304].includes(request.status) ? null : request.response, { status: request.status });
    request.responseType = 'blob';
    request.addEventListener('load', () => done(answer()));
    for (const end of ['error', 'abort', 'timeout']) request.addEventListener(end, () => failed(new Error(end)));
    signal.addEventListener('abort', () => request.abort());
    watch();
    request.send(body);
  });
  return sent.finally(() => clearTimeout(timer));
}

const STREAM_HEADERS = { Accept: 'text/event-stream', 'Verbatim-Frames': 'id' };

/**
 * The response body of one run, followed across lost connections.
 * A server that names no run gets the plain protocol: the body's end is the response's end.
 */
class ReplyStream {
  /** @type {string | null} */
  runId = null;
  /** @type {string | null} */
  #lastFrameId = null;
  #lastSequence = 0;
  #failures = 0;
  #isEnded = false;

  /** @param {Connection} connection */
  constructor(connection) {
    this.connection = connection;
    this.signal = new AbortController().signal;
    /** @type {StreamListener} */
    this.listener = { lost() {}, opened() {}, log() {} };
  }

  /** @type {(signal: AbortSignal, listener: StreamListener) => void} */
  start(signal, listener) {
    this.signal = signal;
    this.listener = listener;
    this.#failures = 0;
  }

  /**
   * @param {() => Promise<Response>} open
   * @returns {AsyncGenerator<WireEvent>}
   */
  async *events(open) {
    let response = await open();
    for (;;) {
      this.runId = response.headers.get('Verbatim-Run') ?? this.runId;
      this.listener.opened();
      yield* this.#eventsOf(response);
      if (this.#isEnded || this.runId === null) return;
      this.listener.lost();
      response = await this.reopen();
    }
  }

  /** @returns {Promise<Response>} */
  async reopen() {
    for (;;) {
      await pause(backoff(this.#failures), this.signal);
      this.#failures += 1;
      try {
        const runId = /** @type {string} */ (this.runId);
        return await this.connection.resumeStream(runId, this.#lastFrameId, this.signal);
      } catch (error) {
        const canWait = error instanceof ChatError && error.isWorthRetrying;
        if (!canWait || this.signal.aborted || this.#failures >= RESUME_ATTEMPTS) throw error;
        if (error.retryAfter) await pause(error.retryAfter, this.signal);
      }
    }
  }

  /**
   * @param {Response} response
   * @returns {AsyncGenerator<WireEvent>}
   */
  async *#eventsOf(response) {
    if (!response.headers.get('Content-Type')?.startsWith('text/event-stream') || !response.body) {
      throw new ChatError('The server did not answer with a stream. Check the address in api.url.', {
        status: response.status,
      });
    }
    try {
      for await (const frame of readFrames(response.body, this.signal)) {
        if ('comment' in frame) this.#isEnded ||= frame.comment === 'end';
        else if (this.#isNew(frame.id)) {
          const event = this.#parse(frame.data);
          if (event !== undefined) yield event;
        }
      }
    } catch (error) {
      if (this.signal.aborted || this.runId === null) throw error;
    }
  }

  /** @param {string} id */
  #isNew(id) {
    const [, runId, sequence] = /^(.+):(\d+)$/.exec(id) ?? [];
    if (!runId) return true;
    if (this.runId !== runId) this.#lastSequence = 0;
    this.runId = runId;
    if (Number(sequence) <= this.#lastSequence) return false;
    this.#lastSequence = Number(sequence);
    this.#lastFrameId = id;
    this.#failures = 0;
    return true;
  }

  /** @param {string} data @returns {WireEvent | undefined} */
  #parse(data) {
    try {
      return JSON.parse(data);
    } catch {
      this.listener.log('frame.unreadable', { characters: data.length });
    }
  }
}

/**
 * Server-sent events, read by hand: the element must see comments and detect silence.
 * @param {ReadableStream<Uint8Array>} body
 * @param {AbortSignal} signal
 * @returns {AsyncGenerator<Frame>}
 */
async function* readFrames(body, signal) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const cancel = () => void reader.cancel().catch(() => {});
  signal.addEventListener('abort', cancel);
  // One timer for all reads: setting one for each token costs as much as reading it.
  let heardAt = performance.now();
  const isSilent = () => performance.now() - heardAt > timings.silence * 1000;
  const watch = setInterval(() => isSilent() && cancel(), timings.silence * 250);
  let rest = '';
  /** @type {{ id: string, data: string[] }} */
  let frame = { id: '', data: [] };
  try {
    for (;;) {
      const { value, done } = await reader.read();
      heardAt = performance.now();
      signal.throwIfAborted();
      if (done) return;
      const lines = (rest + decoder.decode(value, { stream: true })).split('\n');
      rest = /** @type {string} */ (lines.pop());
      for (const line of lines.map((text) => text.replace(/\r$/, ''))) {
        if (line === '') {
          if (frame.data.length) yield { id: frame.id, data: frame.data.join('\n') };
          frame = { id: '', data: [] };
        } else if (line.startsWith(':')) yield { comment: line.slice(1).trim() };
        else if (line.startsWith('data:')) frame.data.push(line.slice(5).replace(/^ /, ''));
        else if (line.startsWith('id:')) frame.id = line.slice(3).trim();
      }
    }
  } finally {
    clearInterval(watch);
    signal.removeEventListener('abort', cancel);
    cancel();
  }
}

/**
 * @param {string} base
 * @param {string} path
 */
function endpoint(base, path) {
  if (!path) return base;
  const url = new URL(base, document.baseURI);
  url.pathname = url.pathname.replace(/\/$/, '') + path;
  return url.href;
}

/** @param {Response} response */
async function problemOf(response) {
  const problem = await response.json().catch(() => ({}));
  const seconds = retryAfterSeconds(response.headers.get('Retry-After'));
  const said = [problem?.detail, problem?.title].find((text) => typeof text === 'string' && text);
  let message = said ?? `The server answered with an error (${response.status}).`;
  if (response.status === 401) message = 'You are signed out. Sign in again to continue.';
  if (seconds !== null) message = `${message} Try again in ${inWords(seconds)}.`;
  return new ChatError(message, { status: response.status, retryAfter: seconds });
}

/** @param {string | null} header */
function retryAfterSeconds(header) {
  if (!header) return null;
  const seconds = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(1, Math.ceil(seconds)) : null;
}

/** @param {number} seconds */
function inWords(seconds) {
  const [count, unit] = seconds < 100 ? [seconds, 'second'] : [Math.ceil(seconds / 60), 'minute'];
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}

/** @param {number} failures */
function backoff(failures) {
  const longest = Math.min(timings.longestRetry, timings.firstRetry * 2 ** failures);
  return longest * (0.5 + Math.random() / 2);
}

/**
 * Wait, but not past the moment the network or the reader comes back.
 * @param {number} seconds
 * @param {AbortSignal} signal
 */
async function pause(seconds, signal) {
  const over = new AbortController();
  const wake = () => void (document.visibilityState === 'visible' && over.abort());
  window.addEventListener('online', wake, { signal: over.signal });
  document.addEventListener('visibilitychange', wake, { signal: over.signal });
  signal.addEventListener('abort', () => over.abort(), { signal: over.signal });
  const timer = setTimeout(() => over.abort(), seconds * 1000);
  if (!signal.aborted) await new Promise((done) => over.signal.addEventListener('abort', done));
  clearTimeout(timer);
  signal.throwIfAborted();
}

function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

// ------------------------------------------------------------------------------------ Markdown

const DEEPEST_NESTING = 8;
const LONGEST_SPAN_CHARACTERS = 5_000;
const DEEPLINK_CLICK = 'deeplink';
const DEEPLINK = /^chatkit-link:\/\/([^/?#]+)\/?(?:\?([^#]*))?/;
const LINK_PROTOCOLS = ['http:', 'https:', 'mailto:'];

const FENCE = /^ {0,3}(`{3,}|~{3,})([^`]*)$/;
const HEADING = /^ {0,3}(#{1,6})[ \t]+(.+)$/;
const RULE = /^ {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*$/;
const QUOTE = /^ {0,3}> ?/;
const BULLET = /^( *)([-*+]|\d{1,9}[.)])( {1,4}|$)/;
const TABLE_RULE = /^ {0,3}\|?(?: *:?-+:? *\|)+(?: *:?-+:? *)?$/;

/** Characters that neither open nor close a construct when they are added to running text. */
const PLAIN = /^[\p{L}\p{N}\p{M} ,.;?%"'’“”—–]*$/u;

/**
 * Markdown that grows: only the last block is ever parsed again, and text that cannot change the
 * structure goes straight into the last text node.
 */
class MarkdownView {
  element = h('div', { class: 'markdown', dir: 'auto' });
  source = '';
  #tailStart = 0;
  /** @type {Element | null} */
  #tail = null;
  #isTailOpenCode = false;
  #shown = '';

  /** @param {string} source */
  set(source) {
    this.source = source;
  }

  /** @param {string} delta */
  append(delta) {
    this.source += delta;
  }

  /** Bring the document up to date with the source. */
  render() {
    if (this.source === this.#shown) return;
    if (!this.source.startsWith(this.#shown)) this.#reset();
    const delta = this.source.slice(this.#shown.length);
    if (!this.#appendCode(delta) && !this.#appendPlain(delta)) this.#renderTail();
    this.#shown = this.source;
  }

  #reset() {
    this.element.replaceChildren();
    this.#tail = null;
    this.#tailStart = 0;
    this.#shown = '';
  }

  /** @param {string} delta */
  #appendPlain(delta) {
    const node = this.#tail?.lastChild;
    if (!(node instanceof Text) || this.#tail?.tagName !== 'P' || !PLAIN.test(delta)) return false;
    const line = this.#shown.slice(this.#shown.lastIndexOf('\n') + 1);
    if (!/\p{L}/u.test(line)) return false;
    node.appendData(delta);
    return true;
  }

  /** @param {string} delta */
  #appendCode(delta) {
    const node = this.#isTailOpenCode ? this.#tail?.querySelector('code')?.lastChild : null;
    if (!(node instanceof Text) || /[`~\r]/.test(delta)) return false;
    node.appendData(delta);
    return true;
  }

  #renderTail() {
    const blocks = parseBlocks(this.source.slice(this.#tailStart), 0);
    this.#tail?.remove();
    this.#tail = null;
    this.#isTailOpenCode = false;
    const start = this.#tailStart;
    for (const block of blocks) {
      this.#tail = block.render();
      this.#tailStart = start + block.start;
      this.#isTailOpenCode = block.isOpenCode;
      this.element.append(this.#tail);
    }
  }
}

/**
 * @param {string} source
 * @returns {Element}
 */
function renderMarkdown(source) {
  const view = new MarkdownView();
  view.set(source);
  view.render();
  return view.element;
}

/** @typedef {{ start: number, render: () => Element, isOpenCode: boolean }} Block */
/** @typedef {{ text: string, start: number }} Line */

/**
 * @param {string} source
 * @param {number} depth
 * @returns {Block[]}
 */
function parseBlocks(source, depth) {
  /** @type {Block[]} */
  const blocks = [];
  const lines = linesOf(source);
  for (let at = 0; at < lines.length; ) {
    const { text, start } = lines[at];
    if (text.trim() === '') {
      at += 1;
      continue;
    }
    const [render, next, isOpenCode = false] = blockAt(lines, at, depth);
    blocks.push({ start, render, isOpenCode });
    at = next;
  }
  return blocks;
}

/** @param {string} source */
function linesOf(source) {
  /** @type {Line[]} */
  const lines = [];
  let start = 0;
  for (const text of source.split('\n')) {
    lines.push({ text: text.replace(/\r$/, ''), start });
    start += text.length + 1;
  }
  return lines;
}

/**
 * @param {Line[]} lines
 * @param {number} at
 * @param {number} depth
 * @returns {[() => Element, number, boolean?]} how to draw the block, the line after it, whether it is code without an end
 */
function blockAt(lines, at, depth) {
  const { text } = lines[at];
  if (FENCE.test(text)) return fenceAt(lines, at);
  const heading = HEADING.exec(text);
  if (heading) {
    const tag = `h${Math.min(6, heading[1].length + 2)}`;
    return [() => withInline(h(tag), heading[2].trim()), at + 1];
  }
  if (RULE.test(text)) return [() => h('hr'), at + 1];
  if (depth < DEEPEST_NESTING) {
    if (QUOTE.test(text)) return quoteAt(lines, at, depth);
    if (BULLET.test(text)) return listAt(lines, at, depth);
  }
  if (text.includes('|') && TABLE_RULE.test(lines[at + 1]?.text ?? '')) return tableAt(lines, at);
  return paragraphAt(lines, at, depth);
}

/** @type {(lines: Line[], at: number) => [() => Element, number, boolean]} */
function fenceAt(lines, at) {
  const [, mark, about] = /** @type {RegExpExecArray} */ (FENCE.exec(lines[at].text));
  let end = at + 1;
  const closes = (/** @type {string} */ text) => {
    const trimmed = text.trim();
    return trimmed.length >= mark.length && trimmed === mark[0].repeat(trimmed.length);
  };
  while (end < lines.length && !closes(lines[end].text)) end += 1;
  const code = lines.slice(at + 1, end).map((line) => line.text).join('\n');
  const language = about.trim().split(/\s/)[0];
  const isOpen = end === lines.length && end > at + 1;
  return [() => codeBlock(code, language), Math.min(end + 1, lines.length), isOpen];
}

/**
 * @param {string} code
 * @param {string} language
 */
function codeBlock(code, language) {
  const copy = copyButton(() => code, 'Copy code');
  const bar = h('div', { class: 'code-bar' }, h('span', {}, language), copy);
  const pre = h('pre', { tabindex: '0' }, h('code', {}, code));
  return h('div', { class: 'code' }, bar, pre);
}

/** @type {(lines: Line[], at: number, depth: number) => [() => Element, number]} */
function quoteAt(lines, at, depth) {
  let end = at;
  while (end < lines.length && QUOTE.test(lines[end].text)) end += 1;
  const inner = lines.slice(at, end).map((line) => line.text.replace(QUOTE, '')).join('\n');
  return [() => withBlocks(h('blockquote'), inner, depth + 1), end];
}

/** @type {(lines: Line[], at: number, depth: number) => [() => Element, number]} */
function listAt(lines, at, depth) {
  const [, indent, mark] = /** @type {RegExpExecArray} */ (BULLET.exec(lines[at].text));
  const isOrdered = /\d/.test(mark);
  /** @type {string[][]} */
  const entries = [];
  let width = 0;
  let end = at;
  for (; end < lines.length; end++) {
    const { text } = lines[end];
    const bullet = BULLET.exec(text);
    const isEntry = bullet && bullet[1].length <= indent.length && /\d/.test(bullet[2]) === isOrdered;
    if (isEntry && !RULE.test(text)) {
      width = bullet[1].length + bullet[2].length + Math.max(1, bullet[3].length);
      entries.push([text.slice(bullet[0].length)]);
    } else if (text.trim() === '') {
      entries.at(-1)?.push('');
    } else if (/^ {2,}|^\t/.test(text)) {
      entries.at(-1)?.push(text.replace(/^\t/, '    ').replace(new RegExp(`^ {1,${width}}`), ''));
    } else if (lines[end - 1].text.trim() !== '' && !opensBlock(text)) {
      entries.at(-1)?.push(text.trim());
    } else break;
  }
  return [() => drawList(entries, isOrdered ? parseInt(mark, 10) : null, depth), end];
}

/**
 * @param {string[][]} entries
 * @param {number | null} first number of an ordered list
 * @param {number} depth
 */
function drawList(entries, first, depth) {
  const list = h(first === null ? 'ul' : 'ol');
  if (first !== null && first !== 1) list.setAttribute('start', String(first));
  for (const entry of entries) {
    const text = entry.join('\n').trimEnd().replace(/^\[([ xX])\] /, (_, mark) => (mark === ' ' ? '☐ ' : '☑ '));
    list.append(withBlocks(h('li'), text, depth + 1));
  }
  return list;
}

/** @type {(lines: Line[], at: number) => [() => Element, number]} */
function tableAt(lines, at) {
  let end = at + 2;
  while (end < lines.length && lines[end].text.includes('|')) end += 1;
  const cells = (/** @type {string} */ text) =>
    text.trim().replace(/^\||\|$/g, '').split(/(?<!\\)\|/).map((cell) => cell.replace(/\\\|/g, '|').trim());
  const row = (/** @type {string} */ text, /** @type {string} */ tag) =>
    h('tr', {}, ...cells(text).map((cell) => withInline(h(tag), cell)));
  const draw = () => {
    const body = lines.slice(at + 2, end).map((line) => row(line.text, 'td'));
    const table = h('table', {}, h('thead', {}, row(lines[at].text, 'th')), h('tbody', {}, ...body));
    return h('div', { class: 'table', tabindex: '0' }, table);
  };
  return [draw, end];
}

/** @type {(lines: Line[], at: number, depth: number) => [() => Element, number]} */
function paragraphAt(lines, at, depth) {
  let end = at + 1;
  const isText = (/** @type {string} */ text) =>
    text.trim() !== '' && (depth >= DEEPEST_NESTING || !opensBlock(text));
  while (end < lines.length && isText(lines[end].text)) end += 1;
  const text = lines.slice(at, end).map((line) => line.text.trimStart()).join('\n');
  return [() => withInline(h('p'), text), end];
}

/** @param {string} text */
function opensBlock(text) {
  const bullet = BULLET.exec(text);
  const interrupts = bullet && bullet[3] !== '' && (!/\d/.test(bullet[2]) || parseInt(bullet[2], 10) === 1);
  return interrupts || [FENCE, HEADING, RULE, QUOTE].some((pattern) => pattern.test(text));
}

/**
 * @param {Element} parent
 * @param {string} source
 * @param {number} depth
 */
function withBlocks(parent, source, depth) {
  const drawn = parseBlocks(source, depth).map((block) => block.render());
  const isTight = drawn[0]?.tagName === 'P' && parent.tagName === 'LI';
  if (isTight) parent.append(...drawn[0].childNodes, ...drawn.slice(1));
  else parent.append(...drawn);
  return parent;
}

/**
 * @param {Element} parent
 * @param {string} text
 * @param {number} [depth]
 */
function withInline(parent, text, depth = 0) {
  let plain = '';
  const flush = () => {
    if (plain) parent.append(plain);
    plain = '';
  };
  for (let at = 0; at < text.length; ) {
    const span = depth > DEEPEST_NESTING ? null : spanAt(text, at, depth);
    if (span) {
      flush();
      parent.append(span.node);
      at = span.end;
    } else {
      const isEscape = text[at] === '\\' && /[\\`*_{}[\]()#+.!~|<>-]/.test(text[at + 1] ?? '');
      if (isEscape) at += 1;
      plain += text[at];
      at += 1;
    }
  }
  flush();
  return parent;
}

/**
 * @param {string} text
 * @param {number} at
 * @param {number} depth
 * @returns {{ node: Node, end: number } | null}
 */
function spanAt(text, at, depth) {
  switch (text[at]) {
    case '\n':
      return { node: h('br'), end: at + 1 };
    case '`':
      return codeAt(text, at);
    case '!':
      return text[at + 1] === '[' ? linkAt(text, at + 1, depth) : null;
    case '[':
      return linkAt(text, at, depth);
    case '<':
      return angleLinkAt(text, at);
    case '*':
    case '_':
    case '~':
      return emphasisAt(text, at, depth);
    case 'h':
      return bareLinkAt(text, at);
    default:
      return null;
  }
}

/** @type {(text: string, at: number) => { node: Node, end: number } | null} */
function codeAt(text, at) {
  const close = closingTicks(text, at);
  if (close < 0) return null;
  const ticks = runLength(text, at);
  const code = text.slice(at + ticks, close).replace(/\n/g, ' ').replace(/^ (.*[^ ].*) $/, '$1');
  return { node: h('code', {}, code), end: close + ticks };
}

/** @type {(text: string, at: number) => number} */
function closingTicks(text, at) {
  const ticks = runLength(text, at);
  const limit = at + LONGEST_SPAN_CHARACTERS;
  for (let from = at + ticks; from < limit; ) {
    const close = text.indexOf('`', from);
    if (close < 0) return -1;
    if (runLength(text, close) === ticks) return close;
    from = close + runLength(text, close);
  }
  return -1;
}

/** @type {(text: string, at: number) => number} */
function runLength(text, at) {
  let end = at;
  while (text[end] === text[at]) end += 1;
  return end - at;
}

/** @type {(text: string, at: number, depth: number) => { node: Node, end: number } | null} */
function linkAt(text, at, depth) {
  const window = text.slice(at, at + LONGEST_SPAN_CHARACTERS);
  const found = /^\[((?:[^[\]\\]|\\.|\[[^[\]]*\])*)\]\(\s*<?([^\s<>()]*(?:\([^\s()]*\)[^\s<>()]*)*)>?(?:\s+"[^"]*")?\s*\)/.exec(window);
  const href = found && safeHref(found[2]);
  const link = found && (DEEPLINK.test(found[2]) ? deeplinkTo(found[2]) : href && linkTo(href));
  if (!found || !link) return null;
  return { node: withInline(link, found[1] || found[2], depth + 1), end: at + found[0].length };
}

/** @type {(text: string, at: number) => { node: Node, end: number } | null} */
function angleLinkAt(text, at) {
  const found = /^<((?:https?:\/\/|mailto:)[^\s<>]+)>/i.exec(text.slice(at, at + LONGEST_SPAN_CHARACTERS));
  const href = found && safeHref(found[1]);
  return found && href ? { node: linkTo(href, found[1]), end: at + found[0].length } : null;
}

/** @type {(text: string, at: number) => { node: Node, end: number } | null} */
function bareLinkAt(text, at) {
  if (/[\p{L}\p{N}]/u.test(text[at - 1] ?? '')) return null;
  const found = /^https?:\/\/[^\s<>"`*\\]+/.exec(text.slice(at, at + LONGEST_SPAN_CHARACTERS));
  if (!found) return null;
  let shown = found[0].replace(/[.,;:!?'’”]+$/, '');
  if (shown.endsWith(')') && !shown.includes('(')) shown = shown.slice(0, -1);
  const href = safeHref(shown);
  return href ? { node: linkTo(href, shown), end: at + shown.length } : null;
}

/** @param {string} address */
function safeHref(address) {
  try {
    const url = new URL(address);
    return LINK_PROTOCOLS.includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/** @type {(href: string, ...shown: string[]) => Element} */
function linkTo(href, ...shown) {
  return h('a', { href, title: href, target: '_blank', rel: 'noopener noreferrer nofollow' }, ...shown);
}

/** A link that leads nowhere: the page is told of it by `chatkit.deeplink`. @param {string} address */
function deeplinkTo(address) {
  const [, name = '', query = ''] = DEEPLINK.exec(address) ?? [];
  const button = h('button', { class: 'deeplink', type: 'button', role: 'link' });
  button.addEventListener('click', () => {
    const detail = { name, data: Object.fromEntries(new URLSearchParams(query)) };
    button.dispatchEvent(new CustomEvent(DEEPLINK_CLICK, { bubbles: true, detail }));
  });
  return button;
}

/** @type {(text: string, at: number, depth: number) => { node: Node, end: number } | null} */
function emphasisAt(text, at, depth) {
  const mark = text[at];
  const length = Math.min(3, runLength(text, at));
  if (mark === '~' && length !== 2) return null;
  const isInWord = mark === '_' && /[\p{L}\p{N}]/u.test(text[at - 1] ?? '');
  if (isInWord || /\s|^$/.test(text[at + length] ?? '')) return null;
  const delimiter = mark.repeat(length);
  const close = closingDelimiter(text, at + length, delimiter);
  if (close < 0) return null;
  const inner = text.slice(at + length, close);
  return { node: emphasise(delimiter, inner, depth + 1), end: close + length };
}

/** @type {(text: string, from: number, delimiter: string) => number} */
function closingDelimiter(text, from, delimiter) {
  const limit = Math.min(text.length, from + LONGEST_SPAN_CHARACTERS);
  for (let at = from; at < limit; at++) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === '`') at = Math.max(at, closingTicks(text, at)) + runLength(text, at) - 1;
    else if (text[at] === delimiter[0]) {
      const run = runLength(text, at);
      const follows = text[at + run] ?? '';
      const isWordEnd = delimiter[0] !== '_' || !/[\p{L}\p{N}]/u.test(follows);
      const fits = run === delimiter.length || run >= 3;
      if (fits && isWordEnd && !/\s/.test(text[at - 1]) && at > from) return at + run - delimiter.length;
      at += run - 1;
    }
  }
  return -1;
}

/** @type {(delimiter: string, inner: string, depth: number) => Element} */
function emphasise(delimiter, inner, depth) {
  if (delimiter === '~~') return withInline(h('s'), inner, depth);
  if (delimiter.length === 3) return h('strong', {}, withInline(h('em'), inner, depth));
  return withInline(h(delimiter.length === 2 ? 'strong' : 'em'), inner, depth);
}

// --------------------------------------------------------------------------------------- views

/**
 * An element from parts; text children become text nodes, never markup.
 * @param {string} tag
 * @param {Record<string, string | boolean>} [attributes]
 * @param {...(Node | string | null | undefined)} children
 * @returns {HTMLElement}
 */
function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false) element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const CIRCLE = 'M12 3a9 9 0 100 18 9 9 0 000-18z';
const SQUARE = 'M4 4h16v16H4z';

/** Drawn on 24 by 24, with a stroke. @type {Record<string, string>} */
const ICON_PATHS = {
  'arrow-left': 'M19 12H5M11 6l-6 6 6 6',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  cross: 'M7 7l10 10M17 7L7 17',
  dash: 'M7 12h10',
  up: 'M12 19V5M5.5 11.5L12 5l6.5 6.5',
  stop: 'M7.5 7.5h9v9h-9z',
  down: 'M12 5v14M5.5 12.5L12 19l6.5-6.5',
  chevron: 'M9 6l6 6-6 6',
  copy: 'M9 9h10v10H9zM5 15V5h10',
  back: 'M15 6l-6 6 6 6',
  again: 'M4.5 12a7.5 7.5 0 0112.8-5.3L20 9.5M20 4.5v5h-5M19.5 12a7.5 7.5 0 01-12.8 5.3L4 14.5M4 19.5v-5h5',
  pen: 'M4.5 19.5l1-4.5L16 4.5l3.5 3.5L9 18.5z',
  positive: 'M8 11v9H4v-9zM8 11l4-8c1.7 0 2.5 1.2 2.2 3l-.7 4H20l-1.6 9.2c-.1.5-.5.8-1 .8H8',
  negative: 'M16 13V4h4v9zM16 13l-4 8c-1.7 0-2.5-1.2-2.2-3l.7-4H4l1.6-9.2c.1-.5.5-.8 1-.8H16',
  alert: 'M12 7.5v5.5M12 16.4v.1M12 3a9 9 0 100 18 9 9 0 000-18z',
  // Those that the contract names.
  agent: 'M5 9h14v10H5zM12 9V4.5M9 13.5v1M15 13.5v1',
  analytics: 'M4 20h16M7 16v-5M12 16V6M17 16v-8',
  atom: 'M12 12v.1M5 5c4-3 17 10 14 14S2 9 5 5zM19 5c-4-3-17 10-14 14S22 9 19 5z',
  batch: 'M5 9h14v11H5zM7 6h10M9 3h6',
  bin: 'M4.5 6.5h15M9.5 6.5v-2h5v2M6.5 6.5l.8 13h9.4l.8-13',
  bolt: 'M13 3L5 14h6l-1 7 8-11h-6z',
  'book-open': 'M12 6c-2-1.5-5-2-8-2v14c3 0 6 .5 8 2 2-1.5 5-2 8-2V4c-3 0-6 .5-8 2zM12 6v14',
  'book-closed': 'M6 4h12v16H6zM6 16h12M9.5 4v12',
  'book-clock': 'M18 10V4H6v16h4M9.5 4v16M16.5 12.5a4 4 0 100 8 4 4 0 000-8zM16.5 14.5v2l1 1',
  bug: 'M8 9h8v6a4 4 0 01-8 0zM9 9a3 3 0 016 0M4 12h4M16 12h4M5 19l3-2M19 19l-3-2M5 6l3 3M19 6l-3 3',
  calendar: 'M4.5 6h15v14h-15zM4.5 10.5h15M8 3.5v4M16 3.5v4',
  chart: 'M4 4v16h16M8 15l3-4 3 2 5-6',
  'chat-temporary': 'M5 5h3M11 5h3M17 5h2v3M19 11v3M19 16h-5M11 16l-4 4v-4H5v-2M5 11V8',
  'check-circle': `${CIRCLE}M8 12.5l3 3 5-6`,
  'circle-question': `${CIRCLE}M9.5 9.5a2.5 2.5 0 115 0c0 2-2.5 2-2.5 4M12 16.5v.1`,
  'circle-x': `${CIRCLE}M9 9l6 6M15 9l-6 6`,
  clock: `${CIRCLE}M12 7v5l3.5 2`,
  'collapse-left': 'M20 4v16M15 12H4M8.5 7.5L4 12l4.5 4.5',
  'collapse-right': 'M4 4v16M9 12h11M15.5 7.5L20 12l-4.5 4.5',
  'collapse-large': 'M20 10h-6V4M14 10l6-6M4 14h6v6M10 14l-6 6',
  compass: `${CIRCLE}M15.5 8.5l-2 5-5 2 2-5z`,
  confetti: 'M4 20l4-11 7 7zM14 4v2M20 10h-2M17 7l2-2M20 15l-1.5-.5',
  cube: 'M12 3l8 4.5v9L12 21l-8-4.5v-9zM4 7.5l8 4.5 8-4.5M12 12v9',
  'dark-mode': 'M20 14.2A8.3 8.3 0 019.8 4a8.3 8.3 0 1010.2 10.2z',
  desktop: 'M3.5 5h17v11h-17zM9 20h6M12 16v4',
  document: 'M6 3h8l4 4v14H6zM14 3v4h4M9 12h6M9 16h6',
  dot: 'M12 9.5a2.5 2.5 0 100 5 2.5 2.5 0 000-5z',
  'dots-horizontal': 'M5.5 12h.1M12 12h.1M18.5 12h.1',
  'dots-vertical': 'M12 5.5v.1M12 12v.1M12 18.5v.1',
  'dots-horizontal-circle': `${CIRCLE}M8 12h.1M12 12h.1M16 12h.1`,
  'dots-vertical-circle': `${CIRCLE}M12 8v.1M12 12v.1M12 16v.1`,
  'double-chevron-left': 'M12 6l-6 6 6 6M18 6l-6 6 6 6',
  'double-chevron-right': 'M6 6l6 6-6 6M12 6l6 6-6 6',
  'empty-circle': CIRCLE,
  'expand-large': 'M14 4h6v6M20 4l-7 7M10 20H4v-6M4 20l7-7',
  'external-link': 'M14 4h6v6M20 4l-9 9M10 5H5v14h14v-5',
  globe: `${CIRCLE}M3 12h18M12 3c5 5 5 13 0 18M12 3c-5 5-5 13 0 18`,
  grid: 'M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z',
  hamburger: 'M4 7h16M4 12h16M4 17h16',
  history: 'M4 12a8 8 0 108-8c-2.5 0-4.5 1-6 2.7L4 9M4 4v5h5M12 8v4l3 2',
  home: 'M4 11l8-7 8 7v9h-5v-6H9v6H4z',
  images: 'M7 7h13v13H7zM4 16V4h12M7 17l4-4 3 3 2-2 4 4',
  info: `${CIRCLE}M12 11v5M12 8v.1`,
  keys: 'M8 11a4 4 0 100 8 4 4 0 000-8zM11 12l8-8M16 7l3 3M13.5 9.5l2 2',
  lab: 'M9 3h6M10 3v6l-5 10h14L14 9V3M8 14h8',
  lifesaver: `${CIRCLE}M12 8a4 4 0 100 8 4 4 0 000-8zM5.7 5.7l3.5 3.5M14.8 14.8l3.5 3.5M18.3 5.7l-3.5 3.5M9.2 14.8l-3.5 3.5`,
  'light-mode': 'M12 8a4 4 0 100 8 4 4 0 000-8zM12 2.8v2M12 19.2v2M2.8 12h2M19.2 12h2M5.5 5.5l1.4 1.4M17.1 17.1l1.4 1.4M5.5 18.5l1.4-1.4M17.1 6.9l1.4-1.4',
  lightbulb: 'M9.5 18h5M10.5 21h3M9.5 18c0-3-3.5-4-3.5-8a6 6 0 1112 0c0 4-3.5 5-3.5 8',
  mail: 'M3.5 6h17v12h-17zM3.5 7l8.5 6 8.5-6',
  'map-pin': 'M12 21c5-5 7-8 7-11a7 7 0 10-14 0c0 3 2 6 7 11zM12 7.5a2.5 2.5 0 100 5 2.5 2.5 0 000-5z',
  maps: 'M4 6l5-2 6 2 5-2v14l-5 2-6-2-5 2zM9 4v14M15 6v14',
  menu: 'M4 8h16M4 16h10',
  'menu-inverted': 'M4 8h16M10 16h10',
  mobile: 'M7 3h10v18H7zM11 18h2',
  name: 'M4 6h16v12H4zM8 10h3M8 14h8',
  notebook: 'M6 3h12v18H6zM10 3v18M4 7h3M4 12h3M4 17h3',
  'open-left': 'M20 4v16M4 12h11M10.5 7.5L15 12l-4.5 4.5',
  'open-right': 'M4 4v16M20 12H9M13.5 7.5L9 12l4.5 4.5',
  'page-blank': 'M6 3h8l4 4v14H6zM14 3v4h4',
  phone: 'M6 3h3l2 5-2.5 1.5a12 12 0 006 6L16 13l5 2v3a2 2 0 01-2 2C10.5 20 4 13.5 4 5a2 2 0 012-2z',
  play: 'M7 4.5v15l12-7.5z',
  plus: 'M12 5v14M5 12h14',
  'profile-card': 'M3.5 5h17v14h-17zM9 8.5a2 2 0 100 4 2 2 0 000-4zM6 16.5c.5-2 1.5-2.5 3-2.5s2.5.5 3 2.5M15 10h3M15 14h3',
  search: 'M11 4a7 7 0 100 14 7 7 0 000-14zM16 16l4.5 4.5',
  'settings-cog': 'M10 3h4l.5 2.5 2 1 2.5-.8 2 3.4-2 1.8v2.2l2 1.8-2 3.4-2.5-.8-2 1L14 21h-4l-.5-2.5-2-1-2.5.8-2-3.4 2-1.8v-2.2l-2-1.8 2-3.4 2.5.8 2-1zM12 9a3 3 0 100 6 3 3 0 000-6z',
  'settings-slider': 'M4 8h8M16 8h4M4 16h4M12 16h8M14 6v4M10 14v4',
  share: 'M12 15V4M8 7.5L12 3.5l4 4M5 12v8h14v-8',
  'sidebar-left': `${SQUARE}M9.5 4v16`,
  'sidebar-right': `${SQUARE}M14.5 4v16`,
  sparkle: 'M12 3l2 7 7 2-7 2-2 7-2-7-7-2 7-2z',
  'sparkle-double': 'M10 5l1.7 5.3L17 12l-5.3 1.7L10 19l-1.7-5.3L3 12l5.3-1.7zM18.5 3v4M16.5 5h4',
  'square-code': `${SQUARE}M10 9l-3 3 3 3M14 9l3 3-3 3`,
  'square-image': `${SQUARE}M4 16l5-5 4 4 2-2 5 5M15.5 8.5v.1`,
  'square-text': `${SQUARE}M8 9h8M8 12.5h8M8 16h4`,
  star: 'M12 3.5l2.6 5.4 5.9.8-4.3 4.1 1 5.9-5.2-2.8-5.2 2.8 1-5.9L3.5 9.7l5.9-.8z',
  suitcase: 'M4 8h16v12H4zM9 8V5h6v3M4 13h16',
  user: 'M12 4a4 4 0 100 8 4 4 0 000-8zM4.5 20c1-4 4-5.5 7.5-5.5s6.5 1.5 7.5 5.5',
  wreath: 'M8 4c-4 3-5 10 0 15M16 4c4 3 5 10 0 15M10 20h4',
  'write-alt': 'M11 5H5v14h14v-6M9 15l1-3.5L18 3.5l2.5 2.5-8 8z',
};

/** Other names of the contract's and of Lucide for what is drawn the same. @type {Record<string, string>} */
const ICON_ALIASES = {
  'check-circle-filled': 'check-circle', 'chevron-left': 'back', 'chevron-right': 'chevron', 'star-filled': 'star',
  profile: 'user', reload: 'again', write: 'pen', 'write-alt2': 'write-alt', 'notebook-pencil': 'write-alt', compose: 'write-alt',
  'home-alt': 'home', 'back-small': 'arrow-left', 'back-large': 'arrow-left', 'expand-small': 'expand-large',
  'collapse-small': 'collapse-large', close: 'cross',
  x: 'cross', ban: 'circle-x', 'octagon-x': 'circle-x', 'circle-alert': 'alert', 'triangle-alert': 'alert', 'circle-check': 'check-circle',
  pencil: 'pen', 'square-pen': 'write-alt', 'trash-2': 'bin', trash: 'bin', settings: 'settings-cog', 'sliders-horizontal': 'settings-slider',
  house: 'home', file: 'page-blank', 'file-text': 'document', image: 'square-image', zap: 'bolt', bot: 'agent', sparkles: 'sparkle-double',
  'circle-help': 'circle-question', 'refresh-cw': 'again', 'rotate-ccw': 'again', 'arrow-down': 'down', 'arrow-up': 'up', ellipsis: 'dots-horizontal',
  'ellipsis-vertical': 'dots-vertical', sun: 'light-mode', moon: 'dark-mode', key: 'keys', briefcase: 'suitcase', package: 'cube',
  'life-buoy': 'lifesaver', smartphone: 'mobile', monitor: 'desktop', map: 'maps', share2: 'share', 'thumbs-up': 'positive', 'thumbs-down': 'negative',
  'list-todo': 'square-text', list: 'hamburger', code: 'square-code', 'chart-line': 'chart', 'chart-column': 'analytics', 'flask-conical': 'lab',
};

/**
 * The drawing's name for what an option, a widget or a task names; a dot for what nobody has drawn.
 * @param {unknown} wanted
 */
function iconNamed(wanted) {
  const name = String(wanted ?? '').replace(/^lucide:/, '');
  if (name.startsWith('sidebar-')) return name.includes('right') ? 'sidebar-right' : 'sidebar-left';
  const known = Object.hasOwn(ICON_ALIASES, name) ? ICON_ALIASES[name] : name;
  return Object.hasOwn(ICON_PATHS, known) ? known : 'dot';
}

/** @param {string} name also a class of its own, for the looks */
function icon(name) {
  const svg = drawing(name);
  svg.classList.add(name);
  return svg;
}

/** @param {string} name */
function drawing(name) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  svg.classList.add('icon');
  svg.dataset.icon = name;
  path.setAttribute('d', ICON_PATHS[name]);
  svg.append(path);
  return svg;
}

/**
 * @param {unknown} wanted what an option, a widget or a task names
 */
function namedIcon(wanted) {
  const drawn = drawing(iconNamed(wanted));
  drawn.classList.toggle('filled', wanted === 'star-filled');
  return drawn;
}

/**
 * @param {() => string} text
 * @param {string} label
 */
function copyButton(text, label) {
  const button = h('button', { class: 'quiet', type: 'button', 'aria-label': label, title: label }, icon('copy'));
  button.addEventListener('click', async () => {
    const isCopied = await navigator.clipboard?.writeText(text()).then(() => true, () => false);
    button.replaceChildren(icon(isCopied ? 'check' : 'cross'));
    setTimeout(() => button.replaceChildren(icon('copy')), 1500);
  });
  return button;
}

/**
 * @param {string} name of the icon
 * @param {string} label
 * @param {() => void} run
 */
function quietButton(name, label, run) {
  const attributes = { class: 'quiet', type: 'button', 'aria-label': label, title: label };
  const button = /** @type {HTMLButtonElement} */ (h('button', attributes, icon(name)));
  button.addEventListener('click', run);
  return button;
}

/**
 * Which of how many versions is shown, and the way to those beside it.
 * @type {(siblings: Siblings, show: (messageId: string) => void) => HTMLElement}
 */
function versionSwitcher({ message_id, number, count, previous_id = null, next_id = null }, show) {
  const step = (/** @type {string} */ name, /** @type {string} */ label, /** @type {string | null} */ id) => {
    const button = quietButton(name, label, () => id !== null && show(id));
    if (id === null) button.dataset.end = '';
    return button;
  };
  const shown = h('span', { class: 'number', 'aria-label': `Version ${number} of ${count}`, role: 'img' }, `${number} / ${count}`);
  const group = h('span', { class: 'versions', role: 'group', 'aria-label': 'Versions', 'data-of': message_id });
  group.append(step('back', 'Previous version', previous_id), shown, step('chevron', 'Next version', next_id));
  return group;
}

const FEEDBACK_LABELS = { positive: 'Good reply', negative: 'Bad reply' };

/** Up and down; pressing what is pressed takes it back. Tells by the event `feedback`. */
class FeedbackButtons {
  /** @type {string | null} */
  #given = null;
  #buttons = Object.entries(FEEDBACK_LABELS).map(([kind, label]) => {
    const button = quietButton(kind, label, () => this.#press(kind));
    button.setAttribute('aria-pressed', 'false');
    button.dataset.kind = kind;
    return button;
  });

  /** @param {HTMLElement} foot */
  constructor(foot) {
    foot.append(...this.#buttons);
  }

  /** @param {string | null} given */
  show(given) {
    this.#given = given;
    for (const button of this.#buttons) {
      button.setAttribute('aria-pressed', String(button.dataset.kind === given));
    }
  }

  /** @param {string} kind */
  #press(kind) {
    const before = this.#given;
    const isUndo = before === kind;
    this.show(isUndo ? null : kind);
    const detail = { kind, isUndo, failed: () => this.show(before) };
    this.#buttons[0].dispatchEvent(new CustomEvent('feedback', { bubbles: true, detail }));
  }
}

/** @typedef {{ element: HTMLElement, foot?: HTMLElement, update(item: Item): void, change?(update: WireEvent): void, render?(): void, settle?(isRunning: boolean): void, isBusy(): boolean }} View */

/** @implements {View} */
class UserMessageView {
  element = h('article', { class: 'message user' }, h('h3', { class: 'unseen' }, 'You said'));
  #bubble = h('div', { class: 'bubble', dir: 'auto' });
  foot = h('div', { class: 'foot' });
  #shown = '';
  /** @type {Item} */
  #item = { id: '', type: 'user_message' };
  /** @type {Map<string, { type: string, preview_url: string }>} by the file's id */
  #pictures = new Map();
  #pen = quietButton('pen', 'Edit message', () => this.#edit());
  /** @type {EditForm | null} */
  #form = null;

  /** @param {BranchActions} on */
  constructor(on) {
    this.on = on;
    this.#pen.classList.add('pen');
    this.foot.append(this.#pen);
    this.element.append(this.#bubble, this.foot);
  }

  #edit() {
    this.#form ??= new EditForm(this.#text, { send: (text) => this.on.edit(this.#item, text), close: () => this.#close() });
    this.element.append(this.#form.element);
    this.#bubble.hidden = this.foot.hidden = true;
    this.#form.focus();
  }

  #close() {
    this.#form?.element.remove();
    this.#form = null;
    this.#bubble.hidden = this.foot.hidden = false;
    this.#pen.focus();
  }

  get #text() {
    return (this.#item.content ?? []).map((part) => part.text ?? '').join('');
  }

  /** @param {boolean} isRunning */
  settle(isRunning) {
    this.#form?.setBusy(isRunning);
  }

  /** @param {Item} item */
  update(item) {
    this.#item = item;
    // The server's copy of what was just sent is not news, neither on screen nor for a screen reader.
    const shown = JSON.stringify([item.content, item.quoted_text, item.attachments ?? []]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    const parts = (item.content ?? []).map((part) =>
      part.type === 'input_tag' ? h('span', { class: 'tag' }, part.text) : part.text,
    );
    const quoted = item.quoted_text ? h('blockquote', {}, item.quoted_text) : null;
    const sent = Array.isArray(item.attachments) ? item.attachments.filter(Boolean) : [];
    const files = attachmentList(sent.map((/** @type {any} */ file) => this.#withPicture(file)));
    this.#bubble.replaceChildren(...[quoted, files, ...parts].filter((part) => part != null));
  }

  /** The server's copy of a message may leave out where its pictures are. @param {any} file */
  #withPicture(file) {
    if (!file.preview_url) return { ...file, ...this.#pictures.get(file.id) };
    this.#pictures.set(file.id, { type: 'image', preview_url: file.preview_url });
    return file;
  }

  isBusy() {
    return false;
  }
}

/** A message's text, to be sent again in another form. */
class EditForm {
  #input = /** @type {HTMLTextAreaElement} */ (h('textarea', { rows: '1', dir: 'auto', 'aria-label': 'Edit message' }));
  #send = /** @type {HTMLButtonElement} */ (h('button', { class: 'action primary', type: 'submit' }, 'Send'));
  #cancel = /** @type {HTMLButtonElement} */ (h('button', { class: 'action', type: 'button' }, 'Cancel'));
  element = h('form', { class: 'edit', novalidate: true, 'aria-label': 'Edit message' });
  #isBusy = false;

  /**
   * @param {string} text
   * @param {{ send: (text: string) => void, close: () => void }} on
   */
  constructor(text, on) {
    this.on = on;
    this.#input.value = text;
    this.element.append(this.#input, h('div', { class: 'choices' }, this.#cancel, this.#send));
    this.#cancel.addEventListener('click', () => this.on.close());
    this.#input.addEventListener('input', () => this.#refresh());
    this.element.addEventListener('keydown', (event) => this.#onKey(event));
    this.element.addEventListener('submit', (event) => {
      event.preventDefault();
      if (!this.#send.disabled) this.on.send(this.#input.value.trim());
    });
    this.#refresh();
  }

  focus() {
    this.#input.focus();
    this.#refresh();
  }

  /** @param {boolean} isBusy */
  setBusy(isBusy) {
    this.#isBusy = isBusy;
    this.#refresh();
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.key === 'Escape') {
      event.stopPropagation();
      return this.on.close();
    }
    const isEnter = event.key === 'Enter' && !event.shiftKey && !event.isComposing && event.keyCode !== 229;
    if (!isEnter || event.target !== this.#input) return;
    event.preventDefault();
    /** @type {HTMLFormElement} */ (this.element).requestSubmit();
  }

  #refresh() {
    const text = this.#input.value.trim();
    this.#input.readOnly = this.#isBusy;
    this.#send.disabled = this.#isBusy || !text || characters(text) > MAX_MESSAGE_CHARACTERS;
    growToText(this.#input);
  }
}

/** @implements {View} */
class AssistantMessageView {
  element = h('article', { class: 'message assistant' }, h('h3', { class: 'unseen' }, 'Assistant said'));
  /** @type {MarkdownView[]} */
  #parts = [];
  /** @type {any[][]} */
  #annotations = [];
  #hasNewSources = false;
  #sources = h('ul', { class: 'sources', 'aria-label': 'Sources' });
  foot = h('div', { class: 'foot' });
  #feedback;

  /** @param {BranchActions} on */
  constructor(on) {
    const again = quietButton('again', 'Answer again', () => on.retry(this.element.dataset.id ?? ''));
    this.foot.append(copyButton(() => this.text, 'Copy message'), again);
    this.#feedback = new FeedbackButtons(this.foot);
    this.element.append(this.#sources, this.foot);
  }

  get text() {
    return this.#parts.map((part) => part.source).join('\n\n');
  }

  /** @param {Item} item */
  update(item) {
    const content = item.content ?? [];
    while (this.#parts.length > content.length) this.#parts.pop()?.element.remove();
    content.forEach((part, index) => this.#setPart(index, part));
    this.#feedback.show(item.feedback ?? null);
  }

  /** @param {WireEvent} update */
  change(update) {
    const index = update.content_index ?? 0;
    switch (update.type) {
      case 'assistant_message.content_part.added':
      case 'assistant_message.content_part.done':
        return this.#setPart(index, update.content);
      case 'assistant_message.content_part.text_delta':
        return this.#part(index).append(update.delta);
      case 'assistant_message.content_part.annotation_added':
        (this.#annotations[index] ??= []).push(update.annotation);
        this.#hasNewSources = true;
    }
  }

  render() {
    for (const part of this.#parts) part.render();
    if (this.#hasNewSources) this.#renderSources();
  }

  #renderSources() {
    this.#hasNewSources = false;
    const sources = this.#annotations.flat().map((annotation) => annotation?.source);
    const links = sources.filter((source) => source?.type === 'url' && safeHref(source.url));
    const unique = new Map(links.map((source) => [safeHref(source.url), source.title]));
    this.#sources.replaceChildren(
      ...Array.from(unique, ([href, title]) => h('li', {}, linkTo(/** @type {string} */ (href), title || href))),
    );
  }

  /** @param {boolean} isBusy */
  setBusy(isBusy) {
    this.element.setAttribute('aria-busy', String(isBusy));
    // A style that asked for aria-busy would look at every message whenever the whole timeline says it.
    this.element.toggleAttribute('data-busy', isBusy);
  }

  /** @param {boolean} isRunning */
  settle(isRunning) {
    if (!isRunning) this.setBusy(false);
  }

  isBusy() {
    return this.text.trim() !== '';
  }

  /** @type {(index: number, content: ContentPart) => void} */
  #setPart(index, content) {
    this.#part(index).set(content?.text ?? '');
    this.#annotations[index] = [...(content?.annotations ?? [])];
    this.#hasNewSources = true;
  }

  /** @param {number} index */
  #part(index) {
    while (this.#parts.length <= index) {
      const part = new MarkdownView();
      this.#parts.push(part);
      this.#sources.before(part.element);
    }
    return this.#parts[index];
  }
}

/** @implements {View} */
class TaskView {
  element = h('div', { class: 'message task' });
  /** @type {Task} */
  #task = { type: 'custom' };
  #isRunning = true;

  /** @param {Item} item */
  update(item) {
    this.#task = item.task ?? { type: 'custom' };
    this.#draw();
  }

  /** @param {boolean} isRunning */
  settle(isRunning) {
    if (this.#isRunning === isRunning) return;
    this.#isRunning = isRunning;
    if (this.#task.status_indicator === 'loading') this.#draw();
  }

  isBusy() {
    return this.#isRunning && this.#task.status_indicator === 'loading';
  }

  #draw() {
    drawBadge(this.element, this.#task, this.#isRunning);
  }
}

/** @implements {View} */
class WorkflowView {
  element = h('details', { class: 'message workflow' });
  #summary = h('summary');
  #list = h('ul');
  /** @type {any} */
  #workflow = { tasks: [] };
  #isRunning = true;
  #isDone = false;

  constructor() {
    this.element.append(this.#summary, this.#list);
  }

  /** @param {Item} item */
  update(item) {
    this.#workflow = { tasks: [], ...item.workflow };
    this.#isDone = Boolean(this.#workflow.summary);
    /** @type {HTMLDetailsElement} */ (this.element).open = this.#workflow.expanded || !this.#isDone;
    this.#draw();
  }

  /** @param {WireEvent} update */
  change(update) {
    if (!update.type.startsWith('workflow.task.')) return;
    this.#workflow.tasks[update.task_index] = update.task;
    this.#draw();
  }

  /** @param {boolean} isRunning */
  settle(isRunning) {
    if (this.#isRunning === isRunning) return;
    this.#isRunning = isRunning;
    this.#draw();
  }

  isBusy() {
    const tasks = /** @type {Task[]} */ (this.#workflow.tasks);
    return this.#isRunning && tasks.some((task) => task?.status_indicator === 'loading');
  }

  #draw() {
    const { summary, tasks, type } = this.#workflow;
    const working = type === 'reasoning' ? 'Reasoning' : 'Steps';
    const took = summary?.duration !== undefined ? `Worked for ${inWords(summary.duration)}` : working;
    this.#summary.replaceChildren(icon('chevron'), summary?.title ?? took);
    const shown = /** @type {Task[]} */ (tasks).filter(Boolean);
    while (this.#list.children.length > shown.length) this.#list.lastChild?.remove();
    shown.forEach((task, index) => {
      if (!this.#list.children[index]) this.#list.append(h('li'));
      drawBadge(/** @type {HTMLElement} */ (this.#list.children[index]), task, this.#isRunning);
    });
  }
}

const FAILURE_ICON = /^(lucide:)?(circle-x|octagon-x|circle-alert|triangle-alert|ban|x)$/;

/**
 * @param {Task} task
 * @param {boolean} isRunning
 * @returns {{ state: string, said: string }}
 */
function outcomeOf(task, isRunning) {
  if (FAILURE_ICON.test(task.icon ?? '')) return { state: 'failure', said: 'failed' };
  if (task.status_indicator === 'complete') return { state: 'success', said: 'succeeded' };
  if (task.status_indicator !== 'loading') return { state: 'neutral', said: '' };
  return isRunning ? { state: 'running', said: 'running' } : { state: 'neutral', said: 'no result' };
}

const OUTCOME_ICONS = { success: 'check', failure: 'cross', neutral: 'dash' };
/** @type {Record<string, string>} */
const TASK_TITLES = { web_search: 'Search', thought: 'Thought', file: 'Files', image: 'Image', custom: 'Step' };

/**
 * A pill with the tool's name and outcome; with content it opens.
 * @param {HTMLElement} place
 * @param {Task} task
 * @param {boolean} isRunning
 */
function drawBadge(place, task, isRunning) {
  const { state, said } = outcomeOf(task, isRunning);
  const title = task.title || TASK_TITLES[task.type] || 'Step';
  const mark = state === 'running' ? h('span', { class: 'spinner' }) : icon(OUTCOME_ICONS[/** @type {'success'} */ (state)]);
  const label = [mark, h('span', { class: 'name' }, title), h('span', { class: 'unseen' }, said ? `: ${said}` : '')];
  const content = taskContent(task);
  const isOpen = place.querySelector('details')?.open ?? state === 'failure';
  if (!content) {
    place.replaceChildren(h('span', { class: `badge ${state}` }, ...label));
    return;
  }
  const summary = h('summary', { class: `badge ${state}` }, ...label, icon('chevron'));
  place.replaceChildren(h('details', { open: isOpen }, summary, h('div', { class: 'detail' }, content)));
}

/** @param {Task} task */
function taskContent(task) {
  const sources = (task.sources ?? []).map((/** @type {any} */ source) => source.filename ?? source.title ?? source.url);
  return [task.content, ...(task.queries ?? []), ...sources].filter(Boolean).join('\n');
}

// --------------------------------------------------------------------------------- attachments

const MOST_ATTACHMENTS = 10;
const LARGEST_ATTACHMENT_BYTES = 100 * 1024 * 1024;

/** @typedef {{ id: string, name: string, type: string, mime_type: string, preview_url?: string }} Attachment */
/** @typedef {{ enabled?: boolean, maxCount?: number, maxSize?: number | Record<string, number>, accept?: Record<string, string[]> }} AttachmentOptions */
/** @typedef {(file: File, signal: AbortSignal, progress: (share: number) => void) => Promise<Attachment>} Upload */

/** The files that go with the next message: chosen, dropped or pasted, uploaded at once. */
class AttachmentTray {
  button = quietButton('plus', 'Attach files', () => this.#picker.click());
  element = h('div', { class: 'attached', hidden: true });
  #list = h('ul', { class: 'files', 'aria-label': 'Attachments' });
  #refused = h('p', { class: 'refused', role: 'alert' });
  #picker = /** @type {HTMLInputElement} */ (h('input', { type: 'file', multiple: true, hidden: true, tabindex: '-1', 'aria-hidden': 'true' }));
  /** @type {AttachmentOptions} */
  #options = {};
  /** @type {AttachmentChip[]} */
  #chips = [];

  /** @param {{ upload: Upload, remove: (id: string) => void, changed: () => void }} on */
  constructor(on) {
    this.on = on;
    this.button.hidden = true;
    this.button.classList.add('attach');
    this.element.append(this.#refused, this.#list, this.#picker);
    this.#picker.addEventListener('change', () => {
      this.add([...(this.#picker.files ?? [])]);
      this.#picker.value = '';
    });
  }

  get isEnabled() {
    return this.#options.enabled === true;
  }

  get isUploading() {
    return this.#chips.some(({ isUploading }) => isUploading);
  }

  /** @param {unknown} options */
  set options(options) {
    this.#options = options !== null && typeof options === 'object' ? options : {};
    this.button.hidden = !this.isEnabled;
    this.#picker.accept = Object.entries(this.#accepted).flat(2).filter((kind) => typeof kind === 'string').join(',');
  }

  get #accepted() {
    const { accept } = this.#options;
    return accept !== null && typeof accept === 'object' ? accept : {};
  }

  /** @param {File[]} files */
  add(files) {
    if (!this.isEnabled) return;
    this.#refused.textContent = '';
    for (const file of files) {
      const refusal = this.#refusalOf(file);
      if (refusal) this.#refused.textContent = refusal;
      else this.#append(new AttachmentChip(file, { ...this.on, changed: () => this.#changed(), gone: (chip) => this.#drop(chip) }));
    }
    this.#changed();
  }

  /** @param {Attachment[]} attachments that are uploaded already */
  put(attachments) {
    for (const attachment of attachments) {
      this.#append(new AttachmentChip(attachment, { ...this.on, changed: () => this.#changed(), gone: (chip) => this.#drop(chip) }));
    }
    this.#changed();
  }

  /** @returns {Attachment[]} what is uploaded; what failed stays to be seen */
  take() {
    const done = this.#chips.filter(({ attachment }) => attachment !== null);
    for (const chip of done) chip.close();
    this.#chips = this.#chips.filter((chip) => !done.includes(chip));
    this.#refused.textContent = '';
    this.#changed();
    return done.map(({ attachment }) => /** @type {Attachment} */ (attachment));
  }

  /** @param {Attachment[]} attachments */
  replace(attachments) {
    for (const chip of this.#chips) chip.close();
    this.#chips = [];
    this.#refused.textContent = '';
    this.put(attachments);
  }

  /** @param {File} file */
  #refusalOf(file) {
    const most = typeof this.#options.maxCount === 'number' ? this.#options.maxCount : MOST_ATTACHMENTS;
    if (this.#chips.length >= most) return `At most ${most} file${most === 1 ? '' : 's'} can be attached.`;
    const kinds = Object.entries(this.#accepted);
    if (kinds.length && !kinds.some(([kind, ends]) => isOfKind(file, kind, ends))) {
      return `“${file.name}” is not accepted: expected ${kinds.map(([kind]) => kind).join(', ')}.`;
    }
    const largest = this.#largestOf(file);
    if (file.size > largest) return `“${file.name}” is larger than ${inBytes(largest)}.`;
    return file.size === 0 ? `“${file.name}” is empty.` : '';
  }

  /** @param {File} file */
  #largestOf(file) {
    const { maxSize } = this.#options;
    if (typeof maxSize === 'number') return maxSize;
    const limits = Object.entries(maxSize ?? {});
    const own = limits.find(([kind]) => kind !== '*' && kind !== '' && isOfKind(file, kind)) ?? limits.find(([kind]) => kind === '*' || kind === '');
    return typeof own?.[1] === 'number' ? own[1] : LARGEST_ATTACHMENT_BYTES;
  }

  /** @param {AttachmentChip} chip */
  #append(chip) {
    this.#chips.push(chip);
    this.#list.append(chip.element);
  }

  /** @param {AttachmentChip} chip */
  #drop(chip) {
    const index = this.#chips.indexOf(chip);
    this.#chips = this.#chips.filter((other) => other !== chip);
    chip.close();
    if (chip.attachment) this.on.remove(chip.attachment.id);
    const next = this.#chips[Math.min(index, this.#chips.length - 1)];
    (next ? next.removal : this.button).focus();
    this.#changed();
  }

  #changed() {
    this.element.hidden = this.#chips.length === 0 && !this.#refused.textContent;
    this.on.changed();
  }
}

/** One file on its way, and what became of it. */
class AttachmentChip {
  element = h('li', { class: 'file' });
  /** @type {Attachment | null} */
  attachment = null;
  isUploading = false;
  #abort = new AbortController();
  #progress = /** @type {HTMLProgressElement} */ (h('progress', { max: '1', 'aria-label': 'Uploaded' }));
  #state = h('span', { class: 'state' });
  #again;
  #preview = '';

  /**
   * @param {File | Attachment} source
   * @param {{ upload: Upload, changed: () => void, gone: (chip: AttachmentChip) => void }} on
   */
  constructor(source, on) {
    this.on = on;
    this.removal = quietButton('cross', `Remove ${source.name}`, () => on.gone(this));
    this.#again = quietButton('again', `Upload ${source.name} again`, () => void this.#upload(/** @type {File} */ (source)));
    this.element.append(this.#pictureOf(source), h('span', { class: 'name', dir: 'auto' }, source.name), this.#state, this.#progress, this.#again, this.removal);
    if (source instanceof File) void this.#upload(source);
    else this.#settle(source);
  }

  /** @param {File | Attachment} source */
  #pictureOf(source) {
    if (!(source instanceof File)) return attachmentPicture(source);
    if (!/^image\/(png|jpeg|gif|webp)$/.test(source.type)) return namedIcon('document');
    this.#preview = URL.createObjectURL(source);
    return h('img', { src: this.#preview, alt: '' });
  }

  /** @param {File} file */
  async #upload(file) {
    this.#show('uploading', '');
    this.#progress.removeAttribute('value');
    try {
      this.#settle(await this.on.upload(file, this.#abort.signal, (share) => (this.#progress.value = share)));
    } catch (error) {
      if (!this.#abort.signal.aborted) this.#show('failed', error instanceof ChatError ? error.message : 'It could not be uploaded.');
    }
  }

  /** @param {Attachment} attachment */
  #settle(attachment) {
    this.attachment = attachment;
    this.#show('done', '');
  }

  /** @type {(state: string, said: string) => void} */
  #show(state, said) {
    this.element.dataset.state = state;
    this.isUploading = state === 'uploading';
    this.#progress.hidden = !this.isUploading;
    this.#again.hidden = state !== 'failed';
    this.#state.textContent = said;
    this.on.changed();
  }

  close() {
    this.#abort.abort();
    this.element.remove();
    if (this.#preview) URL.revokeObjectURL(this.#preview);
  }
}

/** @type {(file: { name: string, type: string }, kind: string, ends?: unknown) => boolean} */
function isOfKind({ name, type }, kind, ends) {
  const isType = kind === '*/*' || type === kind || (kind.endsWith('/*') && type.startsWith(kind.slice(0, -1)));
  return isType || (Array.isArray(ends) && ends.some((end) => typeof end === 'string' && name.toLowerCase().endsWith(end.toLowerCase())));
}

/** @param {number} count */
function inBytes(count) {
  if (count < 1024) return `${count} bytes`;
  const [size, unit] = count < 1024 ** 2 ? [count / 1024, 'kB'] : [count / 1024 ** 2, 'MB'];
  return `${Number(size.toFixed(1))} ${unit}`;
}

/** What a message or the tray shows of a file: its picture if the server has one, else a sign. @param {Attachment} attachment */
function attachmentPicture(attachment) {
  const source = attachment.type === 'image' ? pictureSource(attachment.preview_url) : null;
  if (!source) return namedIcon('document');
  const picture = h('img', { src: source, alt: '', loading: 'lazy', decoding: 'async', referrerpolicy: 'no-referrer' });
  picture.addEventListener('error', () => picture.replaceWith(namedIcon('square-image')));
  return picture;
}

/** @param {unknown} address */
function pictureSource(address) {
  const text = textIn(address);
  if (/^data:image\/(png|jpeg|gif|webp);base64,/.test(text)) return text;
  try {
    const url = new URL(text, document.baseURI);
    return text && /^(https?|blob):$/.test(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/** @param {any[]} attachments of a message */
function attachmentList(attachments) {
  const files = attachments.filter((file) => file !== null && typeof file === 'object');
  if (files.length === 0) return null;
  const entry = (/** @type {any} */ file) => {
    const name = textIn(file.name);
    const picture = attachmentPicture(file);
    if (picture.tagName !== 'IMG') return h('li', { class: 'file' }, picture, h('span', { class: 'name', dir: 'auto' }, name));
    picture.setAttribute('alt', name);
    const href = pictureSource(file.preview_url) ?? '';
    const link = /^http/.test(href) ? h('a', { href, target: '_blank', rel: 'noopener noreferrer', title: name }, picture) : picture;
    return h('li', { class: 'picture' }, link);
  };
  return h('ul', { class: 'files', 'aria-label': 'Attachments' }, ...files.map(entry));
}

// ------------------------------------------------------------------------------------- widgets

const WIDGET_ACTION = 'widget-action';
const DEEPEST_WIDGET = 24;
const MOST_WIDGET_PARTS = 2_000;
const AUTOMATIC_LIST_LIMIT = 5;
const SPACING_PIXELS = 4;

/** @typedef {(part: any, painter: WidgetPainter) => HTMLElement} DrawPart */
/** @typedef {(action: any, source: HTMLElement, own?: Record<string, unknown>) => void} Act */
/** @typedef {{ act: Act, log: (name: string, data: object) => void, prefix: string }} WidgetContext */

/**
 * Draws a widget's parts as elements, and finds them again by id when the server changes one.
 * What it gets may be anything: a model had its hands in it.
 */
class WidgetPainter {
  /** @type {Map<string, { part: any, element: HTMLElement }>} */
  #drawn = new Map();
  /** @type {Map<string, (delta: string) => void>} */
  #growing = new Map();
  /** @type {Set<MarkdownView>} */
  #stale = new Set();
  #left = 0;
  #depth = 0;

  /** @param {WidgetContext} context */
  constructor(context) {
    this.context = context;
    this.act = context.act;
  }

  /** @param {any} root */
  drawRoot(root) {
    this.#drawn.clear();
    this.#growing.clear();
    this.#stale.clear();
    this.#left = MOST_WIDGET_PARTS;
    return this.draw(root);
  }

  /**
   * @param {any} part
   * @returns {HTMLElement | null} nothing for what cannot be drawn
   */
  draw(part) {
    if (part === null || typeof part !== 'object') return null;
    if (this.#depth >= DEEPEST_WIDGET || this.#left-- <= 0) {
      if (this.#left === -1) this.context.log('widget.cut', { parts: MOST_WIDGET_PARTS });
      return null;
    }
    this.#depth += 1;
    const element = this.#drawKnown(part);
    this.#depth -= 1;
    if (element && typeof part.id === 'string') this.#drawn.set(part.id, { part, element });
    return element;
  }

  /** @param {any} part */
  #drawKnown(part) {
    if (Object.hasOwn(WIDGET_PARTS, part.type)) return WIDGET_PARTS[part.type](part, this);
    this.context.log('widget.unknown', { type: String(part.type) });
    const children = this.children(part);
    return children.length ? h('div', { class: 'widget-col' }, ...children) : null;
  }

  /** @param {any} part */
  children({ children }) {
    const parts = Array.isArray(children) ? children : [children];
    return parts.map((part) => this.draw(part)).filter((element) => element !== null);
  }

  /** @type {(part: any, grow: (delta: string) => void) => void} */
  grows(part, grow) {
    if (typeof part.id === 'string') this.#growing.set(part.id, grow);
  }

  /** @param {MarkdownView} view */
  touch(view) {
    this.#stale.add(view);
  }

  render() {
    for (const view of this.#stale) view.render();
    this.#stale.clear();
  }

  /** @type {(id: string, delta: string) => boolean} */
  append(id, delta) {
    const grow = this.#growing.get(id);
    if (!grow) return false;
    const { part } = /** @type {{ part: any }} */ (this.#drawn.get(id));
    part.value = textIn(part.value) + delta;
    grow(delta);
    return true;
  }

  /** @type {(id: string, part: any) => boolean} */
  replace(id, part) {
    const known = this.#drawn.get(id);
    if (!known || part === null || typeof part !== 'object') return false;
    this.#forget(known.part);
    for (const name of Object.keys(known.part)) delete known.part[name];
    Object.assign(known.part, part, { id });
    this.#left = MOST_WIDGET_PARTS;
    const place = known.element;
    const element = this.draw(known.part) ?? h('span', { hidden: true });
    this.#drawn.set(id, { part: known.part, element });
    keepTyped(place, () => place.replaceWith(element), element);
    return true;
  }

  /** @param {any} part */
  #forget(part) {
    if (part === null || typeof part !== 'object') return;
    this.#drawn.delete(part.id);
    this.#growing.delete(part.id);
    for (const child of Array.isArray(part.children) ? part.children : [part.children]) this.#forget(child);
  }
}

// -- values that parts are styled with

/** @param {unknown} value */
function textIn(value) {
  return ['string', 'number', 'boolean'].includes(typeof value) ? String(value) : '';
}

/** @param {unknown} value a name that stands in the style sheet, or in no rule of it */
function token(value) {
  return typeof value === 'string' && /^[a-z0-9%-]{1,16}$/.test(value) ? value : null;
}

/**
 * @param {HTMLElement} element
 * @param {Record<string, string | null>} tokens
 */
function mark(element, tokens) {
  for (const [name, value] of Object.entries(tokens)) if (value !== null) element.dataset[name] = value;
  return element;
}

/** Through the object model, which a policy without inline styles allows. @type {(element: HTMLElement, name: string, value: string | null) => void} */
function setStyle(element, name, value) {
  if (value !== null) element.style.setProperty(name, value);
}

/** @type {(value: unknown, unit?: number) => string | null} */
function lengthOf(value, unit = 1) {
  if (typeof value === 'number') return value >= 0 && value < 10_000 ? `${value * unit}px` : null;
  if (typeof value !== 'string') return null;
  if (/^\d{1,4}(\.\d{1,4})?$/.test(value)) return `${Number(value) * unit}px`;
  const isLength = /^(\d{1,4}(\.\d{1,4})?(px|rem|em|ch|%|vh|vw)|auto|fit-content|min-content|max-content)$/.test(value);
  return isLength ? value : null;
}

/** @type {Record<string, string>} */
const PALETTE = {
  gray: '#6b746e', red: '#dc2f26', orange: '#e8730c', yellow: '#d9a406',
  green: '#16a34a', blue: '#2870e3', purple: '#8b45e6', pink: '#e0408f',
};
/** @type {Record<string, string>} */
const TEXT_COLORS = {
  prose: 'var(--fg)', primary: 'var(--fg)', emphasis: 'var(--fg)', secondary: 'var(--muted)', tertiary: 'var(--muted)',
  success: 'light-dark(#0b6b2e, #5fe08a)', warning: 'var(--warning)', danger: 'var(--danger)',
};
/** @type {Record<string, string>} */
const SURFACE_COLORS = {
  surface: 'var(--bg)', 'surface-secondary': 'var(--soft)', 'surface-tertiary': 'var(--bubble)',
  'surface-elevated': 'var(--bg)', 'surface-elevated-secondary': 'var(--soft)',
};
/** @type {Record<string, string>} */
const LINE_COLORS = { default: 'var(--line)', subtle: 'var(--line)', strong: 'var(--muted)' };

/**
 * A named colour, a shade of the palette, any CSS colour, or one each for light and dark.
 * @type {(value: any, named?: Record<string, string>) => string | null}
 */
function colorOf(value, named = {}) {
  if (value !== null && typeof value === 'object') {
    const [light, dark] = [colorOf(value.light, named), colorOf(value.dark, named)];
    return light && dark ? `light-dark(${light}, ${dark})` : (light ?? dark);
  }
  if (typeof value !== 'string') return null;
  if (Object.hasOwn(named, value)) return named[value];
  const [, hue, shade] = /^([a-z]+)-(\d{1,4})$/.exec(value) ?? [];
  if (hue && Object.hasOwn(PALETTE, hue)) return shadeOf(PALETTE[hue], Math.min(1000, Number(shade)));
  return CSS.supports('color', value) && !/var\(|env\(|attr\(/i.test(value) ? value : null;
}

/** @type {(color: string, shade: number) => string} */
function shadeOf(color, shade) {
  if (shade <= 500) return `color-mix(in srgb, ${color} ${shade / 5}%, white)`;
  return `color-mix(in srgb, ${color} ${100 - (shade - 500) / 6}%, black)`;
}

/** @type {Record<string, string>} */
const RADII = {
  none: '0', '2xs': '2px', xs: '4px', sm: '6px', md: '8px', lg: '10px', xl: '12px',
  '2xl': '16px', '3xl': '20px', '4xl': '24px', full: '9999px', '100%': '100%',
};
/** @type {Record<string, string>} */
const FLEX_PLACES = { start: 'flex-start', end: 'flex-end', between: 'space-between', around: 'space-around', evenly: 'space-evenly' };
const SIDES = { x: ['left', 'right'], y: ['top', 'bottom'], top: ['top'], right: ['right'], bottom: ['bottom'], left: ['left'] };

/** @type {(value: any, set: (side: string, value: any) => void) => void} */
function eachSide(value, set) {
  for (const [name, sides] of Object.entries(SIDES)) {
    if (value?.[name] !== undefined) for (const side of sides) set(`-${side}`, value[name]);
  }
}

/** @type {(element: HTMLElement, name: string, value: any) => void} */
function setSpacing(element, name, value) {
  if (value === null || typeof value !== 'object') return setStyle(element, name, lengthOf(value, SPACING_PIXELS));
  eachSide(value, (side, one) => setStyle(element, name + side, lengthOf(one, SPACING_PIXELS)));
}

/** @type {(element: HTMLElement, value: any) => void} */
function setBorder(element, value) {
  const line = (/** @type {any} */ border) => {
    const { size, color, style } = typeof border === 'object' && border !== null ? border : { size: border };
    const width = lengthOf(size);
    const kind = ['dashed', 'dotted', 'double', 'groove', 'ridge', 'inset', 'outset'].includes(style) ? style : 'solid';
    return width && `${width} ${kind} ${colorOf(color, LINE_COLORS) ?? 'var(--line)'}`;
  };
  const isWhole = typeof value !== 'object' || value === null || 'size' in value;
  if (isWhole) return setStyle(element, 'border', line(value ?? null));
  eachSide(value, (side, one) => setStyle(element, `border${side}`, line(one)));
}

/** @type {(element: HTMLElement, part: any) => void} */
function setBlock(element, part) {
  for (const [name, both] of [['', part.size], ['min-', part.minSize], ['max-', part.maxSize]]) {
    const prefix = name.replace('-', '');
    const own = (/** @type {string} */ side) => part[prefix ? prefix + side[0].toUpperCase() + side.slice(1) : side];
    for (const side of ['width', 'height']) setStyle(element, name + side, lengthOf(own(side) ?? both));
  }
  const ratio = textIn(part.aspectRatio);
  setStyle(element, 'aspect-ratio', /^[\d.]{1,8}( ?\/ ?[\d.]{1,8})?$/.test(ratio) ? ratio : null);
  setStyle(element, 'border-radius', RADII[token(part.radius) ?? ''] ?? null);
  setSpacing(element, 'margin', part.margin);
}

/** @type {(element: HTMLElement, part: any) => HTMLElement} */
function setBox(element, part) {
  const place = (/** @type {unknown} */ value) => FLEX_PLACES[token(value) ?? ''] ?? token(value);
  setStyle(element, 'align-items', place(part.align));
  setStyle(element, 'justify-content', place(part.justify));
  setStyle(element, 'flex-wrap', token(part.wrap));
  const flex = textIn(part.flex);
  setStyle(element, 'flex', /^[\d.]{1,6}( [\d.]{1,6})?( (auto|\d{1,4}(px|%)?))?$|^(auto|none|initial)$/.test(flex) ? flex : null);
  setStyle(element, 'gap', lengthOf(part.gap, SPACING_PIXELS));
  setStyle(element, 'background', colorOf(part.background, SURFACE_COLORS));
  setSpacing(element, 'padding', part.padding);
  setBorder(element, part.border);
  setBlock(element, part);
  return element;
}

/** @type {(element: HTMLElement, part: any) => HTMLElement} */
function setTheme(element, { theme }) {
  if (theme !== 'light' && theme !== 'dark') return element;
  element.classList.add('themed');
  return mark(element, { scheme: theme });
}

/** @param {unknown} name */
function partIcon(name) {
  return typeof name === 'string' && name ? namedIcon(name) : null;
}

// -- containers

/** @type {DrawPart} */
function drawCard(part, painter) {
  const form = part.asForm === true;
  const status = widgetStatus(part.status);
  const answers = cardAnswers(part, painter);
  const body = [...painter.children(part), answers];
  const card = h(form ? 'form' : 'div', { class: 'widget-card' }, status, ...(part.collapsed === true ? [folded(part, status, body)] : body));
  if (form) onSubmit(/** @type {HTMLFormElement} */ (card), part.confirm?.action, painter.act);
  setStyle(card, 'background', colorOf(part.background, SURFACE_COLORS));
  setSpacing(card, 'padding', part.padding);
  setBorder(card, part.border);
  return setTheme(mark(card, { size: token(part.size) }), part);
}

/** @type {(part: any, painter: WidgetPainter) => HTMLElement | null} */
function cardAnswers({ confirm, cancel, asForm }, painter) {
  const buttons = [confirm, cancel].map((answer, index) => {
    if (answer === null || typeof answer !== 'object') return null;
    const isSubmit = asForm === true && index === 0;
    const button = widgetButton(textIn(answer.label), isSubmit);
    button.classList.toggle('main', index === 0);
    if (!isSubmit) onAct(button, 'click', answer.action, painter.act);
    button.dataset.acts = actsWhere(answer.action);
    button.dataset.whole = '';
    return button;
  });
  return buttons.some(Boolean) ? h('div', { class: 'answers' }, ...buttons) : null;
}

/** What a card that is done with still shows: its title, and the rest when asked for. @type {(part: any, status: HTMLElement | null, body: (HTMLElement | null)[]) => HTMLElement} */
function folded(part, status, body) {
  const children = Array.isArray(part.children) ? part.children : [];
  const title = children.find((/** @type {any} */ child) => child?.type === 'Title')?.value;
  const summary = h('summary', {}, icon('chevron'), textIn(title) || (status ? 'Details' : 'Done'));
  return h('details', { class: 'widget-folded' }, summary, h('div', { class: 'widget-col' }, ...body));
}

/** @param {any} status */
function widgetStatus(status) {
  const text = textIn(status?.text);
  if (!text) return null;
  return h('div', { class: 'widget-status' }, partIcon(status.icon), h('span', {}, text));
}

/** @type {(name: string, direction?: string) => DrawPart} */
function boxAs(name, direction) {
  return (part, painter) => {
    const box = h('div', { class: name }, ...painter.children(part));
    if (!direction && part.direction === 'row') box.classList.replace('widget-col', 'widget-row');
    return setTheme(setBox(box, part), part);
  };
}

/** @type {DrawPart} */
function drawForm(part, painter) {
  const form = /** @type {HTMLFormElement} */ (h('form', { class: part.direction === 'row' ? 'widget-row' : 'widget-col' }, ...painter.children(part)));
  onSubmit(form, part.onSubmitAction, painter.act);
  return setBox(form, part);
}

/** @type {DrawPart} */
function drawListView(part, painter) {
  const rows = painter.children(part);
  const limit = part.limit === 'auto' ? AUTOMATIC_LIST_LIMIT : part.limit;
  const hidden = Number.isInteger(limit) && limit > 0 ? rows.slice(limit) : [];
  for (const row of hidden) row.hidden = true;
  const list = h('ul', { class: 'widget-rows' }, ...rows);
  const more = hidden.length ? widgetButton('Show more', false) : null;
  more?.addEventListener('click', () => {
    for (const row of hidden) row.hidden = false;
    more.remove();
    focusFirst(hidden[0]);
  });
  return setTheme(h('div', { class: 'widget-list' }, widgetStatus(part.status), list, more), part);
}

/** @param {HTMLElement} element */
function focusFirst(element) {
  const inner = /** @type {HTMLElement | null} */ (element.querySelector('button, input, select, textarea, a'));
  if (!inner) element.tabIndex = -1;
  (inner ?? element).focus();
}

/** @type {DrawPart} */
function drawListViewItem(part, painter) {
  const row = h('li', {}, ...painter.children(part));
  setStyle(row, 'gap', lengthOf(part.gap, SPACING_PIXELS));
  setStyle(row, 'align-items', FLEX_PLACES[token(part.align) ?? ''] ?? token(part.align));
  if (typeof part.onClickAction?.type !== 'string') return row;
  // It lies over the whole row, and what can be used in the row lies over it.
  const cover = h('button', { class: 'cover', type: 'button', 'aria-label': row.textContent?.trim().slice(0, 200) || part.onClickAction.type });
  onAct(cover, 'click', part.onClickAction, painter.act);
  row.prepend(cover);
  return row;
}

// -- texts

/** @type {(tag: string) => DrawPart} */
function textAs(tag) {
  return (part, painter) => {
    if (part.type === 'Text' && part.editable !== null && typeof part.editable === 'object') return editableText(part, painter);
    const shown = document.createTextNode(textIn(part.value));
    const element = h(tag, { class: 'widget-text', dir: 'auto' });
    element.append(shown);
    painter.grows(part, (delta) => shown.appendData(delta));
    return setText(element, part);
  };
}

/** @type {(element: HTMLElement, part: any) => HTMLElement} */
function setText(element, part) {
  mark(element, { kind: token(textIn(part.type).toLowerCase()), size: token(part.size), weight: token(part.weight), align: token(part.textAlign) });
  element.classList.toggle('italic', part.italic === true);
  element.classList.toggle('struck', part.lineThrough === true);
  element.classList.toggle('truncated', part.truncate === true);
  setStyle(element, 'color', colorOf(part.color, TEXT_COLORS));
  setStyle(element, 'width', lengthOf(part.width));
  if (part.minLines > 0) setStyle(element, 'min-height', `${Math.min(100, part.minLines)}lh`);
  if (part.maxLines > 0) {
    element.classList.add('clamped');
    setStyle(element, '-webkit-line-clamp', String(Math.min(1000, Math.floor(part.maxLines))));
  }
  return element;
}

/** @type {DrawPart} */
function editableText(part, painter) {
  const about = { ...part.editable, defaultValue: part.value, rows: part.minLines };
  const field = part.minLines > 1 ? drawTextarea(about, painter) : drawInput(about, painter);
  painter.grows(part, (delta) => (/** @type {HTMLInputElement} */ (field).value += delta));
  return setText(field, part);
}

/** @type {DrawPart} */
function drawMarkdown(part, painter) {
  const view = new MarkdownView();
  view.set(textIn(part.value));
  view.render();
  painter.grows(part, (delta) => {
    view.append(delta);
    painter.touch(view);
  });
  return view.element;
}

/** @type {DrawPart} */
function drawBadgeLabel(part) {
  const label = h('span', { class: 'label', dir: 'auto' }, textIn(part.label));
  label.classList.toggle('square', part.pill === false);
  return mark(label, { color: token(part.color) ?? 'secondary', variant: token(part.variant), size: token(part.size) });
}

/** @type {DrawPart} */
function drawIcon(part) {
  const drawn = h('span', { class: 'widget-icon' }, partIcon(part.name));
  setStyle(drawn, 'color', colorOf(part.color, TEXT_COLORS));
  return mark(drawn, { size: token(part.size) });
}

/** An address that a model wrote is not loaded: that would tell its host who reads this. @type {DrawPart} */
function drawImage(part) {
  return h('span', { class: 'label square', 'data-color': 'secondary' }, partIcon('square-image'), textIn(part.alt) || 'Image');
}

/** @type {DrawPart} */
function drawDivider(part) {
  const line = h('hr', { class: 'widget-divider' });
  setStyle(line, 'border-top-color', colorOf(part.color, LINE_COLORS));
  setStyle(line, 'border-top-width', lengthOf(part.size));
  setStyle(line, 'margin-block', lengthOf(part.spacing, SPACING_PIXELS));
  line.classList.toggle('flush', part.flush === true);
  return line;
}

/** @type {DrawPart} */
function drawSpacer(part) {
  const space = h('div', { class: 'widget-spacer', 'aria-hidden': 'true' });
  setStyle(space, 'min-width', lengthOf(part.minSize, SPACING_PIXELS));
  setStyle(space, 'min-height', lengthOf(part.minSize, SPACING_PIXELS));
  return space;
}

/** @type {DrawPart} */
function drawTransition(part, painter) {
  return h('div', { class: 'widget-col' }, ...painter.children(part));
}

// -- tables

/** @type {DrawPart} */
function drawTable(part, painter) {
  return h('div', { class: 'table', tabindex: '0' }, h('table', {}, h('tbody', {}, ...painter.children(part))));
}

/** @type {DrawPart} */
function drawTableRow(part, painter) {
  const cells = Array.isArray(part.children) ? part.children : [];
  const drawn = cells.map((/** @type {any} */ cell) => painter.draw(part.header === true && cell ? { ...cell, isHeader: true } : cell));
  return h('tr', {}, ...drawn);
}

/** @type {DrawPart} */
function drawTableCell(part, painter) {
  const cell = h(part.isHeader ? 'th' : 'td', part.isHeader ? { scope: 'col' } : {}, ...painter.children(part));
  for (const [name, value] of Object.entries({ colspan: part.colSpan, rowspan: part.rowSpan })) {
    if (Number.isInteger(value) && value > 1 && value <= 100) cell.setAttribute(name, String(value));
  }
  setStyle(cell, 'width', lengthOf(part.width));
  setSpacing(cell, 'padding', part.padding);
  return mark(cell, { align: token(part.align), valign: token(part.vAlign), size: token(part.colSize) });
}

/** A chart's numbers, as a table. @type {DrawPart} */
function drawChart(part) {
  const series = (Array.isArray(part.series) ? part.series : []).filter(Boolean);
  const axis = textIn(part.xAxis?.dataKey ?? part.xAxis);
  const names = [axis, ...series.map((/** @type {any} */ one) => textIn(one.dataKey))];
  const heads = [axis, ...series.map((/** @type {any} */ one) => textIn(one.label) || textIn(one.dataKey))];
  const rows = (Array.isArray(part.data) ? part.data : []).slice(0, MOST_WIDGET_PARTS);
  const line = (/** @type {any} */ row) => h('tr', {}, ...names.map((name) => h('td', {}, textIn(row?.[name]))));
  const head = h('tr', {}, ...heads.map((name) => h('th', { scope: 'col' }, name)));
  return h('div', { class: 'table', tabindex: '0' }, h('table', {}, h('thead', {}, head), h('tbody', {}, ...rows.map(line))));
}

// -- controls

/** @type {(label: string, isSubmit: boolean) => HTMLButtonElement} */
function widgetButton(label, isSubmit) {
  return /** @type {HTMLButtonElement} */ (h('button', { class: 'action', type: isSubmit ? 'submit' : 'button' }, label));
}

/** @type {DrawPart} */
function drawButton(part, painter) {
  const isSubmit = part.submit === true;
  const label = textIn(part.label);
  const button = widgetButton('', isSubmit);
  button.append(...[partIcon(part.iconStart), label || null, partIcon(part.iconEnd)].filter((child) => child !== null));
  if (!label) button.setAttribute('aria-label', textIn(part.iconStart) || textIn(part.onClickAction?.type) || 'Button');
  const isTinted = Boolean(part.color || part.variant);
  button.classList.toggle('tinted', isTinted);
  button.classList.toggle('main', !isTinted && part.style !== 'secondary');
  for (const name of ['pill', 'uniform', 'block']) button.classList.toggle(name, part[name] === true);
  button.classList.toggle('square', part.pill === false);
  mark(button, { color: token(part.color), variant: token(part.variant), size: token(part.size), icons: token(part.iconSize) });
  button.toggleAttribute('data-off', part.disabled === true);
  if (!isSubmit) onAct(button, 'click', part.onClickAction, painter.act);
  else button.dataset.acts = 'server';
  return button;
}

/** @type {(element: HTMLElement, kind: string, action: any, act: Act, own?: () => Record<string, unknown>) => void} */
function onAct(element, kind, action, act, own) {
  if (typeof action?.type !== 'string') return;
  element.dataset.acts = actsWhere(action);
  element.addEventListener(kind, () => act(action, element, own?.()));
}

/** @param {any} action */
function actsWhere(action) {
  return action?.handler === 'client' ? 'client' : 'server';
}

/** @type {(form: HTMLFormElement, action: any, act: Act) => void} */
function onSubmit(form, action, act) {
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    event.stopPropagation();
    act(action, /** @type {HTMLElement | null} */ (event.submitter) ?? form);
  });
}

/** @type {(field: HTMLElement, part: any, painter: WidgetPainter) => HTMLElement} */
function asField(field, part, { context: { prefix } }) {
  const name = textIn(part.name).slice(0, 200);
  const control = /** @type {HTMLInputElement} */ (field);
  control.classList.add('field');
  control.name = name;
  control.id = `${prefix}-${name}`;
  control.required = part.required === true;
  control.toggleAttribute('data-off', part.disabled === true);
  if (part.disabled === true) control.disabled = true;
  control.dataset.said = textIn(part.placeholder) || name;
  for (const flag of ['pill', 'block']) control.classList.toggle(flag, part[flag] === true);
  return mark(control, { variant: token(part.variant), size: token(part.size) });
}

const INPUT_TYPES = ['number', 'email', 'text', 'password', 'tel', 'url'];

/** @type {DrawPart} */
function drawInput(part, painter) {
  const type = INPUT_TYPES.includes(part.inputType) ? part.inputType : 'text';
  const input = /** @type {HTMLInputElement} */ (h('input', { type, dir: 'auto', placeholder: textIn(part.placeholder) }));
  input.defaultValue = textIn(part.defaultValue);
  if (part.pattern) input.pattern = textIn(part.pattern);
  input.autocomplete = /** @type {AutoFill} */ (token(part.autoComplete) ?? 'off');
  if (part.autoSelect === true) input.addEventListener('focus', () => input.select());
  return asField(input, part, painter);
}

/** @type {DrawPart} */
function drawTextarea(part, painter) {
  const rows = Number.isInteger(part.rows) && part.rows > 0 ? Math.min(50, part.rows) : 3;
  const area = /** @type {HTMLTextAreaElement} */ (h('textarea', { rows: String(rows), dir: 'auto', placeholder: textIn(part.placeholder) }));
  area.defaultValue = textIn(part.defaultValue);
  if (part.autoSelect === true) area.addEventListener('focus', () => area.select());
  area.classList.toggle('growing', part.autoResize === true);
  if (part.maxRows > 0) setStyle(area, 'max-height', `calc(${Math.min(50, part.maxRows)}lh + 1rem)`);
  return asField(area, part, painter);
}

/** @type {DrawPart} */
function drawSelect(part, painter) {
  const options = (Array.isArray(part.options) ? part.options : []).slice(0, MOST_WIDGET_PARTS).filter(Boolean);
  const chosen = textIn(part.defaultValue);
  const none = h('option', { value: '', disabled: part.clearable !== true && Boolean(chosen) }, textIn(part.placeholder) || '–');
  const rows = options.map((/** @type {any} */ { value, label }) => h('option', { value: textIn(value) }, textIn(label) || textIn(value)));
  const select = /** @type {HTMLSelectElement} */ (h('select', {}, none, ...rows));
  for (const row of /** @type {HTMLOptionElement[]} */ ([none, ...rows])) row.defaultSelected = row.value === chosen;
  onAct(select, 'change', part.onChangeAction, painter.act, () => ({ [textIn(part.name)]: select.value }));
  return asField(select, part, painter);
}

/** @type {DrawPart} */
function drawDatePicker(part, painter) {
  const day = (/** @type {unknown} */ value) => /^\d{4}-\d{2}-\d{2}/.exec(textIn(value))?.[0] ?? '';
  const input = /** @type {HTMLInputElement} */ (h('input', { type: 'date', min: day(part.min), max: day(part.max) }));
  input.defaultValue = day(part.defaultValue);
  onAct(input, 'change', part.onChangeAction, painter.act, () => ({ [textIn(part.name)]: input.value }));
  return asField(input, part, painter);
}

/** @type {DrawPart} */
function drawCheckbox(part, painter) {
  const box = /** @type {HTMLInputElement} */ (h('input', { type: 'checkbox' }));
  box.defaultChecked = part.defaultChecked === true;
  onAct(box, 'change', part.onChangeAction, painter.act, () => ({ [textIn(part.name)]: box.checked }));
  asField(box, part, painter);
  if (!part.label) return box;
  return h('label', { class: 'choice' }, box, h('span', { dir: 'auto' }, textIn(part.label)));
}

/** @type {DrawPart} */
function drawRadioGroup(part, painter) {
  const options = (Array.isArray(part.options) ? part.options : []).slice(0, MOST_WIDGET_PARTS).filter(Boolean);
  const group = h('div', { class: part.direction === 'row' ? 'widget-row' : 'widget-col', role: 'radiogroup', 'aria-label': textIn(part.ariaLabel) || textIn(part.name) });
  for (const option of options) {
    const radio = /** @type {HTMLInputElement} */ (h('input', { type: 'radio', value: textIn(option.value) }));
    radio.defaultChecked = option.value === part.defaultValue;
    asField(radio, { ...part, disabled: part.disabled === true || option.disabled === true }, painter);
    radio.removeAttribute('id');
    onAct(radio, 'change', part.onChangeAction, painter.act, () => ({ [textIn(part.name)]: radio.value }));
    group.append(h('label', { class: 'choice' }, radio, h('span', { dir: 'auto' }, textIn(option.label) || textIn(option.value))));
  }
  return group;
}

/** @type {DrawPart} */
function drawLabel(part, { context: { prefix } }) {
  const label = h('label', { class: 'widget-text', dir: 'auto', for: `${prefix}-${textIn(part.fieldName).slice(0, 200)}` }, textIn(part.value));
  return setText(label, part);
}

/** A control that no label is for says what it is by itself. @param {HTMLElement} place */
function nameFields(place) {
  for (const field of /** @type {NodeListOf<HTMLInputElement>} */ (place.querySelectorAll('.field'))) {
    if (!field.labels?.length) field.setAttribute('aria-label', field.dataset.said ?? '');
  }
}

/** @type {Record<string, DrawPart>} */
const WIDGET_PARTS = {
  Card: drawCard,
  ListView: drawListView,
  ListViewItem: drawListViewItem,
  Basic: boxAs('widget-col'),
  Box: boxAs('widget-col'),
  Row: boxAs('widget-row', 'row'),
  Col: boxAs('widget-col', 'col'),
  Form: drawForm,
  Text: textAs('p'),
  Title: textAs('h4'),
  Caption: textAs('p'),
  Markdown: drawMarkdown,
  Badge: drawBadgeLabel,
  Icon: drawIcon,
  Image: drawImage,
  Divider: drawDivider,
  Spacer: drawSpacer,
  Transition: drawTransition,
  Table: drawTable,
  'Table.Row': drawTableRow,
  'Table.Cell': drawTableCell,
  Chart: drawChart,
  Button: drawButton,
  Input: drawInput,
  Textarea: drawTextarea,
  Select: drawSelect,
  DatePicker: drawDatePicker,
  Checkbox: drawCheckbox,
  RadioGroup: drawRadioGroup,
  Label: drawLabel,
};

// -- what was typed

/**
 * @param {HTMLElement} place
 * @returns {Record<string, unknown>} what its controls hold, by name
 */
function valuesIn(place) {
  /** @type {Record<string, unknown>} */
  const values = {};
  for (const field of /** @type {NodeListOf<HTMLInputElement>} */ (place.querySelectorAll('.field[name]'))) {
    if (!field.name || field.disabled) continue;
    if (field.type === 'checkbox') values[field.name] = field.checked;
    else if (field.type !== 'radio') values[field.name] = field.value;
    else if (field.checked) values[field.name] = field.value;
  }
  return values;
}

/** A part that is drawn anew keeps what was typed into it, and the focus. @type {(before: HTMLElement, change: () => void, after: HTMLElement) => void} */
function keepTyped(before, change, after) {
  const isTouched = (/** @type {HTMLInputElement} */ field) =>
    field.value !== field.defaultValue || field.checked !== field.defaultChecked;
  const fields = /** @type {HTMLInputElement[]} */ ([...before.querySelectorAll('.field[name]')]);
  const touched = fields.filter(isTouched);
  const focused = /** @type {ShadowRoot} */ (before.getRootNode()).activeElement;
  const focusedName = focused && before.contains(focused) ? focused.getAttribute('name') : null;
  change();
  for (const field of /** @type {NodeListOf<HTMLInputElement>} */ (after.querySelectorAll('.field[name]'))) {
    const typed = touched.find(({ name, type, value }) => name === field.name && type === field.type && (type !== 'radio' || value === field.value));
    if (typed && 'checked' in typed && /checkbox|radio/.test(field.type)) field.checked = typed.checked;
    else if (typed) field.value = typed.value;
    if (focusedName && field.name === focusedName) field.focus({ preventScroll: true });
  }
}

let widgetCount = 0;

/** @implements {View} */
class WidgetView {
  element = h('article', { class: 'message widget' });
  #isRunning = false;
  /** @type {HTMLElement | null} the control whose action is under way */
  #busy = null;
  /** @type {Item} */
  #item = { id: '', type: 'widget' };
  #shown = '';
  #painter;

  /** @param {BranchActions} on */
  constructor(on) {
    this.#painter = new WidgetPainter({
      act: (action, source, own) => this.#act(action, source, own),
      log: on.log,
      prefix: `widget-${(widgetCount += 1)}`,
    });
  }

  /** @param {Item} item */
  update(item) {
    const shown = JSON.stringify(item.widget ?? null);
    this.#item = { ...item, widget: structuredClone(item.widget) };
    if (shown !== this.#shown) this.#draw();
    this.#shown = shown;
    this.element.removeAttribute('aria-busy');
    this.#allow();
  }

  #draw() {
    const drawn = this.#painter.drawRoot(this.#item.widget);
    keepTyped(this.element, () => this.element.replaceChildren(...(drawn ? [drawn] : [])), this.element);
    nameFields(this.element);
  }

  /** @param {WireEvent} update */
  change(update) {
    switch (update.type) {
      case 'widget.root.updated':
        return this.update({ ...this.#item, widget: update.widget });
      case 'widget.component.updated':
        this.#painter.replace(update.component_id, structuredClone(update.component));
        nameFields(this.element);
        break;
      case 'widget.streaming_text.value_delta':
        this.#painter.append(update.component_id, textIn(update.delta));
        this.element.setAttribute('aria-busy', String(update.done !== true));
    }
    this.#shown = '';
    this.#allow();
  }

  render() {
    this.#painter.render();
  }

  /** @param {boolean} isRunning */
  settle(isRunning) {
    this.#isRunning = isRunning;
    if (!isRunning) {
      this.element.removeAttribute('aria-busy');
      this.#finish();
    }
    this.#allow();
  }

  isBusy() {
    return false;
  }

  /** @type {Act} */
  #act(action, source, own) {
    const isClient = actsWhere(action) === 'client';
    if (typeof action?.type !== 'string' || this.#busy || (this.#isRunning && !isClient)) return;
    const form = source.closest('form');
    const typed = { ...(form ? valuesIn(form) : {}), ...own };
    const isPlain = action.payload === null || action.payload === undefined;
    const payload = Object.keys(typed).length ? { ...(isPlain ? {} : action.payload), ...typed } : action.payload;
    this.#load(action, source);
    const detail = { action: { ...action, payload }, item: this.#item, finished: () => this.#isRunning || this.#finish() };
    this.element.dispatchEvent(new CustomEvent(WIDGET_ACTION, { bubbles: true, detail }));
  }

  /** @type {(action: any, source: HTMLElement) => void} */
  #load({ loadingBehavior }, source) {
    const isWhole = source.tagName === 'FORM' || 'whole' in source.dataset || source.getAttribute('type') === 'submit';
    const wanted = loadingBehavior === 'auto' || !loadingBehavior ? (isWhole ? 'container' : 'self') : loadingBehavior;
    if (wanted === 'none') return;
    this.#busy = wanted === 'container' ? this.element : source;
    this.#busy.toggleAttribute('data-loading', true);
    this.#allow();
  }

  #finish() {
    this.#busy?.removeAttribute('data-loading');
    this.#busy = null;
    this.#allow();
  }

  /** One thing at a time: an action starts a reply of its own. */
  #allow() {
    const isLoading = this.#busy === this.element;
    for (const control of /** @type {NodeListOf<HTMLButtonElement>} */ (this.element.querySelectorAll('[data-acts], [data-off]'))) {
      const isHeld = this.#isRunning && control.dataset.acts === 'server';
      control.disabled = 'off' in control.dataset || isHeld || isLoading || control === this.#busy;
    }
  }
}

const INPUT_GIVEN = 'input-given';
const LONGEST_ANSWER = 4_000;

/** One question of several: choices with a free answer beside them, or a free answer alone. */
class QuestionView {
  element = h('fieldset', { class: 'question' });
  /** @type {HTMLInputElement[]} */
  #choices = [];
  /** @type {HTMLInputElement | null} */
  #own = null;
  /** @type {HTMLInputElement | HTMLTextAreaElement} */
  #text;

  /**
   * @param {any} input
   * @param {string} prefix for ids
   */
  constructor(input, prefix) {
    this.id = textIn(input.id);
    const legend = h('legend', { dir: 'auto' }, textIn(input.question));
    const options = input.type === 'multiple_choice' && Array.isArray(input.options) ? input.options.filter(Boolean) : [];
    this.#text = this.#textField(options.length > 0, textIn(input.question));
    const about = textIn(input.description);
    const note = about ? h('p', { class: 'aside', id: `${prefix}-about`, dir: 'auto' }, about) : null;
    if (note) this.#text.setAttribute('aria-describedby', note.id);
    this.element.append(legend, ...(note ? [note] : []));
    if (options.length) this.#addChoices(options, input.multiple === true, prefix);
    else this.element.append(this.#text);
  }

  /** @type {(isBesideChoices: boolean, question: string) => HTMLInputElement | HTMLTextAreaElement} */
  #textField(isBesideChoices, question) {
    const label = isBesideChoices ? `${question}: another answer` : question;
    const shared = { class: 'field', dir: 'auto', 'aria-label': label, maxlength: String(LONGEST_ANSWER) };
    const field = isBesideChoices ? h('input', { ...shared, type: 'text', placeholder: 'Another answer' }) : h('textarea', { ...shared, rows: '2' });
    return /** @type {HTMLInputElement | HTMLTextAreaElement} */ (field);
  }

  /** @type {(options: any[], isMultiple: boolean, prefix: string) => void} */
  #addChoices(options, isMultiple, prefix) {
    const choice = (/** @type {string} */ value, /** @type {Node | string} */ shown) => {
      const input = /** @type {HTMLInputElement} */ (h('input', { type: isMultiple ? 'checkbox' : 'radio', name: prefix, value, class: 'field' }));
      this.element.append(h('div', { class: 'choice' }, h('label', { class: 'choice', dir: 'auto' }, input, shown)));
      return input;
    };
    this.#choices = options.map(({ value }) => choice(textIn(value), textIn(value)));
    this.#own = choice('', 'Other');
    this.#own.closest('.choice')?.parentElement?.append(this.#text);
    this.#text.addEventListener('input', () => {
      if (this.#own) this.#own.checked = this.#text.value !== '';
    });
  }

  /** @returns {string[]} nothing when there is no answer yet */
  get values() {
    const text = this.#text.value.trim();
    const hasText = text !== '' && (this.#own === null || this.#own.checked);
    const chosen = this.#choices.filter(({ checked }) => checked).map(({ value }) => value);
    return hasText ? [...chosen, text] : chosen;
  }
}

/** @implements {View} */
class StructuredInputView {
  element = h('article', { class: 'message asked' });
  /** @type {QuestionView[]} */
  #questions = [];
  #form = /** @type {HTMLFormElement} */ (h('form', { class: 'widget-card', novalidate: true, 'aria-label': 'Questions' }));
  #send = widgetButton('Send answers', true);
  #skip = widgetButton('Skip', false);
  #prefix = `input-${(widgetCount += 1)}`;
  /** @type {Item} */
  #item = { id: '', type: 'structured_input' };
  #isRunning = false;

  constructor() {
    this.#send.classList.add('main');
    this.#skip.addEventListener('click', () => this.#give('skipped'));
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      if (!this.#send.disabled) this.#give('answered');
    });
    this.#form.addEventListener('input', () => this.#allow());
  }

  /** @param {Item} item */
  update(item) {
    const isSame = JSON.stringify([item.inputs, item.status]) === JSON.stringify([this.#item.inputs, this.#item.status]);
    this.#item = item;
    // What was filled in stays when the server only says the same again.
    if (isSame) return;
    const inputs = (Array.isArray(item.inputs) ? item.inputs : []).filter(Boolean);
    if (item.status === 'pending') this.#ask(inputs);
    else this.#tell(inputs);
  }

  /** @param {any[]} inputs */
  #ask(inputs) {
    this.#questions = inputs.map((input, index) => new QuestionView(input, `${this.#prefix}-${index}`));
    const foot = h('div', { class: 'answers' }, this.#send, this.#skip);
    this.#form.replaceChildren(...this.#questions.map(({ element }) => element), foot);
    this.element.replaceChildren(this.#form);
    this.#allow();
  }

  /** @param {any[]} inputs */
  #tell(inputs) {
    this.#questions = [];
    const rows = inputs.flatMap(({ question, answer }) => {
      const values = (Array.isArray(answer?.values) ? answer.values : []).map(textIn).filter(Boolean);
      const said = values.length ? h('dd', { dir: 'auto' }, values.join(', ')) : h('dd', { class: 'aside' }, 'Skipped');
      return [h('dt', { dir: 'auto' }, textIn(question)), said];
    });
    this.element.replaceChildren(h('dl', { class: 'widget-card' }, ...rows));
  }

  /** @param {'answered' | 'skipped'} status */
  #give(status) {
    const answers = this.#questions.map((question) => {
      const values = status === 'skipped' ? [] : question.values;
      return [question.id, { values, skipped: values.length === 0 }];
    });
    const detail = { itemId: this.#item.id, input: { status, answers: Object.fromEntries(answers) } };
    this.element.dispatchEvent(new CustomEvent(INPUT_GIVEN, { bubbles: true, detail }));
  }

  /** @param {boolean} isRunning */
  settle(isRunning) {
    this.#isRunning = isRunning;
    this.#allow();
  }

  isBusy() {
    return false;
  }

  #allow() {
    this.#skip.disabled = this.#isRunning;
    this.#send.disabled = this.#isRunning || this.#questions.every(({ values }) => values.length === 0);
    for (const { element } of this.#questions) /** @type {HTMLFieldSetElement} */ (element).disabled = this.#isRunning;
  }
}

/** @type {Record<string, new (on: BranchActions) => View>} */
const VIEWS = {
  user_message: UserMessageView,
  assistant_message: AssistantMessageView,
  task: TaskView,
  workflow: WorkflowView,
  widget: WidgetView,
  structured_input: StructuredInputView,
};

// ------------------------------------------------------------------------------------ timeline

/** The items of one thread in order, each with its view; unknown kinds are remembered by nobody. */
class Timeline {
  element = h('div', { class: 'log', role: 'log', 'aria-live': 'polite', 'aria-label': 'Messages' });
  /** @type {Map<string, View>} */
  #views = new Map();
  /** @type {Set<View>} */
  #stale = new Set();
  /** What each view was last told as a whole, so that the same again costs nothing. */
  #told = new Map();
  /** @type {Map<string, Siblings>} */
  #siblings = new Map();
  #drawnVersions = '';
  #isDue = false;
  #restUntil = 0;
  #isRunning = false;

  /**
   * @param {() => void} onRender
   * @param {BranchActions} on
   */
  constructor(onRender, on) {
    this.onRender = onRender;
    this.on = on;
  }

  get isEmpty() {
    return this.element.childElementCount === 0;
  }

  /** @param {string} itemId */
  has(itemId) {
    return this.#views.has(itemId);
  }

  clear() {
    this.#views.clear();
    this.#told.clear();
    this.#stale.clear();
    this.#siblings.clear();
    this.#drawnVersions = '';
    this.element.replaceChildren();
  }

  /**
   * @param {Item} item
   * @param {{ isStreaming?: boolean }} [state]
   */
  upsert(item, { isStreaming = false } = {}) {
    const view = this.#viewOf(item);
    if (!view) return;
    const told = JSON.stringify(item);
    if (this.#told.get(item.id) !== told) view.update(item);
    this.#told.set(item.id, told);
    if (view instanceof AssistantMessageView) view.setBusy(isStreaming);
    this.#touch(view, !isStreaming);
  }

  /**
   * A question that was answered comes back under its id as an item of another kind.
   * @param {Item} item
   */
  #viewOf(item) {
    const known = this.#views.get(item.id);
    if (known?.element.dataset.type === item.type) return known;
    this.#told.delete(item.id);
    return this.#create(item, (element) => (known ? known.element.replaceWith(element) : this.element.append(element)));
  }

  /** @type {(itemId: string, update: WireEvent) => boolean} */
  change(itemId, update) {
    const view = this.#views.get(itemId);
    if (!view) return false;
    this.#told.delete(itemId);
    view.change?.(update);
    this.#touch(view);
    return true;
  }

  /** @param {string} itemId */
  remove(itemId) {
    const element = this.#views.get(itemId)?.element;
    const page = element?.closest('.page');
    element?.remove();
    if (page?.childElementCount === 0) page.remove();
    this.#views.delete(itemId);
    this.#told.delete(itemId);
    this.#siblings.delete(itemId);
  }

  /** @param {string} itemId what came after it belongs to another branch */
  removeAfter(itemId) {
    const edge = this.#views.get(itemId)?.element;
    if (!edge) return;
    for (const [id, { element }] of [...this.#views]) {
      if (edge.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_FOLLOWING) this.remove(id);
    }
    this.#drawVersions();
  }

  /** @param {string} itemId an answer, whose question is wanted */
  questionOf(itemId) {
    let isPast = false;
    for (const view of this.#newest()) {
      const { id = '' } = view.element.dataset;
      if (isPast && view instanceof UserMessageView) return id;
      isPast ||= id === itemId;
    }
    return null;
  }

  /** @param {{ feedback?: boolean, retry?: boolean }} actions */
  allowActions({ feedback, retry }) {
    this.element.toggleAttribute('data-feedback', feedback === true);
    this.element.toggleAttribute('data-retry', retry === true);
  }

  /** Only a server that has branches takes an edit. */
  allowEdits() {
    this.element.toggleAttribute('data-branches', true);
  }

  /** @param {string} messageId a user's message, or a reply whatever it consists of */
  elementOf(messageId) {
    const [itemId] = [...this.#siblings].find(([, { message_id }]) => message_id === messageId) ?? [messageId];
    return this.#views.get(itemId)?.element ?? null;
  }

  /**
   * @param {string} messageId
   * @returns {HTMLButtonElement[]} the buttons that lead from it to its other versions
   */
  stepsOf(messageId) {
    const bars = this.element.querySelectorAll('.versions');
    const bar = [...bars].find((one) => /** @type {HTMLElement} */ (one).dataset.of === messageId);
    return /** @type {HTMLButtonElement[]} */ ([...(bar?.querySelectorAll('button') ?? [])]);
  }

  /** One switcher for each message that has others in its place, below the last of its items. */
  #drawVersions() {
    if (this.#siblings.size === 0 && !this.#drawnVersions) return;
    /** @type {Map<string, { itemId: string, siblings: Siblings }>} */
    const last = new Map();
    for (const { dataset } of /** @type {NodeListOf<HTMLElement>} */ (this.element.querySelectorAll('.message[data-id]'))) {
      const siblings = this.#siblings.get(dataset.id ?? '');
      if (siblings) last.set(siblings.message_id, { itemId: dataset.id ?? '', siblings });
    }
    const wanted = JSON.stringify([...last.values()]);
    if (wanted === this.#drawnVersions) return;
    this.#drawnVersions = wanted;
    for (const drawn of this.element.querySelectorAll('.lone, .versions')) drawn.remove();
    for (const { itemId, siblings } of last.values()) {
      const view = /** @type {View} */ (this.#views.get(itemId));
      const foot = view.foot ?? h('div', { class: 'foot lone' });
      foot.append(versionSwitcher(siblings, this.on.show));
      if (!view.foot) view.element.after(foot);
    }
  }

  /** @type {(fromId: string, toId: string) => void} */
  rename(fromId, toId) {
    const view = this.#views.get(fromId);
    if (!view || this.#views.has(toId)) return this.remove(fromId);
    this.#views.delete(fromId);
    this.#views.set(toId, view);
    view.element.dataset.id = toId;
  }

  /**
   * @param {Item[]} items oldest first
   * @param {HTMLElement} [place] a page of older ones, or the timeline itself
   */
  prepend(items, place = this.element) {
    const first = place.firstChild;
    for (const item of items.filter(({ id }) => !this.#views.has(id))) {
      const view = this.#create(item, (element) => place.insertBefore(element, first));
      if (!view) continue;
      if (item.siblings) this.#siblings.set(item.id, item.siblings);
      view.update(item);
      view.render?.();
    }
    this.#drawVersions();
  }

  /**
   * Older items stand in pages, which a browser lays out and paints only when they come near the screen.
   * @param {Item[]} items oldest first
   */
  prependPage(items) {
    const page = h('div', { class: 'page' });
    this.element.prepend(page);
    this.prepend(items, page);
    if (!page.childElementCount) return page.remove();
    page.style.setProperty('contain-intrinsic-block-size', `auto ${page.offsetHeight}px`);
    page.classList.add('resting');
  }

  /**
   * Make the newest stretch of the thread equal to what the server says it is.
   * @param {Item[]} items oldest first
   * @param {boolean} hasOlder
   */
  reconcile(items, hasOlder) {
    const known = new Set(items.map(({ id }) => id));
    const oldest = items.find(({ id }) => this.#views.has(id));
    const edge = hasOlder && oldest ? this.#views.get(oldest.id)?.element : null;
    for (const [id, { element }] of [...this.#views]) {
      const isOlder = edge && element.compareDocumentPosition(edge) & Node.DOCUMENT_POSITION_FOLLOWING;
      if (!isOlder && !known.has(id)) this.remove(id);
    }
    for (const item of items) {
      this.upsert(item);
      if (item.siblings) this.#siblings.set(item.id, item.siblings);
      else this.#siblings.delete(item.id);
    }
    this.#sort(items.map(({ id }) => id).filter((id) => this.#views.has(id)));
    this.#drawVersions();
  }

  /** @param {string[]} ids the order of the last items */
  #sort(ids) {
    const shown = [...this.element.querySelectorAll('.message[data-id]')].slice(-ids.length);
    const isSorted = shown.every((element, index) => /** @type {HTMLElement} */ (element).dataset.id === ids[index]);
    if (!isSorted) this.element.append(...ids.map((id) => /** @type {View} */ (this.#views.get(id)).element));
  }

  /** @param {HTMLElement} element something that is shown but not part of the thread */
  addNote(element) {
    element.dataset.note = '';
    this.element.append(element);
  }

  clearNotes() {
    for (const note of this.element.querySelectorAll('[data-note]')) note.remove();
  }

  /** @param {boolean} isStale newer messages are kept on the server, which cannot show them yet */
  setStale(isStale) {
    this.element.querySelector('[data-stale]')?.remove();
    if (!isStale) return;
    const text = 'This conversation may be out of date: newer messages are kept, but cannot be shown yet.';
    this.addNote(h('p', { class: 'aside', role: 'note', 'data-stale': '' }, text));
  }

  /** @param {boolean} isRunning */
  setRunning(isRunning) {
    this.#isRunning = isRunning;
    this.element.toggleAttribute('data-running', isRunning);
    for (const view of this.#views.values()) view.settle?.(isRunning);
  }

  get lastUserMessageId() {
    for (const view of this.#newest()) if (view instanceof UserMessageView) return view.element.dataset.id ?? null;
    return null;
  }

  get lastView() {
    return this.#newest().next().value ?? null;
  }

  /** From the end on, so that what is old costs nothing. @returns {Generator<View, undefined>} */
  *#newest() {
    for (let at = this.element.lastElementChild; at; at = at.previousElementSibling) {
      for (const place of at.classList.contains('page') ? [...at.children].reverse() : [at]) {
        const view = this.#views.get(/** @type {HTMLElement} */ (place).dataset.id ?? '');
        if (view) yield view;
      }
    }
  }

  get endsUnanswered() {
    return this.lastView instanceof UserMessageView;
  }

  /** Nothing on the screen tells that the assistant is at work. */
  get isQuiet() {
    let isLast = true;
    for (const view of this.#newest()) {
      if (view instanceof UserMessageView) return true;
      if ((isLast || !(view instanceof AssistantMessageView)) && view.isBusy()) return false;
      isLast = false;
    }
    return true;
  }

  /** @type {(item: Item, place: (element: HTMLElement) => void) => View | null} */
  #create(item, place) {
    const View = Object.hasOwn(VIEWS, item.type) ? VIEWS[item.type] : null;
    if (!View) return null;
    const view = new View(this.on);
    view.element.dataset.id = item.id;
    view.element.dataset.type = item.type;
    view.settle?.(this.#isRunning);
    this.#views.set(item.id, view);
    place(view.element);
    return view;
  }

  /** @type {(view: View, isFinal?: boolean) => void} */
  #touch(view, isFinal = false) {
    this.#stale.add(view);
    if (this.#isDue && !isFinal) return;
    this.#isDue = true;
    const draw = () => requestAnimationFrame(() => this.#draw());
    const rest = this.#restUntil - performance.now();
    if (rest > 0 && !isFinal) setTimeout(draw, rest);
    else draw();
  }

  #draw() {
    const start = performance.now();
    this.#isDue = false;
    for (const stale of this.#stale) stale.render?.();
    this.#stale.clear();
    this.onRender();
    // A huge block is drawn less often, so that most of the time stays for the person reading it.
    const took = performance.now() - start;
    this.#restUntil = start + Math.max(timings.drawPause * 1000, took > SLOW_DRAW_MILLISECONDS ? 5 * took : 0);
  }
}

// ------------------------------------------------------------------------------------- element

const Base = globalThis.HTMLElement ?? /** @type {typeof HTMLElement} */ (class {});

/** @typedef {{ stream: ReplyStream, abort: AbortController, canStop: boolean, isOpen: boolean, isStopping: boolean, hasFailed: boolean, call: Item | null, hasEnded: boolean }} Reply call: what the page is to carry out before the reply goes on */
/** @typedef {{ pendingId?: string, text?: string, files?: Attachment[], quoted?: string, branchFrom?: string, replacing?: string, isForked?: boolean, again?: () => void }} Sent a message on its way, what it forks after or takes the place of, and how to send it again */

export class OpenAIChatKit extends Base {
  /** @type {Record<string, any>} */
  #options = {};
  #connection = new Connection(() => this.#api());
  #timeline = new Timeline(() => this.#afterRender(), {
    edit: (item, text) => this.#sendEdit(item, text),
    retry: (itemId) => void this.#answerAgain(itemId),
    show: (messageId) => void this.#showVersion(messageId),
    log: (name, data) => this.#log(name, data),
  });
  #attached = new AttachmentTray({
    upload: (file, signal, progress) => this.#connection.upload(file, signal, progress),
    remove: (id) => void this.#connection.deleteAttachment(id).catch((error) => this.#log('attachment.kept', { error: String(error) })),
    changed: () => this.#composer?.refresh(),
  });
  #composer = new Composer(this.#attached, {
    send: (text) => this.#sendText(text),
    stop: () => this.#stop(),
    toolChanged: (toolId) => this.#emit('tool.change', { toolId }),
  });
  #header = new Header({
    history: () => void this.#toggleHistory(),
    fresh: () => this.#open(null).then(() => this.#composer.focus()),
    act: (action) => void this.#callPage('header', () => action.onClick()),
  });
  #history = new HistoryPanel(this.#connection, {
    open: (thread) => void this.#openFromHistory(thread),
    close: () => void this.hideHistory(),
    renamed: (thread) => this.#acceptThread(thread),
    deleted: (threadId) => threadId === this.#threadId && void this.#open(null),
    failed: (error) => this.#emit('error', { error }),
  });
  /** What is known of the titles of threads. @type {Map<string, string>} */
  #titles = new Map();
  /** @type {string | null} */
  #threadId = null;
  #hasThread = false;
  /** @type {string | null} the branch that is shown, as far as the server has told */
  #branchId = null;
  /** @type {string | null} */
  #olderCursor = null;
  #isLoadingOlder = false;
  /** @type {string | null} */
  #wantedThreadId = null;
  /** @type {string | null} */
  #goneRunId = null;
  #session = new AbortController();
  /** The session whose thread is being read, as long as it is. @type {AbortSignal | null} */
  #loading = null;
  /** @type {Reply | null} */
  #reply = null;
  #progress = '';
  /** @type {'held' | 'due' | 'sent'} */
  #ready = 'held';
  #hasReadyListener = false;
  #sticksToBottom = true;
  #refreshedAt = 0;
  #unwatch = new AbortController();
  #darkMode = globalThis.matchMedia?.('(prefers-color-scheme: dark)');

  #frame = h('div', { class: 'frame', part: 'frame' });
  #scroller = h('div', { class: 'scroller', role: 'region', 'aria-label': 'Conversation', tabindex: '0' });
  #status = h('div', { class: 'status', role: 'status' });
  #start = h('section', { class: 'start', 'aria-label': 'Start' });
  #latest = h('button', { class: 'latest', type: 'button', 'aria-label': 'Jump to the latest message' }, icon('down'));
  #disclaimer = h('div', { class: 'disclaimer' });

  constructor() {
    super();
    this.attachShadow({ mode: 'open' }).adoptedStyleSheets = [sheet()];
    const column = h('div', { class: 'column' }, this.#timeline.element, this.#status);
    this.#scroller.append(this.#start, column);
    this.#frame.append(this.#header.element, this.#scroller, this.#latest, this.#composer.element, this.#disclaimer, this.#history.element);
    this.shadowRoot?.append(this.#frame);
    this.#frame.addEventListener(DEEPLINK_CLICK, (event) => this.#emit('deeplink', /** @type {CustomEvent} */ (event).detail));
    this.#frame.addEventListener('keydown', (event) => event.key === 'Escape' && void this.hideHistory());
    this.#frame.addEventListener('dragover', (event) => this.#attached.isEnabled && event.preventDefault());
    this.#frame.addEventListener('drop', (event) => this.#onDrop(event));
    this.#scroller.addEventListener('scroll', () => this.#onScroll(), { passive: true });
    this.#latest.addEventListener('click', () => this.#scrollToEnd());
    this.#timeline.element.addEventListener('feedback', (event) => void this.#giveFeedback(event));
    this.#timeline.element.addEventListener(INPUT_GIVEN, (event) => void this.#giveInput(/** @type {CustomEvent} */ (event).detail));
    this.#timeline.element.addEventListener(WIDGET_ACTION, (event) => void this.#onWidgetAction(/** @type {CustomEvent} */ (event).detail));
    this.#applyOptions();
  }

  // -- contract: members

  /**
   * Replaces all options; never throws. What cannot be used is ignored and told by `chatkit.log`.
   * @param {Record<string, any>} options
   */
  setOptions(options) {
    try {
      const isUsable = options !== null && typeof options === 'object';
      if (!isUsable) this.#log('options.invalid', { received: typeof options });
      this.#options = isUsable ? { ...options } : {};
      this.#applyOptions();
      this.#openInitialThread();
    } catch (error) {
      this.#log('options.invalid', { error: String(error) });
    }
  }

  async focusComposer() {
    this.#composer.focus();
  }

  /** @param {string | null} threadId */
  async setThreadId(threadId) {
    const wanted = threadId || null;
    if (!this.#hasApi) {
      this.#wantedThreadId = wanted;
      return;
    }
    void this.hideHistory();
    const isFresh = wanted !== null || this.#timeline.isEmpty;
    if (this.#hasThread && wanted === this.#threadId && isFresh) return;
    await this.#open(wanted);
  }

  /**
   * Sends a message; resolves when the server has taken it or the failure is on the screen.
   * @param {{ text?: string, content?: ContentPart[], reply?: string, attachments?: Attachment[], newThread?: boolean, toolChoice?: { id: string }, model?: string }} message
   */
  async sendUserMessage({ text = '', content, reply, attachments = [], newThread, toolChoice, model } = {}) {
    const parts = content ?? [{ type: 'input_text', text }];
    const length = parts.reduce((sum, part) => sum + characters(part.text ?? ''), 0);
    if (length === 0) throw new Error('A message needs text: pass {text} or {content}.');
    if (length > MAX_MESSAGE_CHARACTERS) {
      throw new Error(`A message holds at most ${MAX_MESSAGE_CHARACTERS} characters, this one has ${length}.`);
    }
    if (newThread) await this.setThreadId(null);
    this.#refuseWhileBusy();
    const input = {
      content: parts,
      ...(reply && { quoted_text: reply }),
      inference_options: inferenceOptions(model ?? this.#composer.modelId, toolChoice?.id ?? null),
    };
    await this.#send(input, attachments);
  }

  /**
   * Fills in what is given and leaves the rest of the composer as it is.
   * @param {{ text?: string, content?: ContentPart[], reply?: string, attachments?: Attachment[], files?: File[], selectedToolId?: string | null, selectedModelId?: string }} value
   */
  async setComposerValue({ text, content, reply, attachments, files, selectedToolId, selectedModelId } = {}) {
    this.#composer.select({ modelId: selectedModelId, toolId: selectedToolId });
    if (attachments !== undefined) this.#attached.replace(attachments);
    if (files !== undefined) this.#attached.add([...files]);
    if (reply !== undefined) this.#composer.quoted = reply ?? '';
    if (text !== undefined) this.#composer.value = text;
    else if (content !== undefined) this.#composer.value = content.map((part) => part.text ?? '').join('');
  }

  /** Asks the server for what is new in the open thread. */
  async fetchUpdates() {
    this.#refuseWhileBusy();
    await this.#refresh();
    if (this.#threadId !== null) await this.#learnThread(this.#threadId, this.#session.signal);
  }

  /** As the contract's methods do; what people press waits or is not there to be pressed. */
  #refuseWhileBusy() {
    if (this.#reply) throw new Error('A reply is still running. Stop it or wait for its end.');
    if (this.#loading && !this.#loading.aborted) throw new Error('The conversation is still being loaded. Wait for chatkit.thread.load.end.');
  }

  async #refresh() {
    const threadId = this.#threadId;
    const { signal } = this.#session;
    if (threadId === null || this.#reply) return;
    this.#refreshedAt = performance.now();
    const page = await this.#connection.listItems(threadId, null, signal);
    if (signal.aborted || this.#reply) return;
    this.#setBranch(page);
    const isApart = page.has_more && !page.data.some(({ id }) => this.#timeline.has(id));
    if (isApart) return this.#show(page, true);
    this.#timeline.reconcile(page.data.reverse(), page.has_more);
    this.#timeline.setStale(page.isStale);
    this.#render();
    if (page.runId) void this.#resume(page.runId);
    else this.#offerCall(page.data.at(-1));
  }

  /**
   * @param {{ type: string, payload?: Record<string, unknown> }} action
   * @param {string} [itemId]
   */
  async sendCustomAction(action, itemId) {
    if (this.#threadId === null) throw new Error('A custom action needs an open thread.');
    this.#refuseWhileBusy();
    const params = { thread_id: this.#threadId, action, ...(itemId && { item_id: itemId }) };
    await this.#request({ type: 'threads.custom_action', params });
  }

  /** @param {{ itemId: string, input: object }} given */
  async #giveInput({ itemId, input }) {
    if (this.#threadId === null || this.#reply) return;
    this.#scroller.focus({ preventScroll: true });
    const params = { thread_id: this.#threadId, item_id: itemId, input };
    await this.#request({ type: 'threads.add_structured_input', params });
  }

  /** @param {{ action: any, item: Item, finished: () => void }} acted */
  async #onWidgetAction({ action, item, finished }) {
    const { type, payload, handler, streaming } = action;
    try {
      if (handler === 'client') await this.#options.widgets?.onAction?.({ type, payload }, { id: item.id, widget: item.widget });
      else if (streaming === false) await this.#actInPlace({ type, payload }, item.id);
      else {
        // The button that was pressed goes away, and the focus with it.
        this.#scroller.focus({ preventScroll: true });
        await this.sendCustomAction({ type, payload }, item.id);
      }
    } catch (error) {
      this.#fail(error, null);
    } finally {
      finished();
    }
  }

  /** @type {(action: { type: string, payload?: any }, itemId: string) => Promise<void>} */
  async #actInPlace(action, itemId) {
    const threadId = this.#threadId;
    if (threadId === null) return;
    const updated = await this.#connection.act(threadId, itemId, action, this.#session.signal);
    if (updated && threadId === this.#threadId) this.#timeline.upsert(updated);
  }

  async showHistory() {
    if (!this.#hasHistory) throw new Error('The history is switched off. Set history.enabled to show it.');
    if (this.#history.isOpen) return;
    const loaded = this.#history.open(this.#threadId);
    this.#setHistoryShown(true);
    this.#emit('history.open');
    await loaded;
  }

  async hideHistory() {
    if (!this.#history.isOpen) return;
    this.#setHistoryShown(false);
    if (!this.#history.close()) this.#composer.focus();
    this.#emit('history.close');
  }

  get #hasHistory() {
    return this.#options.history?.enabled !== false;
  }

  #toggleHistory() {
    return this.#history.isOpen ? this.hideHistory() : this.showHistory();
  }

  /** What the panel covers is neither read out nor reached by Tab. @param {boolean} isShown */
  #setHistoryShown(isShown) {
    this.#header.setExpanded(isShown);
    for (const part of [this.#scroller, this.#latest, this.#composer.element, this.#disclaimer]) part.inert = isShown;
  }

  /** @param {Thread} thread */
  async #openFromHistory(thread) {
    if (thread.title) this.#titles.set(thread.id, thread.title);
    await this.hideHistory();
    this.#composer.focus();
    await this.setThreadId(thread.id);
  }

  /**
   * @param {string} type
   * @param {any} listener
   * @param {boolean | AddEventListenerOptions} [options]
   */
  addEventListener(type, listener, options) {
    super.addEventListener(type, listener, options);
    if (type !== 'chatkit.ready') return;
    this.#hasReadyListener = true;
    queueMicrotask(() => this.#announceReady());
  }

  // -- life in the document

  connectedCallback() {
    this.#unwatch = new AbortController();
    const { signal } = this.#unwatch;
    this.#darkMode?.addEventListener('change', () => this.#applyTheme(), { signal });
    document.addEventListener('visibilitychange', () => this.#onVisible(), { signal });
    const observer = new ResizeObserver(() => this.#afterRender());
    observer.observe(this.#scroller);
    signal.addEventListener('abort', () => observer.disconnect());
    this.#becomeReady();
    if (this.#hasThread && this.#session.signal.aborted) void this.#open(this.#threadId);
    else this.#openInitialThread();
  }

  disconnectedCallback() {
    this.#unwatch.abort();
    // A move within the document reconnects at once and keeps the reply.
    queueMicrotask(() => !this.isConnected && this.#session.abort());
  }

  #becomeReady() {
    if (this.#ready !== 'held') return;
    this.#ready = 'due';
    if (this.#hasReadyListener) queueMicrotask(() => this.#announceReady());
    else setTimeout(() => this.#announceReady(), timings.readyHold * 1000);
  }

  #announceReady() {
    if (this.#ready !== 'due') return;
    this.#ready = 'sent';
    this.#emit('ready');
  }

  get #hasApi() {
    return typeof this.#options.api?.url === 'string';
  }

  #openInitialThread() {
    if (this.#hasThread || !this.isConnected || !this.#hasApi) return;
    const wanted = this.#wantedThreadId ?? this.#options.initialThread;
    this.#hasThread = true;
    if (typeof wanted === 'string' && wanted) void this.#open(wanted);
  }

  async #onVisible() {
    const isDue = performance.now() - this.#refreshedAt > timings.refreshOnFocus * 1000;
    if (document.visibilityState !== 'visible' || !isDue) return;
    await this.#refresh().catch((error) => this.#log('refresh.failed', { error: String(error) }));
  }

  // -- threads

  /** @param {string | null} threadId */
  async #open(threadId) {
    this.#session.abort();
    this.#session = new AbortController();
    this.#reply = null;
    this.#timeline.clear();
    this.#olderCursor = null;
    this.#branchId = null;
    this.#composer.lock(null);
    this.#sticksToBottom = true;
    this.#setThread(threadId);
    this.#render();
    if (threadId !== null) await this.#load(threadId, this.#session.signal);
  }

  /** @param {string | null} threadId */
  #setThread(threadId) {
    const isChange = !this.#hasThread || threadId !== this.#threadId;
    this.#hasThread = true;
    this.#threadId = threadId;
    this.#renderTitle();
    if (isChange) this.#emit('thread.change', { threadId });
  }

  /**
   * @param {string} threadId
   * @param {AbortSignal} signal
   * @param {boolean} [isAgain] what is shown is to be replaced
   */
  async #load(threadId, signal, isAgain = false) {
    this.#emit('thread.load.start', { threadId });
    this.#loading = signal;
    this.#say('Loading the conversation…');
    try {
      const page = await this.#connection.listItems(threadId, null, signal);
      if (signal.aborted) return;
      this.#say('');
      this.#show(page, isAgain);
      if (this.#header.showsThreadTitle && !this.#titles.has(threadId)) void this.#learnThread(threadId, signal);
    } catch (error) {
      if (signal.aborted) return;
      this.#say('');
      const canRetry = !(error instanceof ChatError) || error.isWorthRetrying;
      this.#fail(error, canRetry ? { label: 'Try again', run: () => void this.#open(threadId) } : null);
    } finally {
      if (this.#loading === signal) this.#loading = null;
      this.#emit('thread.load.end', { threadId });
    }
  }

  /** @type {(page: ItemPage, isAgain: boolean) => void} */
  #show(page, isAgain) {
    this.#refreshedAt = performance.now();
    this.#setBranch(page);
    if (isAgain) this.#timeline.clear();
    this.#timeline.setRunning(this.#reply !== null || page.runId !== null);
    this.#timeline.prepend(page.data.reverse());
    this.#timeline.setStale(page.isStale);
    this.#olderCursor = page.has_more ? page.after : null;
    if (this.#reply === null) {
      if (page.runId) void this.#resume(page.runId);
      else if (!this.#offerCall(page.data.at(-1))) this.#offerReply('This message has no reply yet.');
    }
    this.#render();
    this.#scrollToEnd();
    this.#fillTop();
  }

  /** @param {ItemPage} page */
  #setBranch({ branchId }) {
    this.#branchId = branchId;
    if (branchId !== null) this.#timeline.allowEdits();
  }

  /**
   * Goes to another version of a message or reply, and keeps that where it is on the screen.
   * @param {string} messageId
   */
  async #showVersion(messageId) {
    const threadId = this.#threadId;
    const { signal } = this.#session;
    if (threadId === null || this.#reply) return;
    const focused = /** @type {HTMLElement | null} */ (this.shadowRoot?.activeElement);
    const top = focused?.getBoundingClientRect().top ?? 0;
    const label = focused?.getAttribute('aria-label');
    this.#timeline.clearNotes();
    this.#sticksToBottom = false;
    try {
      await this.#connection.showBranch(threadId, messageId, signal);
      await this.#refresh();
      while (!this.#timeline.elementOf(messageId) && this.#olderCursor !== null && !signal.aborted) await this.#loadOlder();
    } catch (error) {
      if (!signal.aborted) this.#fail(error, null);
      return;
    }
    const steps = this.#timeline.stepsOf(messageId);
    const wanted = steps.find((step) => step.getAttribute('aria-label') === label && !('end' in step.dataset));
    const step = wanted ?? steps.find((other) => !('end' in other.dataset));
    step?.focus({ preventScroll: true });
    if (step) this.#scroller.scrollTop += step.getBoundingClientRect().top - top;
  }

  /** @param {DragEvent} event */
  #onDrop(event) {
    const files = [...(event.dataTransfer?.files ?? [])];
    if (!files.length || !this.#attached.isEnabled) return;
    event.preventDefault();
    this.#attached.add(files);
  }

  #fillTop() {
    if (this.#scroller.scrollTop < LOAD_OLDER_PIXELS) void this.#loadOlder();
  }

  async #loadOlder() {
    const threadId = this.#threadId;
    const { signal } = this.#session;
    if (threadId === null || this.#olderCursor === null || this.#isLoadingOlder) return;
    this.#isLoadingOlder = true;
    try {
      const page = await this.#connection.listItems(threadId, this.#olderCursor, signal);
      if (signal.aborted) return;
      const { scrollHeight, scrollTop } = this.#scroller;
      this.#timeline.element.setAttribute('aria-busy', 'true');
      this.#timeline.prependPage(page.data.reverse());
      this.#scroller.scrollTop = scrollTop + this.#scroller.scrollHeight - scrollHeight;
      this.#olderCursor = page.has_more ? page.after : null;
    } catch (error) {
      if (!signal.aborted) this.#log('older.failed', { error: String(error) });
      return;
    } finally {
      this.#timeline.element.removeAttribute('aria-busy');
      this.#isLoadingOlder = false;
    }
    this.#fillTop();
  }

  // -- sending

  /** @param {string} text */
  async #sendText(text) {
    const content = [{ type: 'input_text', text }];
    await this.#send({ content, ...this.#composer.takeAlong() }, this.#attached.take());
  }

  /**
   * @param {{ content: ContentPart[], [field: string]: any }} about
   * @param {Attachment[]} files
   */
  async #send(about, files) {
    const input = { ...about, attachments: files.map(({ id }) => id) };
    void this.hideHistory();
    if (this.#threadId === null) this.#setThread(null);
    const pendingId = `pending-${newId()}`;
    this.#timeline.clearNotes();
    this.#timeline.upsert({ id: pendingId, type: 'user_message', ...input, attachments: files });
    this.#sticksToBottom = true;
    const operation =
      this.#threadId === null
        ? { type: 'threads.create', params: { input } }
        : this.#messageOperation(this.#threadId, input, this.#branchId ? { branch_id: this.#branchId } : null);
    const text = about.content.map((part) => part.text ?? '').join('');
    await this.#request(operation, { pendingId, files, text, quoted: about.quoted_text });
  }

  /** @type {(threadId: string, input: object, metadata: object | null) => Operation} */
  #messageOperation(threadId, input, metadata) {
    const params = { thread_id: threadId, input };
    return { type: 'threads.add_user_message', params, ...(metadata && { metadata }) };
  }

  /** @type {(item: Item, text: string) => void} */
  #sendEdit(item, text) {
    if (this.#threadId === null || this.#reply) return;
    const input = {
      content: [{ type: 'input_text', text }],
      attachments: (item.attachments ?? []).map((/** @type {any} */ file) => file.id),
      ...(item.quoted_text && { quoted_text: item.quoted_text }),
      inference_options: { ...item.inference_options, ...inferenceOptions(this.#composer.modelId, null) },
    };
    this.#sticksToBottom = true;
    void this.#request(this.#messageOperation(this.#threadId, input, { edited_item_id: item.id }), { replacing: item.id });
  }

  /** @param {string} itemId an answer; what it answers may stand further up than was loaded */
  async #answerAgain(itemId) {
    while (this.#timeline.questionOf(itemId) === null && this.#olderCursor !== null) await this.#loadOlder();
    const questionId = this.#timeline.questionOf(itemId);
    if (questionId === null || this.#threadId === null || this.#reply) return;
    this.#sticksToBottom = true;
    this.#retryAfter(questionId);
  }

  /**
   * Runs a streaming operation to its first answer and follows the rest in the background.
   * @param {Operation} operation
   * @param {Sent} [sent]
   * @param {string} [idempotencyKey] the same one when the same send is tried again
   */
  async #request(operation, sent = {}, idempotencyKey = newId()) {
    const { reply, taken } = this.#begin();
    const again = () => void this.#request(operation, sent, idempotencyKey);
    const open = () => this.#connection.openStream(operation, idempotencyKey, reply.abort.signal);
    void this.#follow(reply, open, { ...sent, again });
    await taken;
  }

  /** @param {string} itemId */
  #retryAfter(itemId) {
    const params = { thread_id: this.#threadId, item_id: itemId };
    void this.#request({ type: 'threads.retry_after_item', params }, { branchFrom: itemId });
  }

  /** @param {string} runId */
  async #resume(runId) {
    const { reply } = this.#begin();
    reply.stream.runId = runId;
    reply.isOpen = true;
    await this.#follow(reply, () => this.#connection.resumeStream(runId, null, reply.abort.signal));
  }

  /** @param {ReplyStream} stream */
  async #reconnect(stream) {
    const { reply } = this.#begin(stream);
    reply.isOpen = true;
    await this.#follow(reply, () => stream.reopen());
  }

  /**
   * @param {ReplyStream} [stream] continues this one
   * @returns {{ reply: Reply, taken: Promise<void> }}
   */
  #begin(stream) {
    const abort = new AbortController();
    this.#session.signal.addEventListener('abort', () => abort.abort(), { signal: abort.signal });
    /** @type {() => void} */
    let take = () => {};
    const taken = /** @type {Promise<void>} */ (new Promise((done) => (take = () => done())));
    abort.signal.addEventListener('abort', take);
    const listener = {
      opened: () => {
        this.#say('');
        reply.isOpen = true;
        if (followed.runId !== null) this.#timeline.allowEdits();
        take();
        if (reply.isStopping) void this.#stopRun(reply);
      },
      lost: () => this.#say('Connection lost. Reconnecting…'),
      log: (/** @type {string} */ name, /** @type {object} */ data) => this.#log(name, data),
    };
    const followed = stream ?? new ReplyStream(this.#connection);
    followed.start(abort.signal, listener);
    /** @type {Reply} */
    const reply = { stream: followed, abort, canStop: true, isOpen: false, isStopping: false, hasFailed: false, call: null, hasEnded: false };
    this.#reply = reply;
    this.#timeline.clearNotes();
    this.#timeline.setRunning(true);
    this.#emit('response.start');
    this.#render();
    if (this.#sticksToBottom) this.#scrollToEnd();
    return { reply, taken };
  }

  /** @type {(reply: Reply, open: (() => Promise<Response>) | null, sent?: Sent) => Promise<void>} */
  async #follow(reply, open, sent = {}) {
    try {
      for await (const event of open ? reply.stream.events(open) : []) {
        if (reply !== this.#reply) return;
        this.#adopt(event, sent);
        this.#accept(event, reply);
      }
      reply.hasEnded = true;
      if (reply.call && !reply.isStopping) await this.#answerCall(reply, reply.call);
      if (reply !== this.#reply) return;
      this.#close(reply);
      if (sent.branchFrom ?? sent.replacing) await this.#refresh().catch((error) => this.#log('refresh.failed', { error: String(error) }));
      if (reply.isStopping) this.#noteStopped();
      else if (!reply.hasFailed) this.#offerReply('No reply came.');
    } catch (error) {
      const isCurrent = reply === this.#reply;
      this.#close(reply);
      if (!isCurrent) return;
      if (reply.isStopping && isAbort(error)) this.#noteStopped();
      else if (!isAbort(error)) this.#giveUp(error, reply, sent);
    }
  }

  /**
   * Has the page carry out what the server asked it for, in one of the tabs that follow the reply;
   * the outcome is sent, and the reply goes on. One that was stopped meanwhile is left as it is.
   * @type {(reply: Reply, call: Item) => Promise<void>}
   */
  async #answerCall(reply, call) {
    let isOurs = false;
    await inOneTab(call.id, reply.abort.signal, async () => {
      isOurs = await this.#stillWaits(call, reply.abort.signal);
      if (!isOurs) return;
      const result = await this.#carryOut(call, reply.abort.signal);
      if (reply.abort.signal.aborted) return;
      this.#close(reply);
      await this.#request({ type: 'threads.add_client_tool_output', params: { thread_id: this.#threadId, result } });
    });
    if (isOurs || reply.abort.signal.aborted) return;
    this.#close(reply);
    await this.#refresh();
  }

  /** A tab that was quicker may have answered. @type {(call: Item, signal: AbortSignal) => Promise<boolean>} */
  async #stillWaits(call, signal) {
    const page = await this.#connection.listItems(/** @type {string} */ (this.#threadId), null, signal);
    return page.data.some((item) => item.id === call.id && isWaitingCall(item));
  }

  /** A failure is an outcome too: the reply goes on and can tell it. @type {(call: Item, signal: AbortSignal) => Promise<object>} */
  async #carryOut({ name, arguments: params }, signal) {
    const { onClientTool } = this.#options;
    try {
      if (typeof onClientTool !== 'function') throw new Error(`This page carries out no tools, so not "${name}" either.`);
      const result = await within(timings.clientTool, onClientTool.call(this.#options, { name, params: params ?? {} }), signal);
      return JSON.parse(JSON.stringify(result ?? {}));
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (!signal.aborted) this.#emit('error', { error: new Error(`The client tool "${name}" failed: ${message}`) });
      return { error: message };
    }
  }

  /** A call that nobody has answered, perhaps for days: only people know whether it still should be. @param {Item | undefined} call */
  #offerCall(call) {
    if (!call || !isWaitingCall(call)) return false;
    const run = () => {
      const { reply } = this.#begin();
      reply.call = call;
      void this.#follow(reply, null);
    };
    this.#timeline.clearNotes();
    this.#timeline.addNote(h('div', { class: 'aside' }, `This reply waits for “${call.name}”.`, actionButton({ label: 'Continue', run })));
    return true;
  }

  /**
   * The message on the screen becomes the one the server has stored; a retry replaces what it had got.
   * @type {(event: WireEvent, sent: Sent) => void}
   */
  #adopt(event, sent) {
    const { pendingId, branchFrom, replacing } = sent;
    if (!sent.isForked && (branchFrom ?? replacing)) {
      sent.isForked = true;
      this.#branchId = null;
      this.#timeline.removeAfter(branchFrom ?? replacing ?? '');
      if (replacing) this.#timeline.remove(replacing);
    }
    if (pendingId && event.item?.type === 'user_message') this.#timeline.rename(pendingId, event.item.id);
  }

  /** @param {Reply} reply */
  #close(reply) {
    if (this.#reply === reply) {
      this.#reply = null;
      this.#progress = '';
      this.#say('');
      this.#timeline.setRunning(false);
    }
    reply.abort.abort();
    this.#emit('response.end');
    this.#render();
  }

  /** @type {(error: unknown, reply: Reply, sent: Sent) => void} */
  #giveUp(error, reply, sent) {
    const { runId } = reply.stream;
    if (reply.isOpen && runId !== null) return this.#giveUpRun(error, reply.stream);
    if (reply.isOpen) {
      const threadId = this.#threadId;
      return this.#fail(error, { label: 'Reload', run: () => void this.#open(threadId) });
    }
    const canRetry = sent.again && (!(error instanceof ChatError) || error.isWorthRetrying);
    if (!canRetry && sent.pendingId) {
      this.#timeline.remove(sent.pendingId);
      this.#composer.restore(sent.text ?? '', sent.quoted ?? '');
      this.#attached.put(sent.files ?? []);
    }
    this.#fail(error, canRetry ? { label: 'Retry', run: () => sent.again?.() } : null);
    if (error instanceof ChatError && error.status === 409) void this.#refresh().catch(() => {});
  }

  /** @type {(error: unknown, stream: ReplyStream) => void} */
  #giveUpRun(error, stream) {
    const isGone = error instanceof ChatError && (error.status === 404 || error.status === 410);
    if (!isGone) return this.#fail(error, { label: 'Reconnect', run: () => void this.#reconnect(stream) });
    const threadId = this.#threadId;
    const isGoneAgain = this.#goneRunId === stream.runId;
    this.#goneRunId = stream.runId;
    this.#log('run.gone', { runId: stream.runId });
    if (isGoneAgain || threadId === null) {
      return this.#fail(error, { label: 'Reload', run: () => void this.#open(threadId) });
    }
    void this.#load(threadId, this.#session.signal, true);
  }

  /** @param {Event} event */
  async #giveFeedback(event) {
    const { kind, isUndo, failed } = /** @type {CustomEvent} */ (event).detail;
    const message = /** @type {HTMLElement} */ (event.target).closest('[data-id]');
    const itemId = /** @type {HTMLElement} */ (message).dataset.id ?? '';
    if (this.#threadId === null) return failed();
    try {
      await this.#connection.giveFeedback(this.#threadId, itemId, kind, isUndo);
      this.#log('feedback.given', { itemId, kind, isUndo });
    } catch (error) {
      failed();
      this.#fail(error, null);
    }
  }

  async #stop() {
    const reply = this.#reply;
    if (!reply || reply.isStopping) return;
    reply.isStopping = true;
    this.#render();
    if (reply.hasEnded) return reply.abort.abort();
    if (reply.stream.runId !== null) await this.#stopRun(reply);
  }

  /** @param {Reply} reply */
  async #stopRun(reply) {
    if (reply.stream.runId === null) return reply.abort.abort();
    try {
      await this.#connection.stopRun(reply.stream.runId);
    } catch (error) {
      reply.isStopping = false;
      this.#fail(error, { label: 'Stop', run: () => void this.#stop() });
    }
    this.#render();
  }

  // -- what the server says

  /** @type {(event: WireEvent, reply: Reply) => void} */
  #accept(event, reply) {
    try {
      this.#dispatch(event, reply);
    } catch (error) {
      this.#log('event.failed', { type: event?.type, error: String(error) });
    }
    // Deltas are drawn once per frame, and the status with them.
    if (event?.type !== 'thread.item.updated') this.#renderStatus();
  }

  /** @type {(event: WireEvent, reply: Reply) => void} */
  #dispatch(event, reply) {
    switch (event.type) {
      case 'thread.created':
        if (this.#threadId === null) this.#setThread(event.thread.id);
        return this.#acceptThread(event.thread);
      case 'thread.updated':
        return this.#acceptThread(event.thread);
      case 'thread.item.added':
      case 'thread.item.done':
      case 'thread.item.replaced':
        this.#progress = '';
        if (isWaitingCall(event.item)) reply.call = event.item;
        return this.#timeline.upsert(event.item, { isStreaming: event.type === 'thread.item.added' });
      case 'thread.item.updated':
        this.#progress = '';
        return void this.#timeline.change(event.item_id, event.update);
      case 'thread.item.removed':
        return this.#timeline.remove(event.item_id);
      case 'stream_options':
        reply.canStop = event.stream_options?.allow_cancel !== false;
        return this.#render();
      case 'progress_update':
        this.#progress = String(event.text ?? '');
        return;
      case 'client_effect':
        return this.#emit('effect', { name: event.name, data: event.data ?? {} });
      case 'notice':
        return this.#timeline.addNote(noticeBubble(event));
      case 'error':
        reply.hasFailed = true;
        return this.#failReply(event);
      default:
        this.#log('event.unknown', { type: event?.type });
    }
  }

  /** Its title, and whether it is locked: the pages of items do not tell. @type {(threadId: string, signal: AbortSignal) => Promise<void>} */
  async #learnThread(threadId, signal) {
    try {
      const thread = await this.#connection.getThread(threadId, signal);
      if (!signal.aborted) this.#acceptThread(thread);
    } catch (error) {
      if (!signal.aborted) this.#log('thread.unknown', { threadId, error: String(error) });
    }
  }

  /** @param {Thread} thread */
  #acceptThread(thread) {
    if (thread.title) this.#titles.set(thread.id, thread.title);
    if (thread.id !== this.#threadId) return;
    this.#renderTitle();
    const { type, reason } = thread.status ?? {};
    const isShut = type === 'locked' || type === 'closed';
    this.#composer.lock(isShut ? reason || `This conversation is ${type}.` : null);
    this.#log('thread.updated', { threadId: thread.id, title: thread.title ?? null });
  }

  /** @param {WireEvent} event */
  #failReply(event) {
    const message = event.message || 'Something went wrong while answering.';
    const itemId = this.#timeline.lastUserMessageId;
    const canRetry = event.allow_retry === true && itemId !== null && this.#threadId !== null;
    this.#fail(new ChatError(message, { status: 500 }), canRetry ? { label: 'Retry', run: () => this.#retryAfter(itemId) } : null);
  }

  /** @type {(error: unknown, action: Action | null) => void} */
  #fail(error, action) {
    const shown = error instanceof Error ? error : new Error(String(error));
    const isOurs = shown instanceof ChatError;
    this.#timeline.addNote(errorBubble(isOurs ? shown.message : 'The connection to the server was lost.', action));
    this.#emit('error', { error: shown });
    this.#render();
  }

  #noteStopped() {
    if (this.#timeline.endsUnanswered) return this.#offerReply('You stopped this reply.');
    this.#timeline.addNote(h('p', { class: 'aside' }, 'You stopped this reply.'));
    this.#render();
  }

  /** @param {string} text */
  #offerReply(text) {
    const itemId = this.#timeline.lastUserMessageId;
    if (!this.#timeline.endsUnanswered || itemId === null || this.#threadId === null) return;
    const button = actionButton({ label: 'Retry', run: () => this.#retryAfter(itemId) });
    this.#timeline.addNote(h('div', { class: 'aside' }, text, button));
    this.#render();
  }

  // -- drawing

  #render() {
    const isStart = this.#timeline.isEmpty && !this.#reply && this.#threadId === null;
    this.#start.hidden = !isStart;
    this.#composer.setRunning(this.#reply !== null, this.#reply?.canStop ?? false, this.#reply?.isStopping ?? false);
    this.#renderStatus();
    this.#afterRender();
  }

  #renderStatus() {
    if (this.#status.dataset.kind === 'message') return;
    const isThinking = this.#reply !== null && this.#timeline.isQuiet;
    const text = this.#progress || (isThinking ? 'Thinking' : '');
    if (this.#status.dataset.text === text) return;
    this.#status.dataset.text = text;
    this.#status.replaceChildren(...(text ? [text, h('span', { class: 'dots', 'aria-hidden': 'true' }, h('i'), h('i'), h('i'))] : []));
  }

  /** @param {string} text of the connection, which goes before what the assistant does */
  #say(text) {
    delete this.#status.dataset.text;
    this.#status.dataset.kind = text ? 'message' : 'progress';
    this.#status.replaceChildren(...(text ? [text] : []));
    this.#renderStatus();
  }

  #afterRender() {
    this.#renderStatus();
    const follows = this.#options.thread?.autoScroll === true;
    if (this.#sticksToBottom && follows) this.#scroller.scrollTop = this.#scroller.scrollHeight;
    else this.#noteEnd();
  }

  #scrollToEnd() {
    this.#sticksToBottom = true;
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }

  #onScroll() {
    this.#sticksToBottom = this.#noteEnd();
    this.#fillTop();
  }

  /** Offers the way to the end of the conversation, unless it is on the screen. */
  #noteEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    const isAtEnd = scrollHeight - scrollTop - clientHeight < STICK_TO_BOTTOM_PIXELS;
    this.#latest.toggleAttribute('data-shown', !isAtEnd);
    return isAtEnd;
  }

  // -- options

  #applyOptions() {
    this.#applyTheme();
    const { startScreen, composer, frameTitle, disclaimer, header, history, threadItemActions } = this.#options;
    this.#header.configure(header ?? {}, this.#hasHistory);
    this.#history.configure(history ?? {}, this.#locale);
    if (!this.#hasHistory) void this.hideHistory();
    this.#frame.toggleAttribute('data-header', !this.#header.element.hidden);
    this.#renderTitle();
    this.#timeline.allowActions(threadItemActions ?? {});
    this.#disclaimer.toggleAttribute('data-contrast', disclaimer?.highContrast === true);
    this.#timeline.element.lang = this.#composer.lang = this.#locale;
    for (const option of ignoredOptions(this.#options)) this.#log('option.ignored', { option });
    this.#attached.options = composer?.attachments;
    this.#composer.configure(composer ?? {});
    this.#frame.setAttribute('aria-label', textOr(frameTitle, 'Chat'));
    this.#frame.setAttribute('role', 'group');
    this.#disclaimer.replaceChildren(...(typeof disclaimer?.text === 'string' ? [renderMarkdown(disclaimer.text)] : []));
    const prompts = Array.isArray(startScreen?.prompts) ? startScreen.prompts : [];
    this.#start.replaceChildren(
      h('h2', {}, textOr(startScreen?.greeting, 'What can I help with today?')),
      h('ul', { class: 'prompts' }, ...prompts.filter(isPrompt).map((/** @type {any} */ prompt) => h('li', {}, this.#promptButton(prompt)))),
    );
    this.#render();
  }

  /** @param {{ label: string, prompt: string | ContentPart[], icon?: string }} start */
  #promptButton({ label, prompt, icon: name }) {
    const button = h('button', { type: 'button' }, name ? namedIcon(name) : null, label);
    const message = typeof prompt === 'string' ? { text: prompt } : { content: prompt };
    button.addEventListener('click', () => {
      this.sendUserMessage(message).catch((error) => this.#fail(error, null));
      this.#composer.focus();
    });
    return button;
  }

  #renderTitle() {
    this.#header.showTitle((this.#threadId && this.#titles.get(this.#threadId)) || '');
  }

  /** Of dates and of what people and models write; the element's own words are English. */
  get #locale() {
    return usableLocale(this.#options.locale) ?? usableLocale(globalThis.navigator?.language) ?? 'en';
  }

  /**
   * Runs what the page has given; its failure is the page's and told as such.
   * @type {(option: string, call: () => any) => Promise<any>}
   */
  async #callPage(option, call) {
    try {
      return await call();
    } catch (error) {
      this.#log('handler.failed', { option, error: String(error) });
      this.#emit('error', { error: error instanceof Error ? error : new Error(String(error)) });
    }
  }

  #applyTheme() {
    const { theme, colorScheme } = this.#options;
    const about = typeof theme === 'object' && theme !== null ? theme : {};
    const wanted = colorScheme ?? about.colorScheme ?? theme;
    const system = this.#darkMode?.matches ? 'dark' : 'light';
    const scheme = wanted === 'dark' || wanted === 'light' ? wanted : wanted === 'system' ? system : 'light';
    this.#frame.dataset.scheme = scheme;
    this.#frame.dataset.radius = textOr(about.radius, 'pill');
    this.#frame.dataset.density = textOr(about.density, 'normal');
    for (const [name, value] of Object.entries(themeVariables(about, scheme))) {
      if (value) this.#frame.style.setProperty(name, value);
      else this.#frame.style.removeProperty(name);
    }
  }

  #api() {
    const { api } = this.#options;
    if (typeof api?.url !== 'string') {
      throw new ChatError('This chat has no server. Call setOptions({ api: { url } }) first.', { status: 400 });
    }
    return api;
  }

  /**
   * @param {string} name
   * @param {object} [detail]
   */
  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(`chatkit.${name}`, { detail, bubbles: true, composed: true }));
  }

  /** @type {(name: string, data: object) => void} */
  #log(name, data) {
    this.#emit('log', { name, data });
  }
}

/** @typedef {{ id: string, label: string, description?: string, icon?: string, isDisabled?: boolean, isChosen: boolean }} MenuEntry */

/** A button and what it opens: one of several things to choose, by pointer or by arrow keys. */
class Menu {
  button = /** @type {HTMLButtonElement} */ (h('button', { class: 'pick', type: 'button', 'aria-haspopup': 'menu', 'aria-expanded': 'false' }));
  #list = h('div', { class: 'menu-list', role: 'menu', hidden: true });
  element = h('div', { class: 'menu-place' }, this.button, this.#list);

  /** @param {(id: string) => void} choose */
  constructor(choose) {
    this.choose = choose;
    this.button.addEventListener('click', () => this.#setOpen(this.#list.hidden));
    this.element.addEventListener('keydown', (event) => this.#onKey(event));
    this.element.addEventListener('focusout', (event) => {
      if (!this.element.contains(/** @type {Node | null} */ (event.relatedTarget))) this.#setOpen(false);
    });
  }

  /** @type {(label: string, shown: (Node | string)[], entries: MenuEntry[]) => void} */
  fill(label, shown, entries) {
    this.button.setAttribute('aria-label', label);
    this.button.title = label;
    this.button.replaceChildren(...shown);
    this.#list.setAttribute('aria-label', label);
    this.#list.replaceChildren(...entries.map((entry) => this.#item(entry)));
  }

  /** @param {MenuEntry} entry */
  #item({ id, label, description, icon: name, isDisabled = false, isChosen }) {
    const attributes = { class: 'menu-item', type: 'button', role: 'menuitemradio', 'aria-checked': String(isChosen), tabindex: '-1' };
    const text = h('span', {}, label, description ? h('small', {}, description) : null);
    const item = h('button', { ...attributes, 'aria-disabled': String(isDisabled) }, name ? namedIcon(name) : null, text, icon('check'));
    item.addEventListener('click', () => !isDisabled && this.#pick(id));
    return item;
  }

  /** @param {string} id */
  #pick(id) {
    this.#setOpen(false);
    this.button.focus();
    this.choose(id);
  }

  get #items() {
    return /** @type {HTMLElement[]} */ ([...this.#list.children]);
  }

  /** @param {boolean} isOpen */
  #setOpen(isOpen) {
    this.#list.hidden = !isOpen;
    this.button.setAttribute('aria-expanded', String(isOpen));
    if (isOpen) (this.#items.find((item) => item.getAttribute('aria-checked') === 'true') ?? this.#items[0])?.focus();
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (this.#list.hidden) {
      if (!['ArrowUp', 'ArrowDown'].includes(event.key)) return;
      event.preventDefault();
      return this.#setOpen(true);
    }
    if (event.key === 'Escape') {
      event.stopPropagation();
      this.#setOpen(false);
      return this.button.focus();
    }
    const items = this.#items;
    const at = items.indexOf(/** @type {HTMLElement} */ (event.target));
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    items.at(next % items.length)?.focus();
  }
}

/** Which model answers. There is none to choose where the page names none. */
class ModelPicker {
  #menu = new Menu((id) => this.select(id));
  element = this.#menu.element;
  /** @type {any[]} */
  #models = [];
  /** @type {string | null} */
  selectedId = null;

  /** @param {unknown} models */
  configure(models) {
    this.#models = namedOptions(models);
    const usable = this.#models.filter(({ disabled }) => disabled !== true);
    const kept = usable.find(({ id }) => id === this.selectedId) ?? usable.find((model) => model.default === true) ?? usable[0];
    this.selectedId = kept?.id ?? null;
    this.element.hidden = this.#models.length === 0;
    this.#draw();
  }

  /** Raises for a model that the page does not offer. @param {string} id */
  select(id) {
    if (!this.#models.some((model) => model.id === id && model.disabled !== true)) {
      throw new Error(`There is no model "${id}" to select in composer.models.`);
    }
    this.selectedId = id;
    this.#draw();
  }

  #draw() {
    const chosen = this.#models.find(({ id }) => id === this.selectedId);
    const entries = this.#models.map(({ id, label, description, disabled }) => {
      return { id, label, description, isDisabled: disabled === true, isChosen: id === this.selectedId };
    });
    const label = chosen?.label ?? 'Model';
    this.#menu.fill(`Model: ${label}`, [h('span', {}, label), icon('chevron')], entries);
  }
}

/** Which tool the next message asks for: pinned ones are buttons, the others stand in a menu. */
class ToolPicker {
  #menu = new Menu((id) => this.select(id === this.selectedId ? null : id));
  #buttons = h('span', { class: 'tools' });
  element = h('div', { class: 'tool-picker' }, this.#menu.element, this.#buttons);
  /** @type {any[]} */
  #tools = [];
  /** @type {string | null} */
  selectedId = null;

  /** @param {() => void} onChange */
  constructor(onChange) {
    this.onChange = onChange;
  }

  /** @param {unknown} tools */
  configure(tools) {
    this.#tools = namedOptions(tools);
    if (this.selectedId !== null && !this.#selected) this.select(null);
    this.element.hidden = this.#tools.length === 0;
    this.#draw();
  }

  get #selected() {
    return this.#tools.find(({ id }) => id === this.selectedId);
  }

  /** @returns {string | null} */
  get placeholder() {
    return textOr(this.#selected?.placeholderOverride, '') || null;
  }

  /** Raises for a tool that the page does not offer. @param {string | null} id */
  select(id) {
    if (id === this.selectedId) return;
    if (id !== null && !this.#tools.some((tool) => tool.id === id)) throw new Error(`There is no tool "${id}" in composer.tools.`);
    this.selectedId = id;
    this.#draw();
    this.onChange();
  }

  /** A tool is for one message, unless it says otherwise. */
  release() {
    if (this.#selected?.persistent !== true) this.select(null);
  }

  #draw() {
    const inMenu = this.#tools.filter(({ pinned }) => pinned !== true);
    const entries = inMenu.map(({ id, label, icon: name }) => ({ id, label, icon: name, isChosen: id === this.selectedId }));
    this.#menu.element.hidden = inMenu.length === 0;
    this.#menu.fill('Tools', [icon('settings-slider')], entries);
    const shown = this.#tools.filter(({ id, pinned }) => pinned === true || id === this.selectedId);
    this.#buttons.replaceChildren(...shown.map((tool) => this.#toolButton(tool)));
  }

  /** @param {any} tool */
  #toolButton({ id, label, shortLabel, icon: name }) {
    const isSelected = id === this.selectedId;
    const attributes = { class: 'pick', type: 'button', 'aria-pressed': String(isSelected), 'aria-label': label, title: label, 'data-tool': id };
    const button = h('button', attributes, namedIcon(name), h('span', {}, textOr(shortLabel, label)), isSelected ? icon('cross') : null);
    button.addEventListener('click', () => this.#toggle(id));
    return button;
  }

  /** @param {string} id */
  #toggle(id) {
    this.select(id === this.selectedId ? null : id);
    const same = /** @type {HTMLElement[]} */ ([...this.#buttons.children]).find(({ dataset }) => dataset.tool === id);
    (same ?? this.#menu.button).focus();
  }
}

/** Options that can be chosen by id and are shown by label. @param {unknown} options @returns {any[]} */
function namedOptions(options) {
  const isNamed = (/** @type {any} */ option) => typeof option?.id === 'string' && typeof option.label === 'string';
  return Array.isArray(options) ? options.filter(isNamed) : [];
}

/** @typedef {{ icon: string, onClick: () => void }} HeaderAction */

/** The bar above the conversation: its title, the ways to the others, and the page's own two buttons. */
class Header {
  element = h('div', { class: 'header' });
  #title = h('h2', { class: 'title', dir: 'auto' });
  #options = /** @type {any} */ ({});
  #historyButton = quietButton('history', 'History', () => this.on.history());
  #left = quietButton('dot', '', () => this.on.act(this.#options.leftAction));
  #right = quietButton('dot', '', () => this.on.act(this.#options.rightAction));

  /** @param {{ history: () => void, fresh: () => void, act: (action: HeaderAction) => void }} on */
  constructor(on) {
    this.on = on;
    const fresh = quietButton('write-alt', 'New chat', () => this.on.fresh());
    this.#historyButton.setAttribute('aria-expanded', 'false');
    this.element.append(this.#left, this.#historyButton, this.#title, this.#right, fresh);
  }

  /** @type {(header: any, hasHistory: boolean) => void} */
  configure(header, hasHistory) {
    this.#options = header;
    this.element.hidden = header.enabled === false;
    this.#historyButton.hidden = !hasHistory;
    showAction(this.#left, header.leftAction);
    showAction(this.#right, header.rightAction);
  }

  get showsThreadTitle() {
    const { enabled, title } = this.#options;
    return enabled !== false && title?.enabled !== false && typeof title?.text !== 'string';
  }

  /** @param {string} threadTitle */
  showTitle(threadTitle) {
    const { title } = this.#options;
    const text = textOr(title?.text, threadTitle);
    this.#title.textContent = this.#title.title = text;
    this.#title.hidden = title?.enabled === false || !text;
  }

  /** @param {boolean} isExpanded */
  setExpanded(isExpanded) {
    this.#historyButton.setAttribute('aria-expanded', String(isExpanded));
  }
}

/** The contract knows no label, so the icon's name is said. @type {(button: HTMLButtonElement, action: any) => void} */
function showAction(button, action) {
  button.hidden = typeof action?.onClick !== 'function';
  if (button.hidden) return;
  const label = String(action.icon).replace(/^lucide:/, '').replace(/-/g, ' ').replace(/^./, (first) => first.toUpperCase());
  button.setAttribute('aria-label', label);
  button.title = label;
  button.replaceChildren(namedIcon(action.icon));
}

const UNTITLED = 'New chat';

/** All threads, newest first and page by page: opened, renamed in place, deleted after a question. */
class HistoryPanel {
  element = h('section', { class: 'threads', role: 'dialog', 'aria-label': 'History', hidden: true });
  #list = h('ul', { class: 'entries' });
  #note = h('p', { class: 'entries-note', role: 'status' });
  #more = actionButton({ label: 'Show more', run: () => void this.#loadMore() });
  #close = quietButton('cross', 'Close history', () => this.on.close());
  #session = new AbortController();
  /** @type {string | null} */
  #cursor = null;
  #isLoading = false;
  /** @type {string | null} */
  #currentId = null;
  #options = /** @type {{ showDelete?: boolean, showRename?: boolean }} */ ({});
  #dates = new Intl.DateTimeFormat();
  /** @type {HTMLElement | null} */
  #opener = null;

  /**
   * @param {Connection} connection
   * @param {{ open: (thread: Thread) => void, close: () => void, renamed: (thread: Thread) => void, deleted: (threadId: string) => void, failed: (error: unknown) => void }} on
   */
  constructor(connection, on) {
    this.connection = connection;
    this.on = on;
    const bar = h('div', { class: 'threads-bar' }, h('h2', {}, 'History'), this.#close);
    this.element.append(bar, this.#list, this.#note, this.#more);
    this.element.addEventListener('scroll', () => this.#fill(), { passive: true });
  }

  get isOpen() {
    return !this.element.hidden;
  }

  /** @type {(history: any, locale: string) => void} */
  configure(history, locale) {
    this.#options = history;
    this.#dates = new Intl.DateTimeFormat(locale, { dateStyle: 'medium' });
  }

  /** @param {string | null} currentId the thread that is on the screen */
  async open(currentId) {
    const root = /** @type {ShadowRoot} */ (this.element.getRootNode());
    this.#opener = /** @type {HTMLElement | null} */ (root.activeElement);
    this.#session = new AbortController();
    this.#currentId = currentId;
    this.#cursor = null;
    this.#list.replaceChildren();
    this.element.hidden = false;
    this.#close.focus();
    await this.#loadMore();
  }

  /** Answers whether the focus is back where it was, or was elsewhere all the time. */
  close() {
    const root = /** @type {ShadowRoot} */ (this.element.getRootNode());
    const hadFocus = this.element.contains(root.activeElement);
    this.#session.abort();
    this.#isLoading = false;
    this.element.hidden = true;
    if (hadFocus) this.#opener?.focus();
    return !hadFocus || root.activeElement !== null;
  }

  #fill() {
    const { scrollHeight, scrollTop, clientHeight } = this.element;
    if (this.#cursor !== null && scrollHeight - scrollTop - clientHeight < LOAD_MORE_PIXELS) void this.#loadMore();
  }

  async #loadMore() {
    if (this.#isLoading) return;
    const { signal } = this.#session;
    this.#isLoading = true;
    this.#say(this.#list.childElementCount ? '' : 'Loading…');
    try {
      const page = await this.connection.listThreads(this.#cursor, signal);
      if (!signal.aborted) this.#show(page);
    } catch (error) {
      if (!signal.aborted) this.#fail(error, { label: 'Try again', run: () => void this.#loadMore() });
    } finally {
      if (!signal.aborted) this.#isLoading = false;
    }
  }

  /** @param {ThreadPage} page */
  #show({ data, has_more, after }) {
    const isFocused = this.#more.matches(':focus');
    this.#cursor = has_more ? after : null;
    this.#more.hidden = !has_more;
    const entries = data.map((thread) => this.#entry(thread));
    this.#list.append(...entries);
    this.#say(this.#list.childElementCount ? '' : 'No conversations yet.');
    if (isFocused) entries[0]?.querySelector('button')?.focus();
    this.#fill();
  }

  /** @param {Thread} thread */
  #entry(thread) {
    const entry = h('li', { class: 'entry' });
    this.#draw(entry, thread);
    return entry;
  }

  /** @type {(entry: HTMLElement, thread: Thread) => void} */
  #draw(entry, thread) {
    const title = thread.title || UNTITLED;
    const made = new Date(thread.created_at ?? '');
    const time = Number.isNaN(made.valueOf()) ? null : h('time', { datetime: made.toISOString() }, this.#dates.format(made));
    const open = h('button', { class: 'entry-open', type: 'button' }, h('span', { class: 'entry-title', dir: 'auto' }, title), time);
    if (thread.id === this.#currentId) open.setAttribute('aria-current', 'true');
    open.addEventListener('click', () => this.on.open(thread));
    const rename = quietButton('pen', `Rename “${title}”`, () => this.#askTitle(entry, thread));
    const remove = quietButton('bin', `Delete “${title}”`, () => this.#askDelete(entry, thread));
    rename.hidden = this.#options.showRename === false;
    remove.hidden = this.#options.showDelete === false;
    entry.replaceChildren(open, rename, remove);
  }

  /** @type {(entry: HTMLElement, thread: Thread) => void} */
  #askTitle(entry, thread) {
    const attributes = { 'aria-label': 'Title', dir: 'auto', maxlength: String(MAX_TITLE_CHARACTERS), value: thread.title ?? '' };
    const input = /** @type {HTMLInputElement} */ (h('input', attributes));
    const save = h('button', { class: 'action primary', type: 'submit' }, 'Save');
    const cancel = actionButton({ label: 'Cancel', run: () => this.#drawAgain(entry, thread, 'Rename') });
    const form = h('form', { class: 'entry-form' }, input, cancel, save);
    this.#ask(entry, form, () => this.#drawAgain(entry, thread, 'Rename'));
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#rename(entry, thread, input.value.trim());
    });
    input.focus();
    input.select();
  }

  /** @type {(entry: HTMLElement, thread: Thread, title: string) => Promise<void>} */
  async #rename(entry, thread, title) {
    const renamed = { ...thread, title: title || thread.title };
    this.#drawAgain(entry, renamed, 'Rename');
    if (renamed.title === thread.title) return;
    try {
      await this.connection.renameThread(thread.id, title, new AbortController().signal);
      this.on.renamed(renamed);
    } catch (error) {
      this.#draw(entry, thread);
      this.#fail(error);
    }
  }

  /** @type {(entry: HTMLElement, thread: Thread) => void} */
  #askDelete(entry, thread) {
    const cancel = actionButton({ label: 'Cancel', run: () => this.#drawAgain(entry, thread, 'Delete') });
    const sure = actionButton({ label: 'Delete', run: () => void this.#remove(entry, thread) });
    sure.classList.add('danger');
    const question = `Delete “${thread.title || UNTITLED}”?`;
    const asked = h('div', { class: 'entry-form', role: 'group', 'aria-label': question }, h('span', {}, question), cancel, sure);
    this.#ask(entry, asked, () => this.#drawAgain(entry, thread, 'Delete'));
    cancel.focus();
  }

  /** @type {(entry: HTMLElement, thread: Thread) => Promise<void>} */
  async #remove(entry, thread) {
    for (const button of entry.querySelectorAll('button')) button.disabled = true;
    try {
      await this.connection.deleteThread(thread.id, new AbortController().signal);
    } catch (error) {
      this.#draw(entry, thread);
      return this.#fail(error);
    }
    const next = entry.nextElementSibling ?? entry.previousElementSibling;
    entry.remove();
    (next?.querySelector('button') ?? this.#close).focus();
    this.#say(this.#list.childElementCount ? '' : 'No conversations yet.');
    this.on.deleted(thread.id);
  }

  /** Escape takes the question back and leaves the panel open. @type {(entry: HTMLElement, asked: HTMLElement, back: () => void) => void} */
  #ask(entry, asked, back) {
    asked.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape') return;
      event.stopPropagation();
      back();
    });
    entry.replaceChildren(asked);
  }

  /** @type {(entry: HTMLElement, thread: Thread, from: string) => void} the button that had asked has the focus again */
  #drawAgain(entry, thread, from) {
    this.#draw(entry, thread);
    const button = [...entry.querySelectorAll('button')].find((one) => one.title.startsWith(from));
    button?.focus();
  }

  /** @type {(error: unknown, action?: Action | null) => void} */
  #fail(error, action = null) {
    const text = error instanceof ChatError ? error.message : 'The connection to the server was lost.';
    this.#note.replaceChildren(errorBubble(text, action));
    this.on.failed(error instanceof Error ? error : new Error(String(error)));
  }

  /** @param {string} text */
  #say(text) {
    this.#note.replaceChildren(...(text ? [text] : []));
  }
}

/** The message box with its one button: Send, or Stop while a reply runs. */
class Composer {
  #input = /** @type {HTMLTextAreaElement} */ (h('textarea', { rows: '1', dir: 'auto', 'aria-label': 'Message', enterkeyhint: 'send' }));
  #button = /** @type {HTMLButtonElement} */ (h('button', { class: 'send', type: 'submit' }, icon('up')));
  #counter = h('span', { class: 'counter', 'aria-live': 'polite' });
  #note = h('p', { class: 'locked', hidden: true });
  #models = new ModelPicker();
  #tools = new ToolPicker(() => this.#toolChanged());
  #tray = h('div', { class: 'tray' }, this.#tools.element, this.#models.element);
  #quote = h('div', { class: 'quote', hidden: true });
  #quoted = '';
  #placeholder = '';
  element = h('form', { class: 'composer', novalidate: true });
  #isRunning = false;
  #canStop = false;

  /**
   * @param {AttachmentTray} attached
   * @param {{ send: (text: string) => void, stop: () => void, toolChanged: (toolId: string | null) => void }} on
   */
  constructor(attached, on) {
    this.attached = attached;
    this.on = on;
    this.element.append(this.#note, attached.element, h('div', { class: 'box' }, this.#quote, attached.button, this.#input, this.#tray, this.#counter, this.#button));
    this.element.addEventListener('submit', (event) => {
      event.preventDefault();
      if (!this.#isRunning) return this.#submit();
      if (this.#button.matches(':focus-visible')) this.#input.focus();
      this.on.stop();
    });
    this.#input.addEventListener('input', () => this.#refresh());
    this.#input.addEventListener('paste', (event) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (!files.length || !attached.isEnabled) return;
      event.preventDefault();
      attached.add(files);
    });
    this.#input.addEventListener('keydown', (event) => {
      const isEnter = event.key === 'Enter' && !event.shiftKey && !event.isComposing && event.keyCode !== 229;
      if (!isEnter) return;
      event.preventDefault();
      if (!this.#isRunning) this.#submit();
    });
    this.#refresh();
  }

  refresh() {
    this.#refresh();
  }

  get value() {
    return this.#input.value;
  }

  set value(text) {
    this.#input.value = text;
    this.#refresh();
  }

  /** @param {any} composer the options of that name */
  configure({ placeholder, models, tools }) {
    this.#placeholder = textOr(placeholder, 'Message the AI');
    this.#models.configure(models);
    this.#tools.configure(tools);
    this.#tray.hidden = this.#models.element.hidden && this.#tools.element.hidden;
    if (this.#tray.hidden) this.#input.before(this.attached.button);
    else this.#tray.prepend(this.attached.button);
    this.#showPlaceholder();
  }

  #toolChanged() {
    this.#showPlaceholder();
    this.on.toolChanged(this.#tools.selectedId);
  }

  #showPlaceholder() {
    this.#input.placeholder = this.#tools.placeholder ?? this.#placeholder;
  }

  /** Raises for what the page does not offer. @param {{ modelId?: string, toolId?: string | null }} wanted */
  select({ modelId, toolId }) {
    if (modelId !== undefined) this.#models.select(modelId);
    if (toolId !== undefined) this.#tools.select(toolId);
  }

  get modelId() {
    return this.#models.selectedId;
  }

  /** What the message refers to; shown above the text until it is sent or taken away. */
  get quoted() {
    return this.#quoted;
  }

  set quoted(text) {
    this.#quoted = text;
    const drop = quietButton('cross', 'Remove the quotation', () => {
      this.quoted = '';
      this.focus();
    });
    this.#quote.hidden = !text;
    this.#quote.replaceChildren(...(text ? [h('blockquote', { dir: 'auto' }, text), drop] : []));
  }

  /** What goes along with the text of the message that is sent now. */
  takeAlong() {
    const [model, tool, quoted] = [this.#models.selectedId, this.#tools.selectedId, this.#quoted];
    this.quoted = '';
    this.#tools.release();
    return { ...(quoted && { quoted_text: quoted }), inference_options: inferenceOptions(model, tool) };
  }

  /** @param {string} locale */
  set lang(locale) {
    this.#input.lang = locale;
  }

  focus() {
    this.#input.focus();
  }

  /** @type {(text: string, quoted: string) => void} what was not sent; what was typed since stays */
  restore(text, quoted) {
    this.quoted ||= quoted;
    this.value = this.value ? `${text}\n${this.value}` : text;
  }

  /** @param {string | null} reason why nothing can be written, or null */
  lock(reason) {
    this.#note.textContent = reason ?? '';
    this.#note.hidden = reason === null;
    this.#input.disabled = reason !== null;
    this.#refresh();
  }

  /** @type {(isRunning: boolean, canStop: boolean, isStopping: boolean) => void} */
  setRunning(isRunning, canStop, isStopping) {
    this.#isRunning = isRunning;
    this.#canStop = canStop && !isStopping;
    this.#refresh();
  }

  #submit() {
    const text = this.value.trim();
    if (this.#button.disabled || !text) return;
    this.value = '';
    this.on.send(text);
  }

  #refresh() {
    const count = this.value.length > COUNTER_FROM_CHARACTERS ? characters(this.value.trim()) : 0;
    const isTooLong = count > MAX_MESSAGE_CHARACTERS;
    this.#counter.textContent = count ? `${count.toLocaleString('en')} / ${MAX_MESSAGE_CHARACTERS.toLocaleString('en')}` : '';
    this.#counter.toggleAttribute('data-over', isTooLong);
    const cannotSend = this.#input.disabled || !this.value.trim() || isTooLong || this.attached.isUploading;
    this.#button.disabled = this.#isRunning ? !this.#canStop : cannotSend;
    const label = this.#isRunning ? 'Stop' : 'Send';
    if (this.#button.getAttribute('aria-label') !== label) {
      this.#button.setAttribute('aria-label', label);
      this.#button.replaceChildren(icon(this.#isRunning ? 'stop' : 'up'));
    }
    this.#grow();
  }

  #grow() {
    growToText(this.#input);
  }
}

/** @type {(model: string | null, tool: string | null) => { model?: string, tool_choice?: { id: string } }} */
function inferenceOptions(model, tool) {
  return { ...(tool && { tool_choice: { id: tool } }), ...(model && { model }) };
}

/** @param {HTMLTextAreaElement} input */
function growToText(input) {
  if (globalThis.CSS?.supports?.('field-sizing', 'content')) return;
  input.style.height = 'auto';
  input.style.height = `${input.scrollHeight}px`;
}

/** @type {(message: string, action: Action | null) => HTMLElement} */
function errorBubble(message, action) {
  const text = h('div', { class: 'text' }, message);
  return h('div', { class: 'note danger', role: 'alert' }, icon('alert'), text, action && actionButton(action));
}

/** @param {WireEvent} notice */
function noticeBubble(notice) {
  const level = ['warning', 'danger'].includes(notice.level) ? notice.level : 'info';
  const title = notice.title ? h('strong', {}, notice.title) : null;
  const text = h('div', { class: 'text' }, title, renderMarkdown(String(notice.message ?? '')));
  return h('div', { class: `note ${level}` }, icon('alert'), text);
}

/** @param {Action} action */
function actionButton({ label, run }) {
  const button = /** @type {HTMLButtonElement} */ (h('button', { class: 'action', type: 'button' }, label));
  button.addEventListener('click', () => {
    button.closest('[data-note]')?.remove();
    run();
  });
  return button;
}

/** @param {Item | undefined} item */
function isWaitingCall(item) {
  return item?.type === 'client_tool_call' && item.status === 'pending';
}

/**
 * One tab of the origin after the other; a page that is not served over TLS has no locks.
 * @type {(name: string, signal: AbortSignal, run: () => Promise<void>) => Promise<void>}
 */
async function inOneTab(name, signal, run) {
  if (navigator.locks) await navigator.locks.request(`chatkit:${name}`, { signal }, run);
  else await run();
}

/** @type {(seconds: number, promise: any, signal: AbortSignal) => Promise<any>} */
async function within(seconds, promise, signal) {
  let timer = 0;
  const over = new Promise((_, reject) => {
    timer = window.setTimeout(() => reject(new Error(`It took longer than ${inWords(seconds)}.`)), seconds * 1000);
    signal.addEventListener('abort', () => reject(new Error('It was stopped.')));
  });
  return Promise.race([promise, over]).finally(() => clearTimeout(timer));
}

/** @param {string} text in code points, as the server counts them */
function characters(text) {
  return [...text].length;
}

/** @param {unknown} error */
function isAbort(error) {
  return error instanceof DOMException && error.name === 'AbortError';
}

/** @type {(value: unknown, fallback: string) => string} */
function textOr(value, fallback) {
  return typeof value === 'string' && value ? value : fallback;
}

/** @param {unknown} locale */
function usableLocale(locale) {
  try {
    return Intl.getCanonicalLocales(/** @type {string} */ (locale))[0];
  } catch {
    return undefined;
  }
}

/** Options of the contract that change nothing here: docs/chatkit-element.md tells why. */
const IGNORED_OPTIONS = ['api.getClientSecret', 'commands', 'composer.dictation', 'entities', 'theme.typography.fontSources'];

/** @param {any} options */
function ignoredOptions(options) {
  const at = (/** @type {string} */ path) => path.split('.').reduce((value, step) => value?.[step], options);
  return IGNORED_OPTIONS.filter((path) => at(path) !== undefined);
}

/** @param {any} prompt */
function isPrompt(prompt) {
  return typeof prompt?.label === 'string' && (typeof prompt.prompt === 'string' || Array.isArray(prompt.prompt));
}

// -------------------------------------------------------------------------------------- styles

/** How much of the accent is in the user's messages, by its level. */
const ACCENT_SHARES = [0, 0.04, 0.12, 0.2];
/** Of the palette in the light scheme and in the dark one; in percent. */
const LIGHTNESS = { '--bg': [100, 5], '--soft': [97, 8], '--bubble': [94, 12], '--line': [89, 17], '--muted': [35, 65], '--fg': [11, 93] };
const SATURATION_A_TINT = 3;
const LIGHTNESS_A_SHADE = 0.75;

/** Greys of a hue. @type {(grayscale: any, scheme: string) => Record<string, string>} */
function grayscale({ hue, tint, shade = 0 } = {}, scheme) {
  if (![hue, tint, shade].every(Number.isFinite)) return {};
  const tone = (/** @type {number[]} */ [light, dark]) => Math.min(100, Math.max(2, (scheme === 'dark' ? dark : light) - shade * LIGHTNESS_A_SHADE));
  const shades = Object.entries(LIGHTNESS).map(([name, pair]) => [name, `hsl(${hue} ${tint * SATURATION_A_TINT}% ${tone(pair)}%)`]);
  return Object.fromEntries(shades);
}

/** What stands on a surface of the page's own colours is mixed from them. @type {(surface: any, scheme: string) => Record<string, string>} */
function surfaces({ background, foreground } = {}, scheme) {
  const [bg, fg] = [hexOf(background), hexOf(foreground)];
  if (!bg && !fg) return {};
  const front = fg ?? (luminance(/** @type {string} */ (bg)) > 0.4 ? '#17211b' : '#e9efea');
  const back = bg ?? (scheme === 'dark' ? '#0b0f0c' : '#ffffff');
  const mix = (/** @type {number} */ share) => blend(back, front, share);
  return { '--bg': back, '--fg': front, '--soft': mix(0.03), '--bubble': mix(0.08), '--line': mix(0.14), '--muted': mix(0.72) };
}

/**
 * @param {any} theme
 * @param {string} scheme
 * @returns {Record<string, string | null>}
 */
function themeVariables({ color, typography }, scheme) {
  const palette = { ...grayscale(color?.grayscale, scheme), ...surfaces(color?.surface, scheme) };
  const accent = hexOf(color?.accent?.primary) ?? ACCENT;
  const background = hexOf(palette['--bg']) ?? (scheme === 'dark' ? '#0b0f0c' : '#ffffff');
  const bubble = hexOf(palette['--bubble']) ?? (scheme === 'dark' ? '#1b231e' : '#edf1ee');
  const isOwn = accent.toLowerCase() === ACCENT.toLowerCase();
  const size = Number(typography?.baseSize);
  return {
    '--accent': accent,
    '--accent-text': isOwn && scheme === 'light' ? ACCENT_TEXT_ON_LIGHT : readable(accent, background),
    '--on-accent': isOwn ? TEXT_ON_ACCENT : contrast('#ffffff', accent) >= MINIMUM_CONTRAST ? '#ffffff' : '#101010',
    '--own': blend(bubble, accent, ACCENT_SHARES[color?.accent?.level] ?? ACCENT_SHARES[1]),
    ...Object.fromEntries(Object.keys(LIGHTNESS).map((name) => [name, palette[name] ?? null])),
    '--size': size >= 14 && size <= 18 ? `${size}px` : null,
    '--font': typeof typography?.fontFamily === 'string' ? typography.fontFamily : null,
    '--mono': typeof typography?.fontFamilyMono === 'string' ? typography.fontFamilyMono : null,
  };
}

/**
 * @param {unknown} color any CSS colour
 * @returns {string | null} as #rrggbb, or null when it is none
 */
function hexOf(color) {
  if (typeof color !== 'string' || !CSS.supports('color', color)) return null;
  const context = document.createElement('canvas').getContext('2d');
  if (!context) return null;
  context.fillStyle = color;
  if (/^#[0-9a-f]{6}$/.test(context.fillStyle)) return context.fillStyle;
  context.fillRect(0, 0, 1, 1);
  const [red, green, blue] = context.getImageData(0, 0, 1, 1).data;
  return `#${[red, green, blue].map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}

/**
 * The colour, moved towards black or white until it can be read on the background.
 * @type {(color: string, background: string) => string}
 */
function readable(color, background) {
  const goal = luminance(background) > 0.4 ? 0 : 255;
  for (let share = 0; share <= 1; share += 0.05) {
    const hex = blend(color, goal ? '#ffffff' : '#000000', share);
    if (contrast(hex, background) >= MINIMUM_CONTRAST) return hex;
  }
  return goal ? '#ffffff' : '#000000';
}

/** @type {(color: string, other: string, share: number) => string} with this share of the other one, from 0 to 1 */
function blend(color, other, share) {
  const goal = channels(other);
  const mixed = channels(color).map((part, index) => Math.round(part + (goal[index] - part) * share));
  return `#${mixed.map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}

/** WCAG 2.2 contrast ratio. @type {(one: string, other: string) => number} */
function contrast(one, other) {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

/** @param {string} hex */
function luminance(hex) {
  const [red, green, blue] = channels(hex)
    .map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** @param {string} hex */
function channels(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

const STYLES = `
:host { display: block; height: 100%; min-height: 0; }
*, *::before, *::after { box-sizing: border-box; }
[hidden] { display: none !important; }
.unseen { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

.frame, .themed[data-scheme=light] {
  --bg: #ffffff; --fg: #17211b; --muted: #566159; --line: #dfe5e0; --soft: #f5f7f5; --bubble: #edf1ee;
  --danger: #ac1f17; --danger-soft: #fdf1ef; --danger-line: #f3cfca; --warning: #7a5200; --warning-soft: #fdf6e3;
  --shadow: 0 1px 2px rgb(12 30 18 / .06), 0 8px 24px rgb(12 30 18 / .07);
  color-scheme: light;
}
.frame {
  --size: 16px;
  --font: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "Liberation Sans", sans-serif;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
  --radius: 22px; --gap: 1.5rem;
  position: relative; display: flex; flex-direction: column; height: 100%; min-height: 0; overflow: hidden;
  background: var(--bg); color: var(--fg);
  font-family: var(--font); font-size: var(--size); line-height: 1.6; text-align: start;
  -webkit-font-smoothing: antialiased;
}
.themed[data-scheme=light] { --accent-text: color-mix(in srgb, var(--accent) 40%, black); }
.themed[data-scheme=dark] { --accent-text: color-mix(in srgb, var(--accent) 75%, white); }
.frame[data-scheme=dark], .themed[data-scheme=dark] {
  --bg: #0b0f0c; --fg: #e9efea; --muted: #9ca8a0; --line: #253029; --soft: #131914; --bubble: #1b231e;
  --danger: #ff9a8f; --danger-soft: #261412; --danger-line: #55261f; --warning: #f2c14e; --warning-soft: #241d0d;
  --shadow: 0 1px 2px rgb(0 0 0 / .5), 0 8px 24px rgb(0 0 0 / .4);
  color-scheme: dark;
}
.frame[data-radius=round] { --radius: 16px; }
.frame[data-radius=soft] { --radius: 10px; }
.frame[data-radius=sharp] { --radius: 0px; }
.frame[data-density=compact] { --gap: 1rem; }
.frame[data-density=spacious] { --gap: 2.125rem; }

button, textarea { font: inherit; color: inherit; letter-spacing: inherit; }
button { cursor: pointer; }
button:disabled { cursor: default; }
:focus-visible { outline: 2px solid var(--accent-text); outline-offset: 2px; }
.icon { width: 1.125em; height: 1.125em; flex: none; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
.icon.filled { fill: currentColor; }

.frame { --header: 0rem; }
.frame[data-header] { --header: 3.25rem; }
.header { display: flex; align-items: center; gap: .25rem; flex: none; height: var(--header); padding: 0 .75rem; border-bottom: 1px solid var(--line); }
.header .title { flex: 1; min-width: 0; margin: 0 .375rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; font-size: 1rem; font-weight: 600; letter-spacing: -.01em; }
.header .title[hidden] { display: block !important; visibility: hidden; }
.header .quiet { width: 2.25rem; height: 2.25rem; flex: none; font-size: 1rem; }
.header .quiet[aria-expanded=true] { background: var(--bubble); color: var(--fg); }
.threads { position: absolute; inset: var(--header) 0 0; z-index: 1; overflow-y: auto; overscroll-behavior: contain; background: var(--bg); padding: 0 max(1rem, (100% - 46rem) / 2) 1.5rem; }
.threads-bar { position: sticky; top: 0; display: flex; align-items: center; justify-content: space-between; padding: 1rem .75rem .75rem; background: var(--bg); }
.threads-bar h2 { margin: 0; font-size: 1.125rem; font-weight: 650; letter-spacing: -.01em; }
.threads > .action { display: block; margin: .75rem auto 0; }
.entries { display: grid; grid-template-columns: minmax(0, 1fr); gap: .125rem; margin: 0; padding: 0; list-style: none; }
.entry { display: flex; align-items: center; gap: .125rem; min-height: 2.75rem; padding-inline-end: .5rem; border-radius: min(12px, var(--radius)); }
.entry:hover, .entry:focus-within { background: var(--soft); }
.entry-open { display: flex; align-items: baseline; gap: 1rem; flex: 1; min-width: 0; padding: .625rem .75rem; border: 0; border-radius: inherit; background: none; text-align: start; }
.entry-open[aria-current] .entry-title { font-weight: 650; }
.entry-title { flex: 1; min-width: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.entry time { flex: none; color: var(--muted); font-size: .8125rem; font-variant-numeric: tabular-nums; }
.entry-form { display: flex; align-items: center; flex-wrap: wrap; gap: .5rem; flex: 1; min-width: 0; padding: .375rem .25rem .375rem .75rem; }
.entry-form > :first-child { flex: 1; min-width: 8rem; overflow-wrap: anywhere; }
.entry-form input { padding: .375rem .75rem; border: 1px solid var(--line); border-radius: min(10px, var(--radius)); background: var(--bg); color: inherit; font: inherit; }
.entries-note { margin: 0; padding: .625rem .75rem; color: var(--muted); }
.entries-note:empty { display: none; }
.action.danger { border-color: var(--danger-line); color: var(--danger); }

.scroller { position: relative; flex: 1; min-height: 0; overflow-y: auto; overscroll-behavior: contain; display: flex; flex-direction: column; scrollbar-gutter: stable both-edges; }
.scroller:focus-visible { outline-offset: -2px; }
.column { width: 100%; max-width: 48rem; margin: 0 auto; padding: 2rem 1.5rem 1.5rem; }
.log { display: flex; flex-direction: column; gap: var(--gap); }
.message { min-width: 0; max-width: 100%; }
.page { display: flex; flex-direction: column; gap: var(--gap); min-width: 0; }
.page.resting { content-visibility: auto; overflow-clip-margin: 2rem; }
.user { align-self: flex-end; max-width: min(85%, 36rem); }
.user .bubble { padding: .625rem 1.125rem; border-radius: var(--radius); border-end-end-radius: min(6px, var(--radius)); background: var(--own); white-space: pre-wrap; overflow-wrap: anywhere; }
.user blockquote { margin: 0 0 .375rem; padding-inline-start: .75rem; border-inline-start: 2px solid var(--line); color: var(--muted); }
.tag { padding: .0625rem .5rem; margin-inline-end: .25rem; border: 1px solid var(--line); border-radius: 99px; background: var(--bg); font-size: .9em; }
.task + .task, .workflow + .task, .task + .workflow { margin-top: calc(.5rem - var(--gap)); }
.task + .assistant, .workflow + .assistant { margin-top: calc(.875rem - var(--gap)); }

.markdown { overflow-wrap: break-word; }
.markdown > * { margin: 0 0 .875em; }
.markdown > :last-child, .markdown li > :last-child, .markdown blockquote > :last-child { margin-bottom: 0; }
.markdown + .markdown { margin-top: .875em; }
.markdown h3, .markdown h4, .markdown h5, .markdown h6 { font-weight: 650; line-height: 1.3; margin: 1.375em 0 .5em; letter-spacing: -.01em; }
.markdown h3 { font-size: 1.25em; } .markdown h4 { font-size: 1.125em; } .markdown h5, .markdown h6 { font-size: 1em; }
.markdown > :first-child { margin-top: 0; }
.markdown ul, .markdown ol { padding-inline-start: 1.625em; }
.markdown li { margin: .25em 0; }
.markdown li > ul, .markdown li > ol { margin: .25em 0 0; }
.markdown li::marker { color: var(--muted); }
.markdown a, .sources a { color: var(--accent-text); text-decoration: underline; text-decoration-thickness: 1px; text-underline-offset: .2em; }
.deeplink { display: inline; padding: 0; border: 0; background: none; color: var(--accent-text); text-align: start; text-decoration: underline; text-decoration-thickness: 1px; text-underline-offset: .2em; }
.markdown a:hover, .sources a:hover { text-decoration-thickness: 2px; }
.markdown blockquote { margin-inline: 0; padding-inline-start: 1em; border-inline-start: 3px solid var(--line); color: var(--muted); }
.markdown hr { border: 0; border-top: 1px solid var(--line); margin: 1.5em 0; }
code { font-family: var(--mono); font-size: .875em; }
:not(pre) > code { padding: .125em .375em; border-radius: 6px; background: var(--bubble); overflow-wrap: anywhere; }
.code { border: 1px solid var(--line); border-radius: min(12px, var(--radius)); background: var(--soft); overflow: hidden; }
.code-bar { display: flex; align-items: center; justify-content: space-between; padding: .25rem .375rem .25rem 1rem; color: var(--muted); font-size: .8125rem; }
.code pre { margin: 0; padding: .25rem 1rem 1rem; overflow-x: auto; line-height: 1.55; }
.code pre:focus-visible, .table:focus-visible { outline-offset: -2px; }
.table { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9375em; }
th, td { padding: .5em .875em; border-bottom: 1px solid var(--line); text-align: start; vertical-align: top; }
th:first-child, td:first-child { padding-inline-start: 0; }
th { font-weight: 600; }
.sources { display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin: .75rem 0 0; padding: 0; list-style: none; font-size: .875rem; }
.sources:empty { display: none; }
.foot { display: flex; height: 1.75rem; margin: .25rem 0 -1.25rem -.4375rem; opacity: 0; transition: opacity .15s; }
.message:hover > .foot, .foot:focus-within { opacity: 1; }
.assistant[data-busy] > .foot { visibility: hidden; }
.foot:has(.versions), .lone { opacity: 1; }
.foot { align-items: center; }
.user > .foot { justify-content: flex-end; margin: .25rem -.4375rem -1.25rem 0; }
.lone { margin-top: calc(.25rem - var(--gap)); }
.log:not([data-branches]) .pen, .log:not([data-feedback]) .foot > [data-kind], .log:not([data-retry]) .foot > [aria-label="Answer again"] { display: none; }
.log[data-running] .pen, .log[data-running] .versions .quiet, .log[data-running] [aria-label="Answer again"] { visibility: hidden; }
.versions { display: inline-flex; align-items: center; color: var(--muted); font-size: .8125rem; font-variant-numeric: tabular-nums; }
.versions .quiet { width: 1.5rem; }
.versions .quiet[data-end] { visibility: hidden; }
.edit { display: grid; gap: .5rem; width: min(36rem, 100%); margin-inline-start: auto; padding: .625rem; border: 1px solid var(--line); border-radius: var(--radius); background: var(--bubble); }
.edit:focus-within { border-color: var(--accent-text); }
.edit textarea { width: 100%; min-width: min(24rem, 70vw); }
.choices { display: flex; justify-content: flex-end; gap: .5rem; }
.action.primary { border-color: transparent; background: var(--accent); color: var(--on-accent); }
.action.primary:disabled { background: var(--line); color: var(--muted); }
@media (hover: none) { .foot { opacity: 1; } }
.quiet { display: inline-grid; place-items: center; width: 1.75rem; height: 1.75rem; padding: 0; border: 0; border-radius: 8px; background: none; color: var(--muted); font-size: .875rem; }
.quiet[aria-pressed=true] { color: var(--fg); }
.quiet[aria-pressed=true] path { fill: currentColor; }
.foot:has([aria-pressed=true]) { opacity: 1; }
.quiet:hover { background: var(--bubble); color: var(--fg); }

.badge { display: inline-flex; align-items: center; gap: .5rem; max-width: 100%; min-height: 2rem; padding: .1875rem .8125rem .1875rem .5625rem; border: 1px solid var(--line); border-radius: 99px; background: var(--soft); font-size: .875rem; line-height: 1.5; }
.badge .name { font-family: var(--mono); font-size: .8125rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.badge .check { color: var(--accent-text); } .badge .cross { color: var(--danger); } .badge .dash { color: var(--muted); }
.badge.failure { border-color: var(--danger-line); background: var(--danger-soft); }
.badge .check, .badge .cross, .badge .dash { stroke-width: 2.5; }
summary { cursor: pointer; list-style: none; }
summary::-webkit-details-marker { display: none; }
summary .chevron { width: .875em; height: .875em; color: var(--muted); transition: transform .15s; }
details[open] > summary > .chevron { transform: rotate(90deg); }
summary.badge { padding-inline-end: .5625rem; }
summary.badge:hover { border-color: var(--muted); }
.detail { margin: .5rem 0 0; padding: .625rem 1rem; border-inline-start: 2px solid var(--line); color: var(--muted); font-size: .9375rem; white-space: pre-wrap; overflow-wrap: anywhere; }
.spinner { width: .875rem; height: .875rem; margin: .125rem; flex: none; border: 2px solid var(--line); border-top-color: var(--accent-text); border-radius: 50%; animation: turn .8s linear infinite; }
.workflow > summary { display: inline-flex; align-items: center; gap: .375rem; border-radius: 8px; color: var(--muted); font-size: .9375rem; }
.workflow > summary:hover { color: var(--fg); }
.workflow > ul { display: grid; justify-items: start; gap: .5rem; margin: .625rem 0 0; padding: 0; list-style: none; }
.workflow li { min-width: 0; max-width: 100%; }

.note { display: flex; align-items: flex-start; gap: .75rem; padding: .8125rem 1rem; border: 1px solid var(--line); border-radius: min(16px, var(--radius)); background: var(--soft); font-size: .9375rem; overflow-wrap: anywhere; }
.note > .icon { margin-top: .375rem; }
.note .text { flex: 1; min-width: 0; padding-block: .1875rem; }
.note strong { display: block; }
.note.danger { border-color: var(--danger-line); background: var(--danger-soft); } .note.danger > .icon { color: var(--danger); }
.note.warning { background: var(--warning-soft); } .note.warning > .icon { color: var(--warning); }
.widget-card, .widget-list { display: flex; flex-direction: column; gap: .5rem; max-width: 32rem; padding: .875rem 1rem; border: 1px solid var(--line); border-radius: min(16px, var(--radius)); background: var(--soft); color: var(--fg); overflow: hidden; overflow-wrap: anywhere; }
.widget-card[data-size=sm] { max-width: 24rem; } .widget-card[data-size=lg] { max-width: 40rem; } .widget-card[data-size=full] { max-width: none; }
.widget-row { display: flex; align-items: center; gap: .5rem; min-width: 0; } .widget-col { display: flex; flex-direction: column; gap: .5rem; min-width: 0; }
.widget-row > *, .widget-col > * { min-width: 0; max-width: 100%; }
.widget-card > .label, .widget-col > .label, .widget-card > .action:not(.block), .widget-col > .action:not(.block) { align-self: flex-start; }
.widget[data-loading] > * { opacity: .6; }
.widget-status { display: flex; align-items: center; gap: .375rem; padding-bottom: .5rem; border-bottom: 1px solid var(--line); color: var(--muted); font-size: .8125rem; }
.widget-folded > summary { display: flex; align-items: center; gap: .375rem; } .widget-folded > .widget-col { margin-top: .5rem; }
.answers { display: flex; flex-wrap: wrap; gap: .5rem; margin-block-start: .25rem; }
.widget-rows { display: flex; flex-direction: column; margin: 0; padding: 0; list-style: none; }
.widget-rows > li { position: relative; display: flex; align-items: center; gap: .5rem; padding: .5rem .25rem; }
.widget-rows > li + li { border-top: 1px solid var(--line); }
.cover { position: absolute; inset: 0; padding: 0; border: 0; border-radius: 8px; background: none; } .cover:hover:not(:disabled) { background: color-mix(in srgb, var(--fg) 5%, transparent); }
.widget-rows > li > :not(.cover) { position: relative; pointer-events: none; min-width: 0; } .widget-rows .action, .widget-rows .field, .widget-rows a { pointer-events: auto; }
.widget-list > .action { align-self: flex-start; }
.widget-text { margin: 0; font-size: 1rem; font-weight: 400; line-height: 1.5; white-space: pre-wrap; }
.widget-text[data-kind=title] { font-size: 1.125rem; font-weight: 620; line-height: 1.3; } .widget-text[data-kind=caption] { color: var(--muted); font-size: .8125rem; }
.widget-text[data-kind=text][data-size=xs] { font-size: .75rem; } .widget-text[data-kind=text][data-size=sm] { font-size: .875rem; } .widget-text[data-kind=text][data-size=lg] { font-size: 1.125rem; } .widget-text[data-kind=text][data-size=xl] { font-size: 1.25rem; }
.widget-text[data-kind=title][data-size=sm] { font-size: 1rem; } .widget-text[data-kind=title][data-size=lg] { font-size: 1.25rem; } .widget-text[data-kind=title][data-size=xl] { font-size: 1.5rem; } .widget-text[data-kind=title][data-size="2xl"] { font-size: 1.75rem; } .widget-text[data-kind=title][data-size="3xl"] { font-size: 2rem; } .widget-text[data-kind=title][data-size="4xl"] { font-size: 2.25rem; } .widget-text[data-kind=title][data-size="5xl"] { font-size: 2.75rem; }
.widget-text[data-kind=caption][data-size=sm] { font-size: .75rem; } .widget-text[data-kind=caption][data-size=lg] { font-size: .875rem; }
.widget-text[data-weight=normal] { font-weight: 400; } .widget-text[data-weight=medium] { font-weight: 500; } .widget-text[data-weight=semibold] { font-weight: 620; } .widget-text[data-weight=bold] { font-weight: 700; }
.widget-text[data-align=center] { text-align: center; } .widget-text[data-align=end] { text-align: end; } .widget-text[data-align=start] { text-align: start; }
.italic { font-style: italic; } .struck { text-decoration: line-through; } .truncated { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.clamped { display: -webkit-box; -webkit-box-orient: vertical; overflow: hidden; white-space: normal; }
.widget-icon { display: inline-flex; } .widget-icon[data-size=xs] { font-size: .75rem; } .widget-icon[data-size=sm] { font-size: .875rem; } .widget-icon[data-size=lg] { font-size: 1.25rem; } .widget-icon[data-size=xl] { font-size: 1.5rem; } .widget-icon[data-size="2xl"] { font-size: 2rem; } .widget-icon[data-size="3xl"] { font-size: 2.5rem; }
.widget-divider { width: 100%; margin: .25rem 0; border: 0; border-top: 1px solid var(--line); } .widget-card > .widget-divider.flush { width: calc(100% + 2rem); margin-inline: -1rem; max-width: none; }
.widget-spacer { flex: 1; }
.label, .tinted { --tone: var(--fg); } [data-color=secondary] { --tone: var(--muted); } [data-color=success] { --tone: light-dark(#0b6b2e, #5fe08a); } [data-color=danger] { --tone: var(--danger); } [data-color=warning], [data-color=caution] { --tone: var(--warning); } [data-color=info] { --tone: light-dark(#1d4f9e, #8ab8ff); } [data-color=discovery] { --tone: light-dark(#6b21a8, #d0a6ff); }
.label { display: inline-flex; align-items: center; gap: .25rem; padding: .0625rem .5rem; border: 1px solid transparent; border-radius: 99px; background: color-mix(in srgb, var(--tone) 12%, var(--bg)); color: var(--tone); font-size: .8125rem; font-weight: 550; }
.label[data-variant=solid] { background: var(--tone); color: var(--bg); } .label[data-variant=outline] { border-color: currentColor; background: none; }
.label.square { border-radius: 6px; } .label[data-size=sm] { font-size: .75rem; padding-inline: .375rem; } .label[data-size=lg] { font-size: .9375rem; padding: .125rem .625rem; }
.field { max-width: 100%; padding: .375rem .75rem; border: 1px solid color-mix(in srgb, var(--fg) 45%, var(--bg)); border-radius: min(10px, var(--radius)); background: var(--bg); color: var(--fg); font: inherit; font-size: .9375rem; }
textarea.field { flex: none; width: 100%; max-height: none; resize: vertical; field-sizing: fixed; } textarea.field.growing { field-sizing: content; resize: none; }
textarea.field:focus-visible, .field:focus-visible { outline: 2px solid var(--accent-text); outline-offset: 1px; }
.field[data-variant=soft] { background: var(--bubble); } .field.pill { border-radius: 99px; } .field.block { width: 100%; } .field::placeholder { color: var(--muted); opacity: 1; }
.field[data-size="3xs"], .field[data-size="2xs"], .field[data-size=xs], .field[data-size=sm] { padding: .125rem .5rem; font-size: .8125rem; } .field[data-size=lg], .field[data-size=xl] { padding: .5rem .875rem; } .field[data-size="2xl"], .field[data-size="3xl"] { padding: .625rem 1rem; font-size: 1.0625rem; }
.field[type=checkbox], .field[type=radio] { flex: none; width: 1.125rem; height: 1.125rem; margin: 0; accent-color: var(--accent-text); }
.question { display: grid; gap: .5rem; margin: 0 0 .5rem; padding: 0; border: 0; min-width: 0; } .question legend { padding: 0; margin-bottom: .5rem; font-weight: 550; }
.question > .choice { gap: .75rem; flex-wrap: wrap; } .question > .choice > .field { flex: 1; min-width: 10rem; } .question .aside { display: block; }
dl.widget-card { margin: 0; } dl.widget-card dt { color: var(--muted); font-size: .875rem; } dl.widget-card dd { margin: -.375rem 0 .25rem; white-space: pre-wrap; }
.choice { display: flex; align-items: center; gap: .5rem; }
th[data-align=center], td[data-align=center] { text-align: center; } th[data-align=end], td[data-align=end] { text-align: end; } td[data-valign=center] { vertical-align: middle; } td[data-valign=end] { vertical-align: bottom; }
.aside { display: flex; align-items: center; flex-wrap: wrap; gap: .75rem; margin: 0; color: var(--muted); font-size: .875rem; }
.action { flex: none; padding: .25rem .875rem; border: 1px solid var(--line); border-radius: min(99px, var(--radius)); background: var(--bg); color: var(--fg); font-size: .875rem; font-weight: 550; }
.action:hover { border-color: var(--muted); }
.action.main { border-color: transparent; background: var(--accent); color: var(--on-accent); }
.action:disabled { opacity: .5; }
.widget .action { display: inline-flex; align-items: center; justify-content: center; gap: .375em; max-width: 100%; padding: .25em .875em; }
.action.pill { border-radius: 99px; } .action.square { border-radius: min(8px, var(--radius)); } .action.block { width: 100%; } .widget .action.uniform { padding: .375em; aspect-ratio: 1; }
.action[data-size="3xs"] { font-size: .625rem; } .action[data-size="2xs"] { font-size: .6875rem; } .action[data-size=xs] { font-size: .75rem; } .action[data-size=sm] { font-size: .8125rem; } .action[data-size=lg] { font-size: .9375rem; } .action[data-size=xl] { font-size: 1rem; } .action[data-size="2xl"] { font-size: 1.125rem; } .action[data-size="3xl"] { font-size: 1.25rem; }
.action[data-icons=sm] .icon { font-size: .875rem; } .action[data-icons=md] .icon { font-size: 1rem; } .action[data-icons=lg] .icon { font-size: 1.25rem; } .action[data-icons=xl] .icon { font-size: 1.5rem; } .action[data-icons="2xl"] .icon { font-size: 1.75rem; }
.action.tinted { border-color: transparent; background: var(--tone); color: var(--bg); }
.action.tinted[data-variant=soft] { background: color-mix(in srgb, var(--tone) 12%, var(--bg)); color: var(--tone); } .action.tinted[data-variant=outline] { border-color: currentColor; background: var(--bg); color: var(--tone); } .action.tinted[data-variant=ghost] { background: none; color: var(--tone); }

.status { display: flex; align-items: center; gap: .5rem; min-height: 1.6em; color: var(--muted); font-size: .9375rem; }
.log:not(:empty) + .status:not(:empty) { margin-top: var(--gap); }
.log:not(:empty) + .status:empty { min-height: 0; }
.dots { display: inline-flex; gap: .25rem; }
.dots i { width: .375rem; height: .375rem; border-radius: 50%; background: var(--accent-text); animation: pulse 1.2s ease-in-out infinite; }
.dots i:nth-child(2) { animation-delay: .15s; } .dots i:nth-child(3) { animation-delay: .3s; }
@keyframes pulse { 0%, 70%, 100% { opacity: .25; transform: none; } 35% { opacity: 1; transform: translateY(-2px); } }
@keyframes turn { to { transform: rotate(1turn); } }

.start { flex: 1; display: flex; flex-direction: column; justify-content: center; width: 100%; max-width: 48rem; margin: 0 auto; padding: 2rem 1.5rem 0; }
.start:not([hidden]) + .column { display: none; }
.start h2 { margin: 0 0 1.75rem; font-size: clamp(1.5rem, 1.1rem + 1.8vw, 2.125rem); font-weight: 620; line-height: 1.2; letter-spacing: -.025em; text-wrap: balance; }
.prompts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 17rem), 1fr)); gap: .75rem; margin: 0; padding: 0; list-style: none; }
.prompts button { width: 100%; height: 100%; padding: .875rem 1.125rem; border: 1px solid var(--line); border-radius: min(16px, var(--radius)); background: var(--bg); text-align: start; font-size: .9375rem; line-height: 1.45; transition: border-color .15s, background .15s; }
.prompts .icon { margin-inline-end: .625rem; color: var(--muted); vertical-align: -.1875em; }
.prompts button:hover { border-color: var(--accent-text); background: var(--soft); }

.latest { position: absolute; inset-inline-end: 50%; bottom: 7rem; transform: translateX(50%); display: grid; place-items: center; width: 2.25rem; height: 2.25rem; padding: 0; border: 1px solid var(--line); border-radius: 50%; background: var(--bg); box-shadow: var(--shadow); visibility: hidden; opacity: 0; transition: opacity .15s; }
.latest[data-shown] { visibility: visible; opacity: 1; }

.composer { width: 100%; max-width: 48rem; margin: 0 auto; padding: .25rem 1.5rem 1.25rem; }
.box { display: flex; align-items: flex-end; gap: .5rem; padding: .5rem; border: 1px solid var(--line); border-radius: calc(var(--radius) + 4px); background: var(--bg); box-shadow: var(--shadow); transition: border-color .15s; }
.frame[data-scheme=dark] .box { background: var(--soft); }
.box:focus-within { border-color: var(--accent-text); box-shadow: var(--shadow), 0 0 0 3px color-mix(in srgb, var(--accent-text) 14%, transparent); }
textarea { flex: 1; min-width: 0; max-height: min(40vh, 16rem); padding: .375rem .75rem; border: 0; outline: 0; background: none; resize: none; field-sizing: content; line-height: 1.5; overflow-y: auto; }
textarea:focus-visible { outline: 0; }
textarea::placeholder { color: var(--muted); opacity: 1; }
.send { display: grid; place-items: center; flex: none; width: 2.25rem; height: 2.25rem; padding: 0; border: 0; border-radius: min(50%, var(--radius)); background: var(--accent); color: var(--on-accent); transition: background .15s, transform .1s; }
.frame[data-radius=sharp] .send { border-radius: 0; }
.send:active:not(:disabled) { transform: scale(.94); }
.send:disabled { background: var(--bubble); color: var(--muted); }
.send .stop { fill: currentColor; }
.tray { display: flex; align-items: center; flex-wrap: wrap; gap: .25rem; flex: 1; min-width: 0; }
.box:has(> .tray:not([hidden])) { flex-wrap: wrap; }
.box:has(> .tray:not([hidden])) textarea { flex-basis: 100%; }
.tool-picker, .tools { display: contents; }
.menu-place { position: relative; }
.pick { display: inline-flex; align-items: center; gap: .375rem; max-width: 12rem; min-height: 2.25rem; padding: .25rem .625rem; border: 1px solid transparent; border-radius: min(99px, var(--radius)); background: none; color: var(--muted); font-size: .875rem; }
.pick > span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.pick:hover, .pick[aria-expanded=true] { background: var(--bubble); color: var(--fg); }
.pick[aria-pressed=true] { border-color: var(--accent-text); color: var(--accent-text); }
.pick > .chevron { width: .875em; height: .875em; transform: rotate(90deg); }
.pick > .cross { width: .875em; height: .875em; }
.menu-list { position: absolute; inset-inline-start: 0; bottom: calc(100% + .5rem); z-index: 2; display: grid; min-width: 12rem; max-width: min(20rem, 80vw); max-height: 18rem; overflow-y: auto; padding: .25rem; border: 1px solid var(--line); border-radius: min(14px, var(--radius)); background: var(--bg); box-shadow: var(--shadow); }
.tray > .menu-place { margin-inline-start: auto; }
.tray > .menu-place > .menu-list { inset-inline: auto 0; }
.menu-item { display: flex; align-items: center; gap: .625rem; width: 100%; padding: .5rem .625rem; border: 0; border-radius: min(10px, var(--radius)); background: none; text-align: start; font-size: .9375rem; }
.menu-item:hover, .menu-item:focus-visible { background: var(--bubble); outline-offset: -2px; }
.menu-item > span { flex: 1; min-width: 0; }
.menu-item small { display: block; color: var(--muted); font-size: .8125rem; }
.menu-item > .check { color: var(--accent-text); }
.menu-item[aria-checked=false] > .check { visibility: hidden; }
.menu-item[aria-disabled=true] { color: var(--muted); cursor: default; opacity: .6; }
.quote { display: flex; align-items: flex-start; gap: .5rem; flex-basis: 100%; padding: .25rem 0 0 .625rem; }
.box:has(> .quote:not([hidden])) { flex-wrap: wrap; }
.quote blockquote { flex: 1; min-width: 0; max-height: 4.8em; margin: 0; overflow-y: auto; padding-inline-start: .75rem; border-inline-start: 2px solid var(--line); color: var(--muted); font-size: .9375rem; overflow-wrap: anywhere; }
.attach { width: 2.25rem; height: 2.25rem; border-radius: 50%; font-size: 1rem; }
.attached { margin-bottom: .5rem; } .refused { margin: 0 0 .5rem; color: var(--danger); font-size: .875rem; } .refused:empty { display: none; }
.files { display: flex; flex-wrap: wrap; gap: .5rem; margin: 0; padding: 0; list-style: none; } .bubble .files { margin-bottom: .375rem; }
.file { display: inline-flex; align-items: center; gap: .5rem; max-width: 100%; min-height: 2.5rem; padding: .25rem .375rem .25rem .75rem; border: 1px solid var(--line); border-radius: min(12px, var(--radius)); background: var(--bg); color: var(--fg); font-size: .875rem; }
.bubble .file { padding-inline-end: .75rem; } .file .name { min-width: 0; max-width: 16rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.file img { width: 2rem; height: 2rem; margin-inline-start: -.375rem; border-radius: 6px; object-fit: cover; } .file progress { width: 4rem; height: .375rem; accent-color: var(--accent-text); }
.file[data-state=failed] { border-color: var(--danger-line); background: var(--danger-soft); } .file .state { color: var(--danger); } .file .state:empty { display: none; }
.picture a { display: block; } .picture img { display: block; max-width: min(100%, 18rem); max-height: 14rem; border-radius: min(12px, var(--radius)); }
.counter { align-self: center; color: var(--muted); font-size: .8125rem; font-variant-numeric: tabular-nums; white-space: nowrap; }
.counter[data-over] { color: var(--danger); font-weight: 600; }
.locked { margin: 0 0 .625rem; color: var(--muted); font-size: .9375rem; text-align: center; }
.disclaimer { max-width: 48rem; margin: -.625rem auto .75rem; padding: 0 1.5rem; color: var(--muted); font-size: .8125rem; text-align: center; }
.disclaimer[data-contrast] { color: var(--fg); }
.disclaimer:empty { display: none; }

@media (max-width: 40rem) {
  .column, .start { padding-inline: 1rem; }
  .column { padding-top: 1.25rem; }
  .composer { padding: .25rem .75rem max(.75rem, env(safe-area-inset-bottom)); }
  .scroller { scrollbar-gutter: auto; }
}
@media (prefers-reduced-motion: reduce) {
  *, *::before, *::after { animation: none !important; transition: none !important; }
  .dots i { opacity: .7; }
  .spinner { border-style: dotted; border-color: var(--accent-text); }
}
@media (forced-colors: active) {
  .badge, .send, .box { border: 1px solid; }
}
`;

/** @type {CSSStyleSheet | undefined} */
let shared;

function sheet() {
  if (!shared) {
    shared = new CSSStyleSheet();
    shared.replaceSync(STYLES);
  }
  return shared;
}

if (globalThis.customElements && !customElements.get('openai-chatkit')) {
  customElements.define('openai-chatkit', OpenAIChatKit);
}
