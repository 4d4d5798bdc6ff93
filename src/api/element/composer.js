// @ts-check
/** Where a message is written. */

import { quietButton } from './buttons.js';
import { h } from './dom.js';
import { characters, textOr } from './helpers.js';
import { icon } from './icons.js';
import { COUNTER_FROM_CHARACTERS, MAX_MESSAGE_CHARACTERS } from './limits.js';
import { ModelPicker, ToolPicker } from './pickers.js';
/** @import { AttachmentTray } from './attachments.js' */

/** The message box with its one button: Send, or Stop while a reply runs. */
export class Composer {
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
export function inferenceOptions(model, tool) {
  return { ...(tool && { tool_choice: { id: tool } }), ...(model && { model }) };
}

/** @param {HTMLTextAreaElement} input */
export function growToText(input) {
  if (globalThis.CSS?.supports?.('field-sizing', 'content')) return;
  input.style.height = 'auto';
  input.style.height = `${input.scrollHeight}px`;
}
