// @ts-check
/** Widgets: how one is painted, kept and changed while it streams. */

import { h } from './dom.js';
import {
  actsWhere,
  drawButton,
  drawCheckbox,
  drawDatePicker,
  drawInput,
  drawLabel,
  drawRadioGroup,
  drawSelect,
  drawTextarea,
  nameFields,
} from './widget-forms.js';
import { boxAs, drawCard, drawForm, drawListView, drawListViewItem } from './widget-parts.js';
import { textIn } from './widget-style.js';
import {
  drawBadgeLabel,
  drawChart,
  drawDivider,
  drawIcon,
  drawImage,
  drawMarkdown,
  drawSpacer,
  drawTable,
  drawTableCell,
  drawTableRow,
  drawTransition,
  textAs,
} from './widget-texts.js';
/** @import { MarkdownView } from './markdown.js' */
/** @import { View } from './messages.js' */
/** @import { BranchActions, Item, WireEvent } from './types.js' */

export const WIDGET_ACTION = 'widget-action';
const DEEPEST_WIDGET = 24;
export const MOST_WIDGET_PARTS = 2_000;
export const AUTOMATIC_LIST_LIMIT = 5;
export const SPACING_PIXELS = 4;

/** @typedef {(part: any, painter: WidgetPainter) => HTMLElement} DrawPart */
/** @typedef {(action: any, source: HTMLElement, own?: Record<string, unknown>) => void} Act */
/** @typedef {{ act: Act, log: (name: string, data: object) => void, prefix: string }} WidgetContext */

/**
 * Draws a widget's parts as elements, and finds them again by id when the server changes one.
 * What it gets may be anything: a model had its hands in it.
 */
export class WidgetPainter {
  /** @type {Map<string, { part: any, element: HTMLElement }>} */
  #drawn = new Map();
  /** @type {Map<string, (delta: string) => void>} */
  #growing = new Map();
  /** @type {Set<MarkdownView>} */
  #stale = new Set();
  #left = 0;
  #depth = 0;

  /** @param {WidgetContext} context */
  constructor(context) {
    this.context = context;
    this.act = context.act;
  }

  /** @param {any} root */
  drawRoot(root) {
    this.#drawn.clear();
    this.#growing.clear();
    this.#stale.clear();
    this.#left = MOST_WIDGET_PARTS;
    return this.draw(root);
  }

  /**
   * @param {any} part
   * @returns {HTMLElement | null} nothing for what cannot be drawn
   */
  draw(part) {
    if (part === null || typeof part !== 'object') return null;
    if (this.#depth >= DEEPEST_WIDGET || this.#left-- <= 0) {
      if (this.#left === -1) this.context.log('widget.cut', { parts: MOST_WIDGET_PARTS });
      return null;
    }
    this.#depth += 1;
    const element = this.#drawKnown(part);
    this.#depth -= 1;
    if (element && typeof part.id === 'string') this.#drawn.set(part.id, { part, element });
    return element;
  }

  /** @param {any} part */
  #drawKnown(part) {
    if (Object.hasOwn(WIDGET_PARTS, part.type)) return WIDGET_PARTS[part.type](part, this);
    this.context.log('widget.unknown', { type: String(part.type) });
    const children = this.children(part);
    return children.length ? h('div', { class: 'widget-col' }, ...children) : null;
  }

  /** @param {any} part */
  children({ children }) {
    const parts = Array.isArray(children) ? children : [children];
    return parts.map((part) => this.draw(part)).filter((element) => element !== null);
  }

  /** @type {(part: any, grow: (delta: string) => void) => void} */
  grows(part, grow) {
    if (typeof part.id === 'string') this.#growing.set(part.id, grow);
  }

  /** @param {MarkdownView} view */
  touch(view) {
    this.#stale.add(view);
  }

