// @ts-check
/**
 * `<openai-chatkit>`: a chat element for any server that speaks the ChatKit protocol.
 *
 * Served as one module, without dependencies and inline styles (safe under `style-src 'self'`). It follows the
 * contract of @openai/chatkit and adds one thing: against a server that numbers its frames
 * (`Verbatim-Run`, SSE ids) a reply survives refreshes and lost connections without loss.
 *
 *     const chat = document.createElement('openai-chatkit');
 *     chat.setOptions({ api: { url: '/chatkit', domainKey: 'local' } });
 *     document.body.append(chat);
 */

import { AttachmentTray } from './attachments.js';
import { actionButton, errorBubble, noticeBubble } from './bubbles.js';
import { Composer, inferenceOptions } from './composer.js';
import { ChatError, Connection, newId } from './connection.js';
import { h } from './dom.js';
import { Header } from './header.js';
import { characters, inOneTab, isAbort, isWaitingCall, textOr, usableLocale, within } from './helpers.js';
import { HistoryPanel } from './history.js';
import { icon, namedIcon } from './icons.js';
import { LOAD_OLDER_PIXELS, MAX_MESSAGE_CHARACTERS, STICK_TO_BOTTOM_PIXELS, timings } from './limits.js';
import { DEEPLINK_CLICK, renderMarkdown } from './markdown.js';
import { ignoredOptions, isPrompt } from './options.js';
import { INPUT_GIVEN } from './questions.js';
import { ReplyStream } from './reply-stream.js';
import { sheet } from './styles.js';
import { themeVariables } from './theme.js';
import { Timeline } from './timeline.js';
import { WIDGET_ACTION } from './widget.js';
export { ChatError } from './connection.js';
export { timings } from './limits.js';
/** @import { Attachment } from './attachments.js' */
/** @import { Action, ContentPart, Item, ItemPage, Operation, Thread, WireEvent } from './types.js' */

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

if (globalThis.customElements && !customElements.get('openai-chatkit')) {
  customElements.define('openai-chatkit', OpenAIChatKit);
}
