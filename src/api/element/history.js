// @ts-check
/** The panel of earlier conversations. */

import { actionButton, errorBubble } from './bubbles.js';
import { quietButton } from './buttons.js';
import { ChatError } from './connection.js';
import { h } from './dom.js';
import { LOAD_MORE_PIXELS, MAX_TITLE_CHARACTERS } from './limits.js';
/** @import { Connection } from './connection.js' */
/** @import { Action, Thread, ThreadPage } from './types.js' */

const UNTITLED = 'New chat';

/** All threads, newest first and page by page: opened, renamed in place, deleted after a question. */
export class HistoryPanel {
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