  render() {
    for (const view of this.#stale) view.render();
    this.#stale.clear();
  }

  /** @type {(id: string, delta: string) => boolean} */
  append(id, delta) {
    const grow = this.#growing.get(id);
    if (!grow) return false;
    const { part } = /** @type {{ part: any }} */ (this.#drawn.get(id));
    part.value = textIn(part.value) + delta;
    grow(delta);
    return true;
  }

  /** @type {(id: string, part: any) => boolean} */
  replace(id, part) {
    const known = this.#drawn.get(id);
    if (!known || part === null || typeof part !== 'object') return false;
    this.#forget(known.part);
    for (const name of Object.keys(known.part)) delete known.part[name];
    Object.assign(known.part, part, { id });
    this.#left = MOST_WIDGET_PARTS;
    const place = known.element;
    const element = this.draw(known.part) ?? h('span', { hidden: true });
    this.#drawn.set(id, { part: known.part, element });
    keepTyped(place, () => place.replaceWith(element), element);
    return true;
  }

  /** @param {any} part */
  #forget(part) {
    if (part === null || typeof part !== 'object') return;
    this.#drawn.delete(part.id);
    this.#growing.delete(part.id);
    for (const child of Array.isArray(part.children) ? part.children : [part.children]) this.#forget(child);
  }
}

/** @type {Record<string, DrawPart>} */
const WIDGET_PARTS = {
  Card: drawCard,
  ListView: drawListView,
  ListViewItem: drawListViewItem,
  Basic: boxAs('widget-col'),
  Box: boxAs('widget-col'),
  Row: boxAs('widget-row', 'row'),
  Col: boxAs('widget-col', 'col'),
  Form: drawForm,
  Text: textAs('p'),
  Title: textAs('h4'),
  Caption: textAs('p'),
  Markdown: drawMarkdown,
  Badge: drawBadgeLabel,
  Icon: drawIcon,
  Image: drawImage,
  Divider: drawDivider,
  Spacer: drawSpacer,
  Transition: drawTransition,
  Table: drawTable,
  'Table.Row': drawTableRow,
  'Table.Cell': drawTableCell,
  Chart: drawChart,
  Button: drawButton,
  Input: drawInput,
  Textarea: drawTextarea,
  Select: drawSelect,
  DatePicker: drawDatePicker,
  Checkbox: drawCheckbox,
  RadioGroup: drawRadioGroup,
  Label: drawLabel,
};

// -- what was typed

/**
 * @param {HTMLElement} place
 * @returns {Record<string, unknown>} what its controls hold, by name
 */
function valuesIn(place) {
  /** @type {Record<string, unknown>} */
  const values = {};
  for (const field of /** @type {NodeListOf<HTMLInputElement>} */ (place.querySelectorAll('.field[name]'))) {
    if (!field.name || field.disabled) continue;
    if (field.type === 'checkbox') values[field.name] = field.checked;
    else if (field.type !== 'radio') values[field.name] = field.value;
    else if (field.checked) values[field.name] = field.value;
  }
  return values;
}

/** A part that is drawn anew keeps what was typed into it, and the focus. @type {(before: HTMLElement, change: () => void, after: HTMLElement) => void} */
function keepTyped(before, change, after) {
  const isTouched = (/** @type {HTMLInputElement} */ field) =>
    field.value !== field.defaultValue || field.checked !== field.defaultChecked;
  const fields = /** @type {HTMLInputElement[]} */ ([...before.querySelectorAll('.field[name]')]);
  const touched = fields.filter(isTouched);
  const focused = /** @type {ShadowRoot} */ (before.getRootNode()).activeElement;
  const focusedName = focused && before.contains(focused) ? focused.getAttribute('name') : null;
  change();
  for (const field of /** @type {NodeListOf<HTMLInputElement>} */ (after.querySelectorAll('.field[name]'))) {
    const typed = touched.find(({ name, type, value }) => name === field.name && type === field.type && (type !== 'radio' || value === field.value));
    if (typed && 'checked' in typed && /checkbox|radio/.test(field.type)) field.checked = typed.checked;
    else if (typed) field.value = typed.value;
    if (focusedName && field.name === focusedName) field.focus({ preventScroll: true });
  }
}

let widgetCount = 0;

export function nextWidgetNumber() {
  widgetCount += 1;
  return widgetCount;
}

/** @implements {View} */
export class WidgetView {
  element = h('article', { class: 'message widget' });
  #isRunning = false;
  /** @type {HTMLElement | null} the control whose action is under way */
  #busy = null;
  /** @type {Item} */
  #item = { id: '', type: 'widget' };
  #shown = '';
  #painter;

