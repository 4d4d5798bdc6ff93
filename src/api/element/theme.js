// @ts-check
/** Colours and type from the theme options. */

import { ACCENT, ACCENT_TEXT_ON_LIGHT, MINIMUM_CONTRAST, TEXT_ON_ACCENT } from './limits.js';

/** How much of the accent is in the user's messages, by its level. */
const ACCENT_SHARES = [0, 0.04, 0.12, 0.2];
/** Of the palette in the light scheme and in the dark one; in percent. */
const LIGHTNESS = { '--bg': [100, 5], '--soft': [97, 8], '--bubble': [94, 12], '--line': [89, 17], '--muted': [35, 65], '--fg': [11, 93] };
const SATURATION_A_TINT = 3;
const LIGHTNESS_A_SHADE = 0.75;

/** Greys of a hue. @type {(grayscale: any, scheme: string) => Record<string, string>} */
function grayscale({ hue, tint, shade = 0 } = {}, scheme) {
  if (![hue, tint, shade].every(Number.isFinite)) return {};
  const tone = (/** @type {number[]} */ [light, dark]) => Math.min(100, Math.max(2, (scheme === 'dark' ? dark : light) - shade * LIGHTNESS_A_SHADE));
  const shades = Object.entries(LIGHTNESS).map(([name, pair]) => [name, `hsl(${hue} ${tint * SATURATION_A_TINT}% ${tone(pair)}%)`]);
  return Object.fromEntries(shades);
}

/** What stands on a surface of the page's own colours is mixed from them. @type {(surface: any, scheme: string) => Record<string, string>} */
function surfaces({ background, foreground } = {}, scheme) {
  const [bg, fg] = [hexOf(background), hexOf(foreground)];
  if (!bg && !fg) return {};
  const front = fg ?? (luminance(/** @type {string} */ (bg)) > 0.4 ? '#17211b' : '#e9efea');
  const back = bg ?? (scheme === 'dark' ? '#0b0f0c' : '#ffffff');
  const mix = (/** @type {number} */ share) => blend(back, front, share);
  return { '--bg': back, '--fg': front, '--soft': mix(0.03), '--bubble': mix(0.08), '--line': mix(0.14), '--muted': mix(0.72) };
}

/**
 * @param {any} theme
 * @param {string} scheme
 * @returns {Record<string, string | null>}
 */
export function themeVariables({ color, typography }, scheme) {
  const palette = { ...grayscale(color?.grayscale, scheme), ...surfaces(color?.surface, scheme) };
  const accent = hexOf(color?.accent?.primary) ?? ACCENT;
  const background = hexOf(palette['--bg']) ?? (scheme === 'dark' ? '#0b0f0c' : '#ffffff');
  const bubble = hexOf(palette['--bubble']) ?? (scheme === 'dark' ? '#1b231e' : '#edf1ee');
  const isOwn = accent.toLowerCase() === ACCENT.toLowerCase();
  const size = Number(typography?.baseSize);
  return {
    '--accent': accent,
    '--accent-text': isOwn && scheme === 'light' ? ACCENT_TEXT_ON_LIGHT : readable(accent, background),
    '--on-accent': isOwn ? TEXT_ON_ACCENT : contrast('#ffffff', accent) >= MINIMUM_CONTRAST ? '#ffffff' : '#101010',
    '--own': blend(bubble, accent, ACCENT_SHARES[color?.accent?.level] ?? ACCENT_SHARES[1]),
    ...Object.fromEntries(Object.keys(LIGHTNESS).map((name) => [name, palette[name] ?? null])),
    '--size': size >= 14 && size <= 18 ? `${size}px` : null,
    '--font': typeof typography?.fontFamily === 'string' ? typography.fontFamily : null,
    '--mono': typeof typography?.fontFamilyMono === 'string' ? typography.fontFamilyMono : null,
  };
}

/**
 * @param {unknown} color any CSS colour
 * @returns {string | null} as #rrggbb, or null when it is none
 */
function hexOf(color) {
  if (typeof color !== 'string' || !CSS.supports('color', color)) return null;
  const context = document.createElement('canvas').getContext('2d');
  if (!context) return null;
  context.fillStyle = color;
  if (/^#[0-9a-f]{6}$/.test(context.fillStyle)) return context.fillStyle;
  context.fillRect(0, 0, 1, 1);
  const [red, green, blue] = context.getImageData(0, 0, 1, 1).data;
  return `#${[red, green, blue].map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}

/**
 * The colour, moved towards black or white until it can be read on the background.
 * @type {(color: string, background: string) => string}
 */
function readable(color, background) {
  const goal = luminance(background) > 0.4 ? 0 : 255;
  for (let share = 0; share <= 1; share += 0.05) {
    const hex = blend(color, goal ? '#ffffff' : '#000000', share);
    if (contrast(hex, background) >= MINIMUM_CONTRAST) return hex;
  }
  return goal ? '#ffffff' : '#000000';
}

/** @type {(color: string, other: string, share: number) => string} with this share of the other one, from 0 to 1 */
function blend(color, other, share) {
  const goal = channels(other);
  const mixed = channels(color).map((part, index) => Math.round(part + (goal[index] - part) * share));
  return `#${mixed.map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}

/** WCAG 2.2 contrast ratio. @type {(one: string, other: string) => number} */
function contrast(one, other) {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

/** @param {string} hex */
function luminance(hex) {
  const [red, green, blue] = channels(hex)
    .map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** @param {string} hex */
function channels(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}
