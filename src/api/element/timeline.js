// @ts-check
/** The conversation as a list of views. */

import { versionSwitcher } from './buttons.js';
import { h } from './dom.js';
import { SLOW_DRAW_MILLISECONDS, timings } from './limits.js';
import { AssistantMessageView, UserMessageView } from './messages.js';
import { StructuredInputView } from './questions.js';
import { TaskView, WorkflowView } from './tasks.js';
import { WidgetView } from './widget.js';
/** @import { View } from './messages.js' */
/** @import { BranchActions, Item, Siblings, WireEvent } from './types.js' */

/** @type {Record<string, new (on: BranchActions) => View>} */
const VIEWS = {
  user_message: UserMessageView,
  assistant_message: AssistantMessageView,
  task: TaskView,
  workflow: WorkflowView,
  widget: WidgetView,
  structured_input: StructuredInputView,
};

/** The items of one thread in order, each with its view; unknown kinds are remembered by nobody. */
export class Timeline {
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
