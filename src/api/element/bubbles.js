// @ts-check
/** Errors and notices in the conversation. */

import { h } from './dom.js';
import { icon } from './icons.js';
import { renderMarkdown } from './markdown.js';
/** @import { Action, WireEvent } from './types.js' */

/** @type {(message: string, action: Action | null) => HTMLElement} */
export function errorBubble(message, action) {
  const text = h('div', { class: 'text' }, message);
  return h('div', { class: 'note danger', role: 'alert' }, icon('alert'), text, action && actionButton(action));
}

/** @param {WireEvent} notice */
export function noticeBubble(notice) {
  const level = ['warning', 'danger'].includes(notice.level) ? notice.level : 'info';
  const title = notice.title ? h('strong', {}, notice.title) : null;
  const text = h('div', { class: 'text' }, title, renderMarkdown(String(notice.message ?? '')));
  return h('div', { class: `note ${level}` }, icon('alert'), text);
}

/** @param {Action} action */
export function actionButton({ label, run }) {
  const button = /** @type {HTMLButtonElement} */ (h('button', { class: 'action', type: 'button' }, label));
  button.addEventListener('click', () => {
    button.closest('[data-note]')?.remove();
    run();
  });
  return button;
}
