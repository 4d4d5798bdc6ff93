// @ts-check
/** The list of conversations: read page by page, searched, renamed in place, deleted after a question. */

import { Refusal, announce, explain, isSignedOut, request } from './requests.js';

/** @typedef {{ id: string, title: string | null, created_at: string, updated_at: string, last_message_at: string | null, stale?: boolean }} Conversation */
/** @typedef {{ data: Conversation[], has_more: boolean, after: string | null }} Page */

const CONVERSATIONS_PER_PAGE = 30;
const CLOCK_SECONDS = 60;
const LOAD_MORE_PIXELS = 300;
const MAX_TITLE_CHARACTERS = 200;
const UNTITLED = 'New conversation';

/** @type {(id: string) => HTMLElement} */
const get = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** @param {string | null} id */
export function addressOf(id) {
  return id ? `/?c=${encodeURIComponent(id)}` : '/';
}

export class ConversationList {
  /** @type {Map<string, Conversation>} */
  #conversations = new Map();
  /** The ids in the server's order, newest first. @type {string[]} */
  #order = [];
  /** @type {string | null} */
  #cursor = null;
  #hasMore = false;
  #isLoading = false;
  /** What is searched for; empty shows all. */
  #query = '';
  /** @type {string | null} */
  #currentId = null;
  #rows = get('conversations');
  #scroller = get('list');

  /**
   * @param {string} userId
   * @param {{ deleted: (id: string) => void, signedOut: () => void }} on
   */
  constructor(userId, on) {
    this.path = `/api/${encodeURIComponent(userId)}/conversations`;
    this.on = on;
    this.#scroller.addEventListener('scroll', () => void this.#fill(), { passive: true });
    setInterval(() => this.#order.length && this.#draw(), CLOCK_SECONDS * 1000);
  }

  /** @param {string} id */
  has(id) {
    return this.#conversations.has(id);
  }

  /** @type {(id: string, title: string) => void} */
  setTitle(id, title) {
    const conversation = this.#conversations.get(id);
    if (!conversation) return;
    conversation.title = title;
    this.#draw();
  }

  /** @param {string | null} id */
  mark(id) {
    this.#currentId = id;
    for (const link of this.#rows.querySelectorAll('.row-link')) {
      const isCurrent = /** @type {HTMLElement} */ (link).dataset.id === id;
      if (isCurrent) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
    const title = id && this.#conversations.get(id)?.title;
    document.title = title ? `${title} · Verbatim` : 'Verbatim';
  }

  /** What is shown stays until the answer is there. @param {string} query */
  async search(query) {
    this.#query = query;
    this.#isLoading = false;
    await this.#load(null);
  }

  async load() {
    if (!this.#isLoading) await this.#load(this.#cursor);
  }

  /** @param {string | null} after */
  async #load(after) {
    const query = this.#query;
    this.#isLoading = true;
    try {
      const page = await this.#page(after);
      if (query !== this.#query) return;
      if (after === null) this.#startOver();
      this.#accept(page, true);
    } catch (error) {
      if (query !== this.#query) return;
      this.#isLoading = false;
      return this.#explain(error);
    }
    this.#isLoading = false;
    await this.#fill();
  }

  #startOver() {
    this.#order = [];
    this.#hasMore = false;
    this.#cursor = null;
    this.#scroller.scrollTop = 0;
  }

  /** @param {unknown} error */
  #explain(error) {
    if (error instanceof Refusal && error.status === 422) {
      this.#startOver();
      this.#draw();
      return this.#say(error.message);
    }
    this.#say('The list could not be loaded.', () => void this.load());
    this.#tell(error);
  }

  /** What changed is on the first page, because the newest conversations come first. */
  async refresh() {
    const query = this.#query;
    try {
      const page = await this.#page(null);
      if (query === this.#query) this.#accept(page, this.#order.length === 0);
    } catch (error) {
      console.warn('conversations:', error);
    }
  }

  async #fill() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    if (this.#hasMore && scrollHeight - scrollTop - clientHeight < LOAD_MORE_PIXELS) await this.load();
  }

  /**
   * @param {string | null} after
   * @returns {Promise<Page>}
   */
  #page(after) {
    const query = new URLSearchParams({ limit: String(CONVERSATIONS_PER_PAGE), order: 'desc' });
    if (after) query.set('after', after);
    if (this.#query) query.set('q', this.#query);
    return request('GET', `${this.path}?${query}`);
  }

  /** @type {(page: Page, isContinuation: boolean) => void} */
  #accept(page, isContinuation) {
    const ids = page.data.map(({ id }) => id);
    const others = this.#order.filter((id) => !ids.includes(id));
    this.#order = isContinuation ? [...others, ...ids] : [...ids, ...others];
    for (const conversation of page.data) this.#conversations.set(conversation.id, conversation);
    if (isContinuation) {
      this.#hasMore = page.has_more;
      this.#cursor = page.after;
    }
    this.#draw();
  }

  /** @type {(id: string, title: string) => Promise<void>} */
  async #rename(id, title) {
    const former = this.#conversations.get(id)?.title ?? '';
    if (!title || title === former) return;
    this.setTitle(id, title);
    try {
      await request('PATCH', `${this.path}/${encodeURIComponent(id)}`, { title });
    } catch (error) {
      this.setTitle(id, former);
      this.#tell(error);
    }
  }

