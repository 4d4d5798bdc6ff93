// @ts-check
/** Texts, pictures and tables of widgets. */

import { h } from './dom.js';
import { MarkdownView } from './markdown.js';
import { MOST_WIDGET_PARTS, SPACING_PIXELS } from './widget.js';
import { drawInput, drawTextarea } from './widget-forms.js';
import {
  LINE_COLORS,
  TEXT_COLORS,
  colorOf,
  lengthOf,
  mark,
  partIcon,
  setSpacing,
  setStyle,
  textIn,
  token,
} from './widget-style.js';
/** @import { DrawPart } from './widget.js' */

// -- texts

/** @type {(tag: string) => DrawPart} */
export function textAs(tag) {
  return (part, painter) => {
    if (part.type === 'Text' && part.editable !== null && typeof part.editable === 'object') return editableText(part, painter);
    const shown = document.createTextNode(textIn(part.value));
    const element = h(tag, { class: 'widget-text', dir: 'auto' });
    element.append(shown);
    painter.grows(part, (delta) => shown.appendData(delta));
    return setText(element, part);
  };
}

/** @type {(element: HTMLElement, part: any) => HTMLElement} */
export function setText(element, part) {
  mark(element, { kind: token(textIn(part.type).toLowerCase()), size: token(part.size), weight: token(part.weight), align: token(part.textAlign) });
  element.classList.toggle('italic', part.italic === true);
  element.classList.toggle('struck', part.lineThrough === true);
  element.classList.toggle('truncated', part.truncate === true);
  setStyle(element, 'color', colorOf(part.color, TEXT_COLORS));
  setStyle(element, 'width', lengthOf(part.width));
  if (part.minLines > 0) setStyle(element, 'min-height', `${Math.min(100, part.minLines)}lh`);
  if (part.maxLines > 0) {
    element.classList.add('clamped');
    setStyle(element, '-webkit-line-clamp', String(Math.min(1000, Math.floor(part.maxLines))));
  }
  return element;
}

/** @type {DrawPart} */
function editableText(part, painter) {
  const about = { ...part.editable, defaultValue: part.value, rows: part.minLines };
  const field = part.minLines > 1 ? drawTextarea(about, painter) : drawInput(about, painter);
  painter.grows(part, (delta) => (/** @type {HTMLInputElement} */ (field).value += delta));
  return setText(field, part);
}

/** @type {DrawPart} */
export function drawMarkdown(part, painter) {
  const view = new MarkdownView();
  view.set(textIn(part.value));
  view.render();
  painter.grows(part, (delta) => {
    view.append(delta);
    painter.touch(view);
  });
  return view.element;
}

/** @type {DrawPart} */
export function drawBadgeLabel(part) {
  const label = h('span', { class: 'label', dir: 'auto' }, textIn(part.label));
  label.classList.toggle('square', part.pill === false);
  return mark(label, { color: token(part.color) ?? 'secondary', variant: token(part.variant), size: token(part.size) });
}

/** @type {DrawPart} */
export function drawIcon(part) {
  const drawn = h('span', { class: 'widget-icon' }, partIcon(part.name));
  setStyle(drawn, 'color', colorOf(part.color, TEXT_COLORS));
  return mark(drawn, { size: token(part.size) });
}

/** An address that a model wrote is not loaded: that would tell its host who reads this. @type {DrawPart} */
export function drawImage(part) {
  return h('span', { class: 'label square', 'data-color': 'secondary' }, partIcon('square-image'), textIn(part.alt) || 'Image');
}

/** @type {DrawPart} */
export function drawDivider(part) {
  const line = h('hr', { class: 'widget-divider' });
  setStyle(line, 'border-top-color', colorOf(part.color, LINE_COLORS));
  setStyle(line, 'border-top-width', lengthOf(part.size));
  setStyle(line, 'margin-block', lengthOf(part.spacing, SPACING_PIXELS));
  line.classList.toggle('flush', part.flush === true);
  return line;
}

/** @type {DrawPart} */
export function drawSpacer(part) {
  const space = h('div', { class: 'widget-spacer', 'aria-hidden': 'true' });
  setStyle(space, 'min-width', lengthOf(part.minSize, SPACING_PIXELS));
  setStyle(space, 'min-height', lengthOf(part.minSize, SPACING_PIXELS));
  return space;
}

/** @type {DrawPart} */
export function drawTransition(part, painter) {
  return h('div', { class: 'widget-col' }, ...painter.children(part));
}

// -- tables

/** @type {DrawPart} */
export function drawTable(part, painter) {
  return h('div', { class: 'table', tabindex: '0' }, h('table', {}, h('tbody', {}, ...painter.children(part))));
}

/** @type {DrawPart} */
export function drawTableRow(part, painter) {
  const cells = Array.isArray(part.children) ? part.children : [];
  const drawn = cells.map((/** @type {any} */ cell) => painter.draw(part.header === true && cell ? { ...cell, isHeader: true } : cell));
  return h('tr', {}, ...drawn);
}

/** @type {DrawPart} */
export function drawTableCell(part, painter) {
  const cell = h(part.isHeader ? 'th' : 'td', part.isHeader ? { scope: 'col' } : {}, ...painter.children(part));
  for (const [name, value] of Object.entries({ colspan: part.colSpan, rowspan: part.rowSpan })) {
    if (Number.isInteger(value) && value > 1 && value <= 100) cell.setAttribute(name, String(value));
  }
  setStyle(cell, 'width', lengthOf(part.width));
  setSpacing(cell, 'padding', part.padding);
  return mark(cell, { align: token(part.align), valign: token(part.vAlign), size: token(part.colSize) });
}

/** A chart's numbers, as a table. @type {DrawPart} */
export function drawChart(part) {
  const series = (Array.isArray(part.series) ? part.series : []).filter(Boolean);
  const axis = textIn(part.xAxis?.dataKey ?? part.xAxis);
  const names = [axis, ...series.map((/** @type {any} */ one) => textIn(one.dataKey))];
  const heads = [axis, ...series.map((/** @type {any} */ one) => textIn(one.label) || textIn(one.dataKey))];
  const rows = (Array.isArray(part.data) ? part.data : []).slice(0, MOST_WIDGET_PARTS);
  const line = (/** @type {any} */ row) => h('tr', {}, ...names.map((name) => h('td', {}, textIn(row?.[name]))));
  const head = h('tr', {}, ...heads.map((name) => h('th', { scope: 'col' }, name)));
  return h('div', { class: 'table', tabindex: '0' }, h('table', {}, h('thead', {}, head), h('tbody', {}, ...rows.map(line))));
}
