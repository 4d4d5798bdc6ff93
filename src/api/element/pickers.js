// @ts-check
/** Menus to choose models and tools from. */

import { h } from './dom.js';
import { textOr } from './helpers.js';
import { icon, namedIcon } from './icons.js';

/** @typedef {{ id: string, label: string, description?: string, icon?: string, isDisabled?: boolean, isChosen: boolean }} MenuEntry */

/** A button and what it opens: one of several things to choose, by pointer or by arrow keys. */
class Menu {
  button = /** @type {HTMLButtonElement} */ (h('button', { class: 'pick', type: 'button', 'aria-haspopup': 'menu', 'aria-expanded': 'false' }));
  #list = h('div', { class: 'menu-list', role: 'menu', hidden: true });
  element = h('div', { class: 'menu-place' }, this.button, this.#list);

  /** @param {(id: string) => void} choose */
  constructor(choose) {
    this.choose = choose;
    this.button.addEventListener('click', () => this.#setOpen(this.#list.hidden));
    this.element.addEventListener('keydown', (event) => this.#onKey(event));
    this.element.addEventListener('focusout', (event) => {
      if (!this.element.contains(/** @type {Node | null} */ (event.relatedTarget))) this.#setOpen(false);
    });
  }

  /** @type {(label: string, shown: (Node | string)[], entries: MenuEntry[]) => void} */
  fill(label, shown, entries) {
    this.button.setAttribute('aria-label', label);
    this.button.title = label;
    this.button.replaceChildren(...shown);
    this.#list.setAttribute('aria-label', label);
    this.#list.replaceChildren(...entries.map((entry) => this.#item(entry)));
  }

  /** @param {MenuEntry} entry */
  #item({ id, label, description, icon: name, isDisabled = false, isChosen }) {
    const attributes = { class: 'menu-item', type: 'button', role: 'menuitemradio', 'aria-checked': String(isChosen), tabindex: '-1' };
    const text = h('span', {}, label, description ? h('small', {}, description) : null);
    const item = h('button', { ...attributes, 'aria-disabled': String(isDisabled) }, name ? namedIcon(name) : null, text, icon('check'));
    item.addEventListener('click', () => !isDisabled && this.#pick(id));
    return item;
  }

  /** @param {string} id */
  #pick(id) {
    this.#setOpen(false);
    this.button.focus();
    this.choose(id);
  }

  get #items() {
    return /** @type {HTMLElement[]} */ ([...this.#list.children]);
  }

  /** @param {boolean} isOpen */
  #setOpen(isOpen) {
    this.#list.hidden = !isOpen;
    this.button.setAttribute('aria-expanded', String(isOpen));
    if (isOpen) (this.#items.find((item) => item.getAttribute('aria-checked') === 'true') ?? this.#items[0])?.focus();
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (this.#list.hidden) {
      if (!['ArrowUp', 'ArrowDown'].includes(event.key)) return;
      event.preventDefault();
      return this.#setOpen(true);
    }
    if (event.key === 'Escape') {
      event.stopPropagation();
      this.#setOpen(false);
      return this.button.focus();
    }
    const items = this.#items;
    const at = items.indexOf(/** @type {HTMLElement} */ (event.target));
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    items.at(next % items.length)?.focus();
  }
}

/** Which model answers. There is none to choose where the page names none. */
export class ModelPicker {
  #menu = new Menu((id) => this.select(id));
  element = this.#menu.element;
  /** @type {any[]} */
  #models = [];
  /** @type {string | null} */
  selectedId = null;

  /** @param {unknown} models */
  configure(models) {
    this.#models = namedOptions(models);
    const usable = this.#models.filter(({ disabled }) => disabled !== true);
    const kept = usable.find(({ id }) => id === this.selectedId) ?? usable.find((model) => model.default === true) ?? usable[0];
    this.selectedId = kept?.id ?? null;
    this.element.hidden = this.#models.length === 0;
    this.#draw();
  }

  /** Raises for a model that the page does not offer. @param {string} id */
  select(id) {
    if (!this.#models.some((model) => model.id === id && model.disabled !== true)) {
      throw new Error(`There is no model "${id}" to select in composer.models.`);
    }
    this.selectedId = id;
    this.#draw();
  }

  #draw() {
    const chosen = this.#models.find(({ id }) => id === this.selectedId);
    const entries = this.#models.map(({ id, label, description, disabled }) => {
      return { id, label, description, isDisabled: disabled === true, isChosen: id === this.selectedId };
    });
    const label = chosen?.label ?? 'Model';
    this.#menu.fill(`Model: ${label}`, [h('span', {}, label), icon('chevron')], entries);
  }
}

