// @ts-check
/** Icons that options and widgets may name. */

const CIRCLE = 'M12 3a9 9 0 100 18 9 9 0 000-18z';
const SQUARE = 'M4 4h16v16H4z';

/** Drawn on 24 by 24, with a stroke. @type {Record<string, string>} */
const ICON_PATHS = {
  'arrow-left': 'M19 12H5M11 6l-6 6 6 6',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  cross: 'M7 7l10 10M17 7L7 17',
  dash: 'M7 12h10',
  up: 'M12 19V5M5.5 11.5L12 5l6.5 6.5',
  stop: 'M7.5 7.5h9v9h-9z',
  down: 'M12 5v14M5.5 12.5L12 19l6.5-6.5',
  chevron: 'M9 6l6 6-6 6',
  copy: 'M9 9h10v10H9zM5 15V5h10',
  back: 'M15 6l-6 6 6 6',
  again: 'M4.5 12a7.5 7.5 0 0112.8-5.3L20 9.5M20 4.5v5h-5M19.5 12a7.5 7.5 0 01-12.8 5.3L4 14.5M4 19.5v-5h5',
  pen: 'M4.5 19.5l1-4.5L16 4.5l3.5 3.5L9 18.5z',
  positive: 'M8 11v9H4v-9zM8 11l4-8c1.7 0 2.5 1.2 2.2 3l-.7 4H20l-1.6 9.2c-.1.5-.5.8-1 .8H8',
  negative: 'M16 13V4h4v9zM16 13l-4 8c-1.7 0-2.5-1.2-2.2-3l.7-4H4l1.6-9.2c.1-.5.5-.8 1-.8H16',
  alert: 'M12 7.5v5.5M12 16.4v.1M12 3a9 9 0 100 18 9 9 0 000-18z',
  // Those that the contract names.
  agent: 'M5 9h14v10H5zM12 9V4.5M9 13.5v1M15 13.5v1',
  analytics: 'M4 20h16M7 16v-5M12 16V6M17 16v-8',
  atom: 'M12 12v.1M5 5c4-3 17 10 14 14S2 9 5 5zM19 5c-4-3-17 10-14 14S22 9 19 5z',
  batch: 'M5 9h14v11H5zM7 6h10M9 3h6',
  bin: 'M4.5 6.5h15M9.5 6.5v-2h5v2M6.5 6.5l.8 13h9.4l.8-13',
  bolt: 'M13 3L5 14h6l-1 7 8-11h-6z',
  'book-open': 'M12 6c-2-1.5-5-2-8-2v14c3 0 6 .5 8 2 2-1.5 5-2 8-2V4c-3 0-6 .5-8 2zM12 6v14',
  'book-closed': 'M6 4h12v16H6zM6 16h12M9.5 4v12',
  'book-clock': 'M18 10V4H6v16h4M9.5 4v16M16.5 12.5a4 4 0 100 8 4 4 0 000-8zM16.5 14.5v2l1 1',
  bug: 'M8 9h8v6a4 4 0 01-8 0zM9 9a3 3 0 016 0M4 12h4M16 12h4M5 19l3-2M19 19l-3-2M5 6l3 3M19 6l-3 3',
  calendar: 'M4.5 6h15v14h-15zM4.5 10.5h15M8 3.5v4M16 3.5v4',
  chart: 'M4 4v16h16M8 15l3-4 3 2 5-6',
  'chat-temporary': 'M5 5h3M11 5h3M17 5h2v3M19 11v3M19 16h-5M11 16l-4 4v-4H5v-2M5 11V8',
  'check-circle': `${CIRCLE}M8 12.5l3 3 5-6`,
  'circle-question': `${CIRCLE}M9.5 9.5a2.5 2.5 0 115 0c0 2-2.5 2-2.5 4M12 16.5v.1`,
  'circle-x': `${CIRCLE}M9 9l6 6M15 9l-6 6`,
  clock: `${CIRCLE}M12 7v5l3.5 2`,
  'collapse-left': 'M20 4v16M15 12H4M8.5 7.5L4 12l4.5 4.5',
  'collapse-right': 'M4 4v16M9 12h11M15.5 7.5L20 12l-4.5 4.5',
  'collapse-large': 'M20 10h-6V4M14 10l6-6M4 14h6v6M10 14l-6 6',
  compass: `${CIRCLE}M15.5 8.5l-2 5-5 2 2-5z`,
  confetti: 'M4 20l4-11 7 7zM14 4v2M20 10h-2M17 7l2-2M20 15l-1.5-.5',
  cube: 'M12 3l8 4.5v9L12 21l-8-4.5v-9zM4 7.5l8 4.5 8-4.5M12 12v9',
  'dark-mode': 'M20 14.2A8.3 8.3 0 019.8 4a8.3 8.3 0 1010.2 10.2z',
  desktop: 'M3.5 5h17v11h-17zM9 20h6M12 16v4',
  document: 'M6 3h8l4 4v14H6zM14 3v4h4M9 12h6M9 16h6',
  dot: 'M12 9.5a2.5 2.5 0 100 5 2.5 2.5 0 000-5z',
  'dots-horizontal': 'M5.5 12h.1M12 12h.1M18.5 12h.1',
  'dots-vertical': 'M12 5.5v.1M12 12v.1M12 18.5v.1',
  'dots-horizontal-circle': `${CIRCLE}M8 12h.1M12 12h.1M16 12h.1`,
  'dots-vertical-circle': `${CIRCLE}M12 8v.1M12 12v.1M12 16v.1`,
  'double-chevron-left': 'M12 6l-6 6 6 6M18 6l-6 6 6 6',
  'double-chevron-right': 'M6 6l6 6-6 6M12 6l6 6-6 6',
  'empty-circle': CIRCLE,
  'expand-large': 'M14 4h6v6M20 4l-7 7M10 20H4v-6M4 20l7-7',
  'external-link': 'M14 4h6v6M20 4l-9 9M10 5H5v14h14v-5',
  globe: `${CIRCLE}M3 12h18M12 3c5 5 5 13 0 18M12 3c-5 5-5 13 0 18`,
  grid: 'M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z',
  hamburger: 'M4 7h16M4 12h16M4 17h16',
  history: 'M4 12a8 8 0 108-8c-2.5 0-4.5 1-6 2.7L4 9M4 4v5h5M12 8v4l3 2',
  home: 'M4 11l8-7 8 7v9h-5v-6H9v6H4z',
  images: 'M7 7h13v13H7zM4 16V4h12M7 17l4-4 3 3 2-2 4 4',
  info: `${CIRCLE}M12 11v5M12 8v.1`,
  keys: 'M8 11a4 4 0 100 8 4 4 0 000-8zM11 12l8-8M16 7l3 3M13.5 9.5l2 2',
  lab: 'M9 3h6M10 3v6l-5 10h14L14 9V3M8 14h8',
  lifesaver: `${CIRCLE}M12 8a4 4 0 100 8 4 4 0 000-8zM5.7 5.7l3.5 3.5M14.8 14.8l3.5 3.5M18.3 5.7l-3.5 3.5M9.2 14.8l-3.5 3.5`,
  'light-mode': 'M12 8a4 4 0 100 8 4 4 0 000-8zM12 2.8v2M12 19.2v2M2.8 12h2M19.2 12h2M5.5 5.5l1.4 1.4M17.1 17.1l1.4 1.4M5.5 18.5l1.4-1.4M17.1 6.9l1.4-1.4',
  lightbulb: 'M9.5 18h5M10.5 21h3M9.5 18c0-3-3.5-4-3.5-8a6 6 0 1112 0c0 4-3.5 5-3.5 8',
  mail: 'M3.5 6h17v12h-17zM3.5 7l8.5 6 8.5-6',
  'map-pin': 'M12 21c5-5 7-8 7-11a7 7 0 10-14 0c0 3 2 6 7 11zM12 7.5a2.5 2.5 0 100 5 2.5 2.5 0 000-5z',
  maps: 'M4 6l5-2 6 2 5-2v14l-5 2-6-2-5 2zM9 4v14M15 6v14',
  menu: 'M4 8h16M4 16h10',
  'menu-inverted': 'M4 8h16M10 16h10',
  mobile: 'M7 3h10v18H7zM11 18h2',
  name: 'M4 6h16v12H4zM8 10h3M8 14h8',
  notebook: 'M6 3h12v18H6zM10 3v18M4 7h3M4 12h3M4 17h3',
  'open-left': 'M20 4v16M4 12h11M10.5 7.5L15 12l-4.5 4.5',
  'open-right': 'M4 4v16M20 12H9M13.5 7.5L9 12l4.5 4.5',
  'page-blank': 'M6 3h8l4 4v14H6zM14 3v4h4',
  phone: 'M6 3h3l2 5-2.5 1.5a12 12 0 006 6L16 13l5 2v3a2 2 0 01-2 2C10.5 20 4 13.5 4 5a2 2 0 012-2z',
  play: 'M7 4.5v15l12-7.5z',
  plus: 'M12 5v14M5 12h14',
  'profile-card': 'M3.5 5h17v14h-17zM9 8.5a2 2 0 100 4 2 2 0 000-4zM6 16.5c.5-2 1.5-2.5 3-2.5s2.5.5 3 2.5M15 10h3M15 14h3',
  search: 'M11 4a7 7 0 100 14 7 7 0 000-14zM16 16l4.5 4.5',
  'settings-cog': 'M10 3h4l.5 2.5 2 1 2.5-.8 2 3.4-2 1.8v2.2l2 1.8-2 3.4-2.5-.8-2 1L14 21h-4l-.5-2.5-2-1-2.5.8-2-3.4 2-1.8v-2.2l-2-1.8 2-3.4 2.5.8 2-1zM12 9a3 3 0 100 6 3 3 0 000-6z',
  'settings-slider': 'M4 8h8M16 8h4M4 16h4M12 16h8M14 6v4M10 14v4',
  share: 'M12 15V4M8 7.5L12 3.5l4 4M5 12v8h14v-8',
  'sidebar-left': `${SQUARE}M9.5 4v16`,
  'sidebar-right': `${SQUARE}M14.5 4v16`,
  sparkle: 'M12 3l2 7 7 2-7 2-2 7-2-7-7-2 7-2z',
  'sparkle-double': 'M10 5l1.7 5.3L17 12l-5.3 1.7L10 19l-1.7-5.3L3 12l5.3-1.7zM18.5 3v4M16.5 5h4',
  'square-code': `${SQUARE}M10 9l-3 3 3 3M14 9l3 3-3 3`,
  'square-image': `${SQUARE}M4 16l5-5 4 4 2-2 5 5M15.5 8.5v.1`,
  'square-text': `${SQUARE}M8 9h8M8 12.5h8M8 16h4`,
  star: 'M12 3.5l2.6 5.4 5.9.8-4.3 4.1 1 5.9-5.2-2.8-5.2 2.8 1-5.9L3.5 9.7l5.9-.8z',
  suitcase: 'M4 8h16v12H4zM9 8V5h6v3M4 13h16',
  user: 'M12 4a4 4 0 100 8 4 4 0 000-8zM4.5 20c1-4 4-5.5 7.5-5.5s6.5 1.5 7.5 5.5',
  wreath: 'M8 4c-4 3-5 10 0 15M16 4c4 3 5 10 0 15M10 20h4',
  'write-alt': 'M11 5H5v14h14v-6M9 15l1-3.5L18 3.5l2.5 2.5-8 8z',
};

