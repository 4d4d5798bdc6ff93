// @ts-check
/** What a widget's properties do to an element's style. */

import { namedIcon } from './icons.js';
import { SPACING_PIXELS } from './widget.js';

// -- values that parts are styled with

/** @param {unknown} value */
export function textIn(value) {
  return ['string', 'number', 'boolean'].includes(typeof value) ? String(value) : '';
}

/** @param {unknown} value a name that stands in the style sheet, or in no rule of it */
export function token(value) {
  return typeof value === 'string' && /^[a-z0-9%-]{1,16}$/.test(value) ? value : null;
}

/**
 * @param {HTMLElement} element
 * @param {Record<string, string | null>} tokens
 */
export function mark(element, tokens) {
  for (const [name, value] of Object.entries(tokens)) if (value !== null) element.dataset[name] = value;
  return element;
}

/** Through the object model, which a policy without inline styles allows. @type {(element: HTMLElement, name: string, value: string | null) => void} */
export function setStyle(element, name, value) {
  if (value !== null) element.style.setProperty(name, value);
}

/** @type {(value: unknown, unit?: number) => string | null} */
export function lengthOf(value, unit = 1) {
  if (typeof value === 'number') return value >= 0 && value < 10_000 ? `${value * unit}px` : null;
  if (typeof value !== 'string') return null;
  if (/^\d{1,4}(\.\d{1,4})?$/.test(value)) return `${Number(value) * unit}px`;
  const isLength = /^(\d{1,4}(\.\d{1,4})?(px|rem|em|ch|%|vh|vw)|auto|fit-content|min-content|max-content)$/.test(value);
  return isLength ? value : null;
}

/** @type {Record<string, string>} */
const PALETTE = {
  gray: '#6b746e', red: '#dc2f26', orange: '#e8730c', yellow: '#d9a406',
  green: '#16a34a', blue: '#2870e3', purple: '#8b45e6', pink: '#e0408f',
};
/** @type {Record<string, string>} */
export const TEXT_COLORS = {
  prose: 'var(--fg)', primary: 'var(--fg)', emphasis: 'var(--fg)', secondary: 'var(--muted)', tertiary: 'var(--muted)',
  success: 'light-dark(#0b6b2e, #5fe08a)', warning: 'var(--warning)', danger: 'var(--danger)',
};
/** @type {Record<string, string>} */
export const SURFACE_COLORS = {
  surface: 'var(--bg)', 'surface-secondary': 'var(--soft)', 'surface-tertiary': 'var(--bubble)',
  'surface-elevated': 'var(--bg)', 'surface-elevated-secondary': 'var(--soft)',
};
/** @type {Record<string, string>} */
export const LINE_COLORS = { default: 'var(--line)', subtle: 'var(--line)', strong: 'var(--muted)' };

/**
 * A named colour, a shade of the palette, any CSS colour, or one each for light and dark.
 * @type {(value: any, named?: Record<string, string>) => string | null}
 */