/** Which tool the next message asks for: pinned ones are buttons, the others stand in a menu. */
export class ToolPicker {
  #menu = new Menu((id) => this.select(id === this.selectedId ? null : id));
  #buttons = h('span', { class: 'tools' });
  element = h('div', { class: 'tool-picker' }, this.#menu.element, this.#buttons);
  /** @type {any[]} */
  #tools = [];
  /** @type {string | null} */
  selectedId = null;

  /** @param {() => void} onChange */
  constructor(onChange) {
    this.onChange = onChange;
  }

  /** @param {unknown} tools */
  configure(tools) {
    this.#tools = namedOptions(tools);
    if (this.selectedId !== null && !this.#selected) this.select(null);
    this.element.hidden = this.#tools.length === 0;
    this.#draw();
  }

  get #selected() {
    return this.#tools.find(({ id }) => id === this.selectedId);
  }

  /** @returns {string | null} */
  get placeholder() {
    return textOr(this.#selected?.placeholderOverride, '') || null;
  }

  /** Raises for a tool that the page does not offer. @param {string | null} id */
  select(id) {
    if (id === this.selectedId) return;
    if (id !== null && !this.#tools.some((tool) => tool.id === id)) throw new Error(`There is no tool "${id}" in composer.tools.`);
    this.selectedId = id;
    this.#draw();
    this.onChange();
  }

  /** A tool is for one message, unless it says otherwise. */
  release() {
    if (this.#selected?.persistent !== true) this.select(null);
  }

  #draw() {
    const inMenu = this.#tools.filter(({ pinned }) => pinned !== true);
    const entries = inMenu.map(({ id, label, icon: name }) => ({ id, label, icon: name, isChosen: id === this.selectedId }));
    this.#menu.element.hidden = inMenu.length === 0;
    this.#menu.fill('Tools', [icon('settings-slider')], entries);
    const shown = this.#tools.filter(({ id, pinned }) => pinned === true || id === this.selectedId);
    this.#buttons.replaceChildren(...shown.map((tool) => this.#toolButton(tool)));
  }

  /** @param {any} tool */
  #toolButton({ id, label, shortLabel, icon: name }) {
    const isSelected = id === this.selectedId;
    const attributes = { class: 'pick', type: 'button', 'aria-pressed': String(isSelected), 'aria-label': label, title: label, 'data-tool': id };
    const button = h('button', attributes, namedIcon(name), h('span', {}, textOr(shortLabel, label)), isSelected ? icon('cross') : null);
    button.addEventListener('click', () => this.#toggle(id));
    return button;
  }

  /** @param {string} id */
  #toggle(id) {
    this.select(id === this.selectedId ? null : id);
    const same = /** @type {HTMLElement[]} */ ([...this.#buttons.children]).find(({ dataset }) => dataset.tool === id);
    (same ?? this.#menu.button).focus();
  }
}

/** Options that can be chosen by id and are shown by label. @param {unknown} options @returns {any[]} */
function namedOptions(options) {
  const isNamed = (/** @type {any} */ option) => typeof option?.id === 'string' && typeof option.label === 'string';
  return Array.isArray(options) ? options.filter(isNamed) : [];
}