/** Other names of the contract's and of Lucide for what is drawn the same. @type {Record<string, string>} */
const ICON_ALIASES = {
  'check-circle-filled': 'check-circle', 'chevron-left': 'back', 'chevron-right': 'chevron', 'star-filled': 'star',
  profile: 'user', reload: 'again', write: 'pen', 'write-alt2': 'write-alt', 'notebook-pencil': 'write-alt', compose: 'write-alt',
  'home-alt': 'home', 'back-small': 'arrow-left', 'back-large': 'arrow-left', 'expand-small': 'expand-large',
  'collapse-small': 'collapse-large', close: 'cross',
  x: 'cross', ban: 'circle-x', 'octagon-x': 'circle-x', 'circle-alert': 'alert', 'triangle-alert': 'alert', 'circle-check': 'check-circle',
  pencil: 'pen', 'square-pen': 'write-alt', 'trash-2': 'bin', trash: 'bin', settings: 'settings-cog', 'sliders-horizontal': 'settings-slider',
  house: 'home', file: 'page-blank', 'file-text': 'document', image: 'square-image', zap: 'bolt', bot: 'agent', sparkles: 'sparkle-double',
  'circle-help': 'circle-question', 'refresh-cw': 'again', 'rotate-ccw': 'again', 'arrow-down': 'down', 'arrow-up': 'up', ellipsis: 'dots-horizontal',
  'ellipsis-vertical': 'dots-vertical', sun: 'light-mode', moon: 'dark-mode', key: 'keys', briefcase: 'suitcase', package: 'cube',
  'life-buoy': 'lifesaver', smartphone: 'mobile', monitor: 'desktop', map: 'maps', share2: 'share', 'thumbs-up': 'positive', 'thumbs-down': 'negative',
  'list-todo': 'square-text', list: 'hamburger', code: 'square-code', 'chart-line': 'chart', 'chart-column': 'analytics', 'flask-conical': 'lab',
};

/**
 * The drawing's name for what an option, a widget or a task names; a dot for what nobody has drawn.
 * @param {unknown} wanted
 */
function iconNamed(wanted) {
  const name = String(wanted ?? '').replace(/^lucide:/, '');
  if (name.startsWith('sidebar-')) return name.includes('right') ? 'sidebar-right' : 'sidebar-left';
  const known = Object.hasOwn(ICON_ALIASES, name) ? ICON_ALIASES[name] : name;
  return Object.hasOwn(ICON_PATHS, known) ? known : 'dot';
}

/** @param {string} name also a class of its own, for the looks */
export function icon(name) {
  const svg = drawing(name);
  svg.classList.add(name);
  return svg;
}

/** @param {string} name */
function drawing(name) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  svg.classList.add('icon');
  svg.dataset.icon = name;
  path.setAttribute('d', ICON_PATHS[name]);
  svg.append(path);
  return svg;
}

/**
 * @param {unknown} wanted what an option, a widget or a task names
 */
export function namedIcon(wanted) {
  const drawn = drawing(iconNamed(wanted));
  drawn.classList.toggle('filled', wanted === 'star-filled');
  return drawn;
}