export function colorOf(value, named = {}) {
  if (value !== null && typeof value === 'object') {
    const [light, dark] = [colorOf(value.light, named), colorOf(value.dark, named)];
    return light && dark ? `light-dark(${light}, ${dark})` : (light ?? dark);
  }
  if (typeof value !== 'string') return null;
  if (Object.hasOwn(named, value)) return named[value];
  const [, hue, shade] = /^([a-z]+)-(\d{1,4})$/.exec(value) ?? [];
  if (hue && Object.hasOwn(PALETTE, hue)) return shadeOf(PALETTE[hue], Math.min(1000, Number(shade)));
  return CSS.supports('color', value) && !/var\(|env\(|attr\(/i.test(value) ? value : null;
}

/** @type {(color: string, shade: number) => string} */
function shadeOf(color, shade) {
  if (shade <= 500) return `color-mix(in srgb, ${color} ${shade / 5}%, white)`;
  return `color-mix(in srgb, ${color} ${100 - (shade - 500) / 6}%, black)`;
}

/** @type {Record<string, string>} */
const RADII = {
  none: '0', '2xs': '2px', xs: '4px', sm: '6px', md: '8px', lg: '10px', xl: '12px',
  '2xl': '16px', '3xl': '20px', '4xl': '24px', full: '9999px', '100%': '100%',
};
/** @type {Record<string, string>} */
export const FLEX_PLACES = { start: 'flex-start', end: 'flex-end', between: 'space-between', around: 'space-around', evenly: 'space-evenly' };
const SIDES = { x: ['left', 'right'], y: ['top', 'bottom'], top: ['top'], right: ['right'], bottom: ['bottom'], left: ['left'] };

/** @type {(value: any, set: (side: string, value: any) => void) => void} */
function eachSide(value, set) {
  for (const [name, sides] of Object.entries(SIDES)) {
    if (value?.[name] !== undefined) for (const side of sides) set(`-${side}`, value[name]);
  }
}

/** @type {(element: HTMLElement, name: string, value: any) => void} */
export function setSpacing(element, name, value) {
  if (value === null || typeof value !== 'object') return setStyle(element, name, lengthOf(value, SPACING_PIXELS));
  eachSide(value, (side, one) => setStyle(element, name + side, lengthOf(one, SPACING_PIXELS)));
}

/** @type {(element: HTMLElement, value: any) => void} */
export function setBorder(element, value) {
  const line = (/** @type {any} */ border) => {
    const { size, color, style } = typeof border === 'object' && border !== null ? border : { size: border };
    const width = lengthOf(size);
    const kind = ['dashed', 'dotted', 'double', 'groove', 'ridge', 'inset', 'outset'].includes(style) ? style : 'solid';
    return width && `${width} ${kind} ${colorOf(color, LINE_COLORS) ?? 'var(--line)'}`;
  };
  const isWhole = typeof value !== 'object' || value === null || 'size' in value;
  if (isWhole) return setStyle(element, 'border', line(value ?? null));
  eachSide(value, (side, one) => setStyle(element, `border${side}`, line(one)));
}

/** @type {(element: HTMLElement, part: any) => void} */
function setBlock(element, part) {
  for (const [name, both] of [['', part.size], ['min-', part.minSize], ['max-', part.maxSize]]) {
    const prefix = name.replace('-', '');
    const own = (/** @type {string} */ side) => part[prefix ? prefix + side[0].toUpperCase() + side.slice(1) : side];
    for (const side of ['width', 'height']) setStyle(element, name + side, lengthOf(own(side) ?? both));
  }
  const ratio = textIn(part.aspectRatio);
  setStyle(element, 'aspect-ratio', /^[\d.]{1,8}( ?\/ ?[\d.]{1,8})?$/.test(ratio) ? ratio : null);
  setStyle(element, 'border-radius', RADII[token(part.radius) ?? ''] ?? null);
  setSpacing(element, 'margin', part.margin);
}

/** @type {(element: HTMLElement, part: any) => HTMLElement} */
export function setBox(element, part) {
  const place = (/** @type {unknown} */ value) => FLEX_PLACES[token(value) ?? ''] ?? token(value);
  setStyle(element, 'align-items', place(part.align));
  setStyle(element, 'justify-content', place(part.justify));
  setStyle(element, 'flex-wrap', token(part.wrap));
  const flex = textIn(part.flex);
  setStyle(element, 'flex', /^[\d.]{1,6}( [\d.]{1,6})?( (auto|\d{1,4}(px|%)?))?$|^(auto|none|initial)$/.test(flex) ? flex : null);
  setStyle(element, 'gap', lengthOf(part.gap, SPACING_PIXELS));
  setStyle(element, 'background', colorOf(part.background, SURFACE_COLORS));
  setSpacing(element, 'padding', part.padding);
  setBorder(element, part.border);
  setBlock(element, part);
  return element;
}

/** @type {(element: HTMLElement, part: any) => HTMLElement} */
export function setTheme(element, { theme }) {
  if (theme !== 'light' && theme !== 'dark') return element;
  element.classList.add('themed');
  return mark(element, { scheme: theme });
}

/** @param {unknown} name */
export function partIcon(name) {
  return typeof name === 'string' && name ? namedIcon(name) : null;
}
