// @ts-check
/** Buttons, actions and fields of widgets. */

import { h } from './dom.js';
import { MOST_WIDGET_PARTS } from './widget.js';
import { mark, partIcon, setStyle, textIn, token } from './widget-style.js';
import { setText } from './widget-texts.js';
/** @import { Act, DrawPart, WidgetPainter } from './widget.js' */

// -- controls

/** @type {(label: string, isSubmit: boolean) => HTMLButtonElement} */
export function widgetButton(label, isSubmit) {
  return /** @type {HTMLButtonElement} */ (h('button', { class: 'action', type: isSubmit ? 'submit' : 'button' }, label));
}

/** @type {DrawPart} */
export function drawButton(part, painter) {
  const isSubmit = part.submit === true;
  const label = textIn(part.label);
  const button = widgetButton('', isSubmit);
  button.append(...[partIcon(part.iconStart), label || null, partIcon(part.iconEnd)].filter((child) => child !== null));
  if (!label) button.setAttribute('aria-label', textIn(part.iconStart) || textIn(part.onClickAction?.type) || 'Button');
  const isTinted = Boolean(part.color || part.variant);
  button.classList.toggle('tinted', isTinted);
  button.classList.toggle('main', !isTinted && part.style !== 'secondary');
  for (const name of ['pill', 'uniform', 'block']) button.classList.toggle(name, part[name] === true);
  button.classList.toggle('square', part.pill === false);
  mark(button, { color: token(part.color), variant: token(part.variant), size: token(part.size), icons: token(part.iconSize) });
  button.toggleAttribute('data-off', part.disabled === true);
  if (!isSubmit) onAct(button, 'click', part.onClickAction, painter.act);
  else button.dataset.acts = 'server';
  return button;
}

/** @type {(element: HTMLElement, kind: string, action: any, act: Act, own?: () => Record<string, unknown>) => void} */
export function onAct(element, kind, action, act, own) {
  if (typeof action?.type !== 'string') return;
  element.dataset.acts = actsWhere(action);
  element.addEventListener(kind, () => act(action, element, own?.()));
}

/** @param {any} action */
export function actsWhere(action) {
  return action?.handler === 'client' ? 'client' : 'server';
}

/** @type {(form: HTMLFormElement, action: any, act: Act) => void} */
export function onSubmit(form, action, act) {
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    event.stopPropagation();
    act(action, /** @type {HTMLElement | null} */ (event.submitter) ?? form);
  });
}

/** @type {(field: HTMLElement, part: any, painter: WidgetPainter) => HTMLElement} */
function asField(field, part, { context: { prefix } }) {
  const name = textIn(part.name).slice(0, 200);
  const control = /** @type {HTMLInputElement} */ (field);
  control.classList.add('field');
  control.name = name;
  control.id = `${prefix}-${name}`;
  control.required = part.required === true;
  control.toggleAttribute('data-off', part.disabled === true);
  if (part.disabled === true) control.disabled = true;
  control.dataset.said = textIn(part.placeholder) || name;
  for (const flag of ['pill', 'block']) control.classList.toggle(flag, part[flag] === true);
  return mark(control, { variant: token(part.variant), size: token(part.size) });
}

const INPUT_TYPES = ['number', 'email', 'text', 'password', 'tel', 'url'];

/** @type {DrawPart} */
export function drawInput(part, painter) {
  const type = INPUT_TYPES.includes(part.inputType) ? part.inputType : 'text';
  const input = /** @type {HTMLInputElement} */ (h('input', { type, dir: 'auto', placeholder: textIn(part.placeholder) }));
  input.defaultValue = textIn(part.defaultValue);
  if (part.pattern) input.pattern = textIn(part.pattern);
  input.autocomplete = /** @type {AutoFill} */ (token(part.autoComplete) ?? 'off');
  if (part.autoSelect === true) input.addEventListener('focus', () => input.select());
  return asField(input, part, painter);
}

