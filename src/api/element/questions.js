// @ts-check
/** Questions in a form, answered once. */

import { h } from './dom.js';
import { shared } from './styles.js';
import { nextWidgetNumber } from './widget.js';
import { widgetButton } from './widget-forms.js';
import { textIn } from './widget-style.js';
/** @import { View } from './messages.js' */
/** @import { Item } from './types.js' */

export const INPUT_GIVEN = 'input-given';
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
export class StructuredInputView {
  element = h('article', { class: 'message asked' });
  /** @type {QuestionView[]} */
  #questions = [];
  #form = /** @type {HTMLFormElement} */ (h('form', { class: 'widget-card', novalidate: true, 'aria-label': 'Questions' }));
  #send = widgetButton('Send answers', true);
  #skip = widgetButton('Skip', false);
  #prefix = `input-${nextWidgetNumber()}`;
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