  /** @param {string} id */
  async #remove(id) {
    if (!(await confirmDelete(this.#conversations.get(id)?.title || UNTITLED))) return;
    const next = this.#rows.querySelector(`li[data-id="${CSS.escape(id)}"]`)?.nextElementSibling;
    try {
      await request('DELETE', `${this.path}/${encodeURIComponent(id)}`);
    } catch (error) {
      return this.#tell(error);
    }
    this.#conversations.delete(id);
    this.#order = this.#order.filter((known) => known !== id);
    this.#draw();
    announce('Conversation deleted.');
    /** @type {HTMLElement} */ (next?.querySelector('.row-link') ?? get('new')).focus();
    this.on.deleted(id);
  }

  /** @param {unknown} error */
  #tell(error) {
    if (isSignedOut(error)) this.on.signedOut();
    else explain(error);
  }

  /** Redraws the list in place; a row that is being renamed keeps its input. */
  #draw() {
    const rows = /** @type {HTMLElement[]} */ ([...this.#rows.children]);
    const known = new Map(rows.map((row) => [row.dataset.id ?? '', row]));
    let at = this.#rows.firstElementChild;
    for (const conversation of this.#order.flatMap((id) => this.#conversations.get(id) ?? [])) {
      const row = known.get(conversation.id) ?? this.#newRow(conversation.id);
      known.delete(conversation.id);
      if (row === at) at = at.nextElementSibling;
      else this.#rows.insertBefore(row, at);
      fill(row, conversation);
    }
    for (const row of known.values()) row.remove();
    this.#say(this.#hasMore || this.#order.length ? '' : this.#emptyNote());
    setText(get('found'), this.#query && this.#order.length ? this.#foundNote() : '');
    this.mark(this.#currentId);
  }

  #emptyNote() {
    if (!this.#query) return 'No conversations yet. What you write is kept here.';
    return `Nothing found for “${this.#query}”. Search looks for whole words, in titles and messages.`;
  }

  /** For who does not see the list change. */
  #foundNote() {
    const count = this.#order.length;
    if (this.#hasMore) return `The newest ${count} conversations found.`;
    return count === 1 ? 'One conversation found.' : `${count} conversations found.`;
  }

  /** @param {string} id */
  #newRow(id) {
    const template = /** @type {HTMLTemplateElement} */ (get('row'));
    const copy = /** @type {DocumentFragment} */ (template.content.cloneNode(true));
    const row = /** @type {HTMLElement} */ (copy.firstElementChild);
    const link = /** @type {HTMLAnchorElement} */ (row.querySelector('.row-link'));
    row.dataset.id = link.dataset.id = id;
    link.href = addressOf(id);
    const title = () => this.#conversations.get(id)?.title ?? '';
    const keep = (/** @type {string} */ text) => void this.#rename(id, text);
    row.querySelector('[data-action=rename]')?.addEventListener('click', () => editTitle(row, title(), keep));
    row.querySelector('[data-action=delete]')?.addEventListener('click', () => void this.#remove(id));
    return row;
  }

  /**
   * @param {string} text
   * @param {() => void} [again]
   */
  #say(text, again) {
    const note = get('list-note');
    setText(note, text);
    if (!again) return;
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'button';
    button.textContent = 'Try again';
    button.addEventListener('click', again);
    note.append(button);
  }
}

/** @type {(row: Element, conversation: Conversation) => void} */
function fill(row, conversation) {
  const title = conversation.title || UNTITLED;
  const time = /** @type {HTMLTimeElement} */ (row.querySelector('.row-time'));
  const { last_message_at, updated_at, created_at } = conversation;
  const at = new Date(last_message_at ?? updated_at ?? created_at);
  setText(row.querySelector('.row-title'), title);
  // Newer messages of it are kept on the server, which cannot show them yet.
  setText(time, conversation.stale ? 'out of date' : relativeTime(at));
  time.dateTime = at.toISOString();
  time.title = at.toLocaleString();
  for (const [action, verb] of [['rename', 'Rename'], ['delete', 'Delete']]) {
    const button = row.querySelector(`[data-action=${action}]`);
    button?.setAttribute('aria-label', `${verb} “${title}”`);
    button?.setAttribute('title', verb);
  }
}

/** @type {(row: HTMLElement, title: string, keep: (title: string) => void) => void} */
function editTitle(row, title, keep) {
  const input = document.createElement('input');
  input.className = 'row-input';
  input.value = title;
  input.maxLength = MAX_TITLE_CHARACTERS;
  input.setAttribute('aria-label', 'Title');
  row.classList.add('editing');
  row.prepend(input);
  input.select();
  /** @param {boolean} isKept */
  const finish = (isKept) => {
    if (!row.classList.contains('editing')) return;
    const hadFocus = document.activeElement === input;
    row.classList.remove('editing');
    input.remove();
    if (isKept) keep(input.value.trim());
    if (hadFocus) /** @type {HTMLElement} */ (row.querySelector('[data-action=rename]')).focus();
  };
  input.addEventListener('blur', () => finish(true));
  input.addEventListener('keydown', (event) => {
    if (event.isComposing || (event.key !== 'Enter' && event.key !== 'Escape')) return;
    event.preventDefault();
    event.stopPropagation();
    finish(event.key === 'Enter');
  });
}

/**
 * @param {string} title
 * @returns {Promise<boolean>}
 */
function confirmDelete(title) {
  const dialog = /** @type {HTMLDialogElement} */ (get('delete-dialog'));
  get('delete-name').textContent = title;
  dialog.returnValue = '';
  dialog.showModal();
  return new Promise((done) =>
    dialog.addEventListener('close', () => done(dialog.returnValue === 'delete'), { once: true }),
  );
}

/** @type {(element: Element | null, text: string) => void} */
function setText(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

/** @param {Date} at */
function relativeTime(at) {
  const seconds = Math.max(0, (Date.now() - at.getTime()) / 1000);
  if (seconds < 60) return 'now';
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`;
  if (seconds < 7 * 86_400) return at.toLocaleDateString(undefined, { weekday: 'short' });
  const isThisYear = at.getFullYear() === new Date().getFullYear();
  return at.toLocaleDateString(undefined, { day: 'numeric', month: 'short', ...(!isThisYear && { year: 'numeric' }) });
}
