// @ts-check
/** A person's messages and replies. */

import { attachmentList } from './attachments.js';
import { FeedbackButtons, copyButton, quietButton } from './buttons.js';
import { growToText } from './composer.js';
import { h } from './dom.js';
import { characters } from './helpers.js';
import { MAX_MESSAGE_CHARACTERS } from './limits.js';
import { MarkdownView, linkTo, safeHref } from './markdown.js';
/** @import { BranchActions, ContentPart, Item, WireEvent } from './types.js' */

/** @typedef {{ element: HTMLElement, foot?: HTMLElement, update(item: Item): void, change?(update: WireEvent): void, render?(): void, settle?(isRunning: boolean): void, isBusy(): boolean }} View */

/** @implements {View} */
export class UserMessageView {
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
export class AssistantMessageView {
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
