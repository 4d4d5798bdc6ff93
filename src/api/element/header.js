// @ts-check
/** The header. */

import { quietButton } from './buttons.js';
import { h } from './dom.js';
import { textOr } from './helpers.js';
import { namedIcon } from './icons.js';

/** @typedef {{ icon: string, onClick: () => void }} HeaderAction */

/** The bar above the conversation: its title, the ways to the others, and the page's own two buttons. */
export class Header {
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