  /** @param {BranchActions} on */
  constructor(on) {
    this.#painter = new WidgetPainter({
      act: (action, source, own) => this.#act(action, source, own),
      log: on.log,
      prefix: `widget-${nextWidgetNumber()}`,
    });
  }

  /** @param {Item} item */
  update(item) {
    const shown = JSON.stringify(item.widget ?? null);
    this.#item = { ...item, widget: structuredClone(item.widget) };
    if (shown !== this.#shown) this.#draw();
    this.#shown = shown;
    this.element.removeAttribute('aria-busy');
    this.#allow();
  }

  #draw() {
    const drawn = this.#painter.drawRoot(this.#item.widget);
    keepTyped(this.element, () => this.element.replaceChildren(...(drawn ? [drawn] : [])), this.element);
    nameFields(this.element);
  }

  /** @param {WireEvent} update */
  change(update) {
    switch (update.type) {
      case 'widget.root.updated':
        return this.update({ ...this.#item, widget: update.widget });
      case 'widget.component.updated':
        this.#painter.replace(update.component_id, structuredClone(update.component));
        nameFields(this.element);
        break;
      case 'widget.streaming_text.value_delta':
        this.#painter.append(update.component_id, textIn(update.delta));
        this.element.setAttribute('aria-busy', String(update.done !== true));
    }
    this.#shown = '';
    this.#allow();
  }

  render() {
    this.#painter.render();
  }

  /** @param {boolean} isRunning */
  settle(isRunning) {
    this.#isRunning = isRunning;
    if (!isRunning) {
      this.element.removeAttribute('aria-busy');
      this.#finish();
    }
    this.#allow();
  }

  isBusy() {
    return false;
  }

  /** @type {Act} */
  #act(action, source, own) {
    const isClient = actsWhere(action) === 'client';
    if (typeof action?.type !== 'string' || this.#busy || (this.#isRunning && !isClient)) return;
    const form = source.closest('form');
    const typed = { ...(form ? valuesIn(form) : {}), ...own };
    const isPlain = action.payload === null || action.payload === undefined;
    const payload = Object.keys(typed).length ? { ...(isPlain ? {} : action.payload), ...typed } : action.payload;
    this.#load(action, source);
    const detail = { action: { ...action, payload }, item: this.#item, finished: () => this.#isRunning || this.#finish() };
    this.element.dispatchEvent(new CustomEvent(WIDGET_ACTION, { bubbles: true, detail }));
  }

  /** @type {(action: any, source: HTMLElement) => void} */
  #load({ loadingBehavior }, source) {
    const isWhole = source.tagName === 'FORM' || 'whole' in source.dataset || source.getAttribute('type') === 'submit';
    const wanted = loadingBehavior === 'auto' || !loadingBehavior ? (isWhole ? 'container' : 'self') : loadingBehavior;
    if (wanted === 'none') return;
    this.#busy = wanted === 'container' ? this.element : source;
    this.#busy.toggleAttribute('data-loading', true);
    this.#allow();
  }

  #finish() {
    this.#busy?.removeAttribute('data-loading');
    this.#busy = null;
    this.#allow();
  }

  /** One thing at a time: an action starts a reply of its own. */
  #allow() {
    const isLoading = this.#busy === this.element;
    for (const control of /** @type {NodeListOf<HTMLButtonElement>} */ (this.element.querySelectorAll('[data-acts], [data-off]'))) {
      const isHeld = this.#isRunning && control.dataset.acts === 'server';
      control.disabled = 'off' in control.dataset || isHeld || isLoading || control === this.#busy;
    }
  }
}
