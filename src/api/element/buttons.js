// @ts-check
/** Small buttons below a message. */

import { h } from './dom.js';
import { icon } from './icons.js';
/** @import { Siblings } from './types.js' */

/**
 * @param {() => string} text
 * @param {string} label
 */
export function copyButton(text, label) {
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
export function quietButton(name, label, run) {
  const attributes = { class: 'quiet', type: 'button', 'aria-label': label, title: label };
  const button = /** @type {HTMLButtonElement} */ (h('button', attributes, icon(name)));
  button.addEventListener('click', run);
  return button;
}

/**
 * Which of how many versions is shown, and the way to those beside it.
 * @type {(siblings: Siblings, show: (messageId: string) => void) => HTMLElement}
 */
export function versionSwitcher({ message_id, number, count, previous_id = null, next_id = null }, show) {
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
export class FeedbackButtons {
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
