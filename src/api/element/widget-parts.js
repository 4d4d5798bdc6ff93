// @ts-check
/** Containers, lists and tables of widgets. */

import { h } from './dom.js';
import { icon } from './icons.js';
import { AUTOMATIC_LIST_LIMIT, SPACING_PIXELS } from './widget.js';
import { actsWhere, onAct, onSubmit, widgetButton } from './widget-forms.js';
import {
  FLEX_PLACES,
  SURFACE_COLORS,
  colorOf,
  lengthOf,
  mark,
  partIcon,
  setBorder,
  setBox,
  setSpacing,
  setStyle,
  setTheme,
  textIn,
  token,
} from './widget-style.js';
/** @import { DrawPart, WidgetPainter } from './widget.js' */

// -- containers

/** @type {DrawPart} */
export function drawCard(part, painter) {
  const form = part.asForm === true;
  const status = widgetStatus(part.status);
  const answers = cardAnswers(part, painter);
  const body = [...painter.children(part), answers];
  const card = h(form ? 'form' : 'div', { class: 'widget-card' }, status, ...(part.collapsed === true ? [folded(part, status, body)] : body));
  if (form) onSubmit(/** @type {HTMLFormElement} */ (card), part.confirm?.action, painter.act);
  setStyle(card, 'background', colorOf(part.background, SURFACE_COLORS));
  setSpacing(card, 'padding', part.padding);
  setBorder(card, part.border);
  return setTheme(mark(card, { size: token(part.size) }), part);
}

/** @type {(part: any, painter: WidgetPainter) => HTMLElement | null} */
function cardAnswers({ confirm, cancel, asForm }, painter) {
  const buttons = [confirm, cancel].map((answer, index) => {
    if (answer === null || typeof answer !== 'object') return null;
    const isSubmit = asForm === true && index === 0;
    const button = widgetButton(textIn(answer.label), isSubmit);
    button.classList.toggle('main', index === 0);
    if (!isSubmit) onAct(button, 'click', answer.action, painter.act);
    button.dataset.acts = actsWhere(answer.action);
    button.dataset.whole = '';
    return button;
  });
  return buttons.some(Boolean) ? h('div', { class: 'answers' }, ...buttons) : null;
}

/** What a card that is done with still shows: its title, and the rest when asked for. @type {(part: any, status: HTMLElement | null, body: (HTMLElement | null)[]) => HTMLElement} */
function folded(part, status, body) {
  const children = Array.isArray(part.children) ? part.children : [];
  const title = children.find((/** @type {any} */ child) => child?.type === 'Title')?.value;
  const summary = h('summary', {}, icon('chevron'), textIn(title) || (status ? 'Details' : 'Done'));
  return h('details', { class: 'widget-folded' }, summary, h('div', { class: 'widget-col' }, ...body));
}

/** @param {any} status */
function widgetStatus(status) {
  const text = textIn(status?.text);
  if (!text) return null;
  return h('div', { class: 'widget-status' }, partIcon(status.icon), h('span', {}, text));
}

/** @type {(name: string, direction?: string) => DrawPart} */
export function boxAs(name, direction) {
  return (part, painter) => {
    const box = h('div', { class: name }, ...painter.children(part));
    if (!direction && part.direction === 'row') box.classList.replace('widget-col', 'widget-row');
    return setTheme(setBox(box, part), part);
  };
}

/** @type {DrawPart} */
export function drawForm(part, painter) {
  const form = /** @type {HTMLFormElement} */ (h('form', { class: part.direction === 'row' ? 'widget-row' : 'widget-col' }, ...painter.children(part)));
  onSubmit(form, part.onSubmitAction, painter.act);
  return setBox(form, part);
}

/** @type {DrawPart} */
export function drawListView(part, painter) {
  const rows = painter.children(part);
  const limit = part.limit === 'auto' ? AUTOMATIC_LIST_LIMIT : part.limit;
  const hidden = Number.isInteger(limit) && limit > 0 ? rows.slice(limit) : [];
  for (const row of hidden) row.hidden = true;
  const list = h('ul', { class: 'widget-rows' }, ...rows);
  const more = hidden.length ? widgetButton('Show more', false) : null;
  more?.addEventListener('click', () => {
    for (const row of hidden) row.hidden = false;
    more.remove();
    focusFirst(hidden[0]);
  });
  return setTheme(h('div', { class: 'widget-list' }, widgetStatus(part.status), list, more), part);
}

/** @param {HTMLElement} element */
function focusFirst(element) {
  const inner = /** @type {HTMLElement | null} */ (element.querySelector('button, input, select, textarea, a'));
  if (!inner) element.tabIndex = -1;
  (inner ?? element).focus();
}

/** @type {DrawPart} */
export function drawListViewItem(part, painter) {
  const row = h('li', {}, ...painter.children(part));
  setStyle(row, 'gap', lengthOf(part.gap, SPACING_PIXELS));
  setStyle(row, 'align-items', FLEX_PLACES[token(part.align) ?? ''] ?? token(part.align));
  if (typeof part.onClickAction?.type !== 'string') return row;
  // It lies over the whole row, and what can be used in the row lies over it.
  const cover = h('button', { class: 'cover', type: 'button', 'aria-label': row.textContent?.trim().slice(0, 200) || part.onClickAction.type });
  onAct(cover, 'click', part.onClickAction, painter.act);
  row.prepend(cover);
  return row;
}