/** @type {DrawPart} */
export function drawTextarea(part, painter) {
  const rows = Number.isInteger(part.rows) && part.rows > 0 ? Math.min(50, part.rows) : 3;
  const area = /** @type {HTMLTextAreaElement} */ (h('textarea', { rows: String(rows), dir: 'auto', placeholder: textIn(part.placeholder) }));
  area.defaultValue = textIn(part.defaultValue);
  if (part.autoSelect === true) area.addEventListener('focus', () => area.select());
  area.classList.toggle('growing', part.autoResize === true);
  if (part.maxRows > 0) setStyle(area, 'max-height', `calc(${Math.min(50, part.maxRows)}lh + 1rem)`);
  return asField(area, part, painter);
}

/** @type {DrawPart} */
export function drawSelect(part, painter) {
  const options = (Array.isArray(part.options) ? part.options : []).slice(0, MOST_WIDGET_PARTS).filter(Boolean);
  const chosen = textIn(part.defaultValue);
  const none = h('option', { value: '', disabled: part.clearable !== true && Boolean(chosen) }, textIn(part.placeholder) || '–');
  const rows = options.map((/** @type {any} */ { value, label }) => h('option', { value: textIn(value) }, textIn(label) || textIn(value)));
  const select = /** @type {HTMLSelectElement} */ (h('select', {}, none, ...rows));
  for (const row of /** @type {HTMLOptionElement[]} */ ([none, ...rows])) row.defaultSelected = row.value === chosen;
  onAct(select, 'change', part.onChangeAction, painter.act, () => ({ [textIn(part.name)]: select.value }));
  return asField(select, part, painter);
}

/** @type {DrawPart} */
export function drawDatePicker(part, painter) {
  const day = (/** @type {unknown} */ value) => /^\d{4}-\d{2}-\d{2}/.exec(textIn(value))?.[0] ?? '';
  const input = /** @type {HTMLInputElement} */ (h('input', { type: 'date', min: day(part.min), max: day(part.max) }));
  input.defaultValue = day(part.defaultValue);
  onAct(input, 'change', part.onChangeAction, painter.act, () => ({ [textIn(part.name)]: input.value }));
  return asField(input, part, painter);
}

/** @type {DrawPart} */
export function drawCheckbox(part, painter) {
  const box = /** @type {HTMLInputElement} */ (h('input', { type: 'checkbox' }));
  box.defaultChecked = part.defaultChecked === true;
  onAct(box, 'change', part.onChangeAction, painter.act, () => ({ [textIn(part.name)]: box.checked }));
  asField(box, part, painter);
  if (!part.label) return box;
  return h('label', { class: 'choice' }, box, h('span', { dir: 'auto' }, textIn(part.label)));
}

/** @type {DrawPart} */
export function drawRadioGroup(part, painter) {
  const options = (Array.isArray(part.options) ? part.options : []).slice(0, MOST_WIDGET_PARTS).filter(Boolean);
  const group = h('div', { class: part.direction === 'row' ? 'widget-row' : 'widget-col', role: 'radiogroup', 'aria-label': textIn(part.ariaLabel) || textIn(part.name) });
  for (const option of options) {
    const radio = /** @type {HTMLInputElement} */ (h('input', { type: 'radio', value: textIn(option.value) }));
    radio.defaultChecked = option.value === part.defaultValue;
    asField(radio, { ...part, disabled: part.disabled === true || option.disabled === true }, painter);
    radio.removeAttribute('id');
    onAct(radio, 'change', part.onChangeAction, painter.act, () => ({ [textIn(part.name)]: radio.value }));
    group.append(h('label', { class: 'choice' }, radio, h('span', { dir: 'auto' }, textIn(option.label) || textIn(option.value))));
  }
  return group;
}

/** @type {DrawPart} */
export function drawLabel(part, { context: { prefix } }) {
  const label = h('label', { class: 'widget-text', dir: 'auto', for: `${prefix}-${textIn(part.fieldName).slice(0, 200)}` }, textIn(part.value));
  return setText(label, part);
}

/** A control that no label is for says what it is by itself. @param {HTMLElement} place */
export function nameFields(place) {
  for (const field of /** @type {NodeListOf<HTMLInputElement>} */ (place.querySelectorAll('.field'))) {
    if (!field.labels?.length) field.setAttribute('aria-label', field.dataset.said ?? '');
  }
}
