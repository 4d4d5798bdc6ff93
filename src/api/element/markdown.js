// @ts-check
/** Markdown without innerHTML: only what is built here reaches the page. */

import { copyButton } from './buttons.js';
import { h } from './dom.js';
import { mark } from './widget-style.js';

const DEEPEST_NESTING = 8;
const LONGEST_SPAN_CHARACTERS = 5_000;
export const DEEPLINK_CLICK = 'deeplink';
const DEEPLINK = /^chatkit-link:\/\/([^/?#]+)\/?(?:\?([^#]*))?/;
const LINK_PROTOCOLS = ['http:', 'https:', 'mailto:'];

const FENCE = /^ {0,3}(`{3,}|~{3,})([^`]*)$/;
const HEADING = /^ {0,3}(#{1,6})[ \t]+(.+)$/;
const RULE = /^ {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*$/;
const QUOTE = /^ {0,3}> ?/;
const BULLET = /^( *)([-*+]|\d{1,9}[.)])( {1,4}|$)/;
const TABLE_RULE = /^ {0,3}\|?(?: *:?-+:? *\|)+(?: *:?-+:? *)?$/;

/** Characters that neither open nor close a construct when they are added to running text. */
const PLAIN = /^[\p{L}\p{N}\p{M} ,.;?%"'’“”—–]*$/u;

/**
 * Markdown that grows: only the last block is ever parsed again, and text that cannot change the
 * structure goes straight into the last text node.
 */
export class MarkdownView {
  element = h('div', { class: 'markdown', dir: 'auto' });
  source = '';
  #tailStart = 0;
  /** @type {Element | null} */
  #tail = null;
  #isTailOpenCode = false;
  #shown = '';

  /** @param {string} source */
  set(source) {
    this.source = source;
  }

  /** @param {string} delta */
  append(delta) {
    this.source += delta;
  }

  /** Bring the document up to date with the source. */
  render() {
    if (this.source === this.#shown) return;
    if (!this.source.startsWith(this.#shown)) this.#reset();
    const delta = this.source.slice(this.#shown.length);
    if (!this.#appendCode(delta) && !this.#appendPlain(delta)) this.#renderTail();
    this.#shown = this.source;
  }

  #reset() {
    this.element.replaceChildren();
    this.#tail = null;
    this.#tailStart = 0;
    this.#shown = '';
  }

  /** @param {string} delta */
  #appendPlain(delta) {
    const node = this.#tail?.lastChild;
    if (!(node instanceof Text) || this.#tail?.tagName !== 'P' || !PLAIN.test(delta)) return false;
    const line = this.#shown.slice(this.#shown.lastIndexOf('\n') + 1);
    if (!/\p{L}/u.test(line)) return false;
    node.appendData(delta);
    return true;
  }

  /** @param {string} delta */
  #appendCode(delta) {
    const node = this.#isTailOpenCode ? this.#tail?.querySelector('code')?.lastChild : null;
    if (!(node instanceof Text) || /[`~\r]/.test(delta)) return false;
    node.appendData(delta);
    return true;
  }

  #renderTail() {
    const blocks = parseBlocks(this.source.slice(this.#tailStart), 0);
    this.#tail?.remove();
    this.#tail = null;
    this.#isTailOpenCode = false;
    const start = this.#tailStart;
    for (const block of blocks) {
      this.#tail = block.render();
      this.#tailStart = start + block.start;
      this.#isTailOpenCode = block.isOpenCode;
      this.element.append(this.#tail);
    }
  }
}

/**
 * @param {string} source
 * @returns {Element}
 */
export function renderMarkdown(source) {
  const view = new MarkdownView();
  view.set(source);
  view.render();
  return view.element;
}

/** @typedef {{ start: number, render: () => Element, isOpenCode: boolean }} Block */
/** @typedef {{ text: string, start: number }} Line */

/**
 * @param {string} source
 * @param {number} depth
 * @returns {Block[]}
 */
function parseBlocks(source, depth) {
  /** @type {Block[]} */
  const blocks = [];
  const lines = linesOf(source);
  for (let at = 0; at < lines.length; ) {
    const { text, start } = lines[at];
    if (text.trim() === '') {
      at += 1;
      continue;
    }
    const [render, next, isOpenCode = false] = blockAt(lines, at, depth);
    blocks.push({ start, render, isOpenCode });
    at = next;
  }
  return blocks;
}

/** @param {string} source */
function linesOf(source) {
  /** @type {Line[]} */
  const lines = [];
  let start = 0;
  for (const text of source.split('\n')) {
    lines.push({ text: text.replace(/\r$/, ''), start });
    start += text.length + 1;
  }
  return lines;
}

/**
 * @param {Line[]} lines
 * @param {number} at
 * @param {number} depth
 * @returns {[() => Element, number, boolean?]} how to draw the block, the line after it, whether it is code without an end
 */
function blockAt(lines, at, depth) {
  const { text } = lines[at];
  if (FENCE.test(text)) return fenceAt(lines, at);
  const heading = HEADING.exec(text);
  if (heading) {
    const tag = `h${Math.min(6, heading[1].length + 2)}`;
    return [() => withInline(h(tag), heading[2].trim()), at + 1];
  }
  if (RULE.test(text)) return [() => h('hr'), at + 1];
  if (depth < DEEPEST_NESTING) {
    if (QUOTE.test(text)) return quoteAt(lines, at, depth);
    if (BULLET.test(text)) return listAt(lines, at, depth);
  }
  if (text.includes('|') && TABLE_RULE.test(lines[at + 1]?.text ?? '')) return tableAt(lines, at);
  return paragraphAt(lines, at, depth);
}

/** @type {(lines: Line[], at: number) => [() => Element, number, boolean]} */
function fenceAt(lines, at) {
  const [, mark, about] = /** @type {RegExpExecArray} */ (FENCE.exec(lines[at].text));
  let end = at + 1;
  const closes = (/** @type {string} */ text) => {
    const trimmed = text.trim();
    return trimmed.length >= mark.length && trimmed === mark[0].repeat(trimmed.length);
  };
  while (end < lines.length && !closes(lines[end].text)) end += 1;
  const code = lines.slice(at + 1, end).map((line) => line.text).join('\n');
  const language = about.trim().split(/\s/)[0];
  const isOpen = end === lines.length && end > at + 1;
  return [() => codeBlock(code, language), Math.min(end + 1, lines.length), isOpen];
}

/**
 * @param {string} code
 * @param {string} language
 */
function codeBlock(code, language) {
  const copy = copyButton(() => code, 'Copy code');
  const bar = h('div', { class: 'code-bar' }, h('span', {}, language), copy);
  const pre = h('pre', { tabindex: '0' }, h('code', {}, code));
  return h('div', { class: 'code' }, bar, pre);
}

/** @type {(lines: Line[], at: number, depth: number) => [() => Element, number]} */
function quoteAt(lines, at, depth) {
  let end = at;
  while (end < lines.length && QUOTE.test(lines[end].text)) end += 1;
  const inner = lines.slice(at, end).map((line) => line.text.replace(QUOTE, '')).join('\n');
  return [() => withBlocks(h('blockquote'), inner, depth + 1), end];
}

/** @type {(lines: Line[], at: number, depth: number) => [() => Element, number]} */
function listAt(lines, at, depth) {
  const [, indent, mark] = /** @type {RegExpExecArray} */ (BULLET.exec(lines[at].text));
  const isOrdered = /\d/.test(mark);
  /** @type {string[][]} */
  const entries = [];
  let width = 0;
  let end = at;
  for (; end < lines.length; end++) {
    const { text } = lines[end];
    const bullet = BULLET.exec(text);
    const isEntry = bullet && bullet[1].length <= indent.length && /\d/.test(bullet[2]) === isOrdered;
    if (isEntry && !RULE.test(text)) {
      width = bullet[1].length + bullet[2].length + Math.max(1, bullet[3].length);
      entries.push([text.slice(bullet[0].length)]);
    } else if (text.trim() === '') {
      entries.at(-1)?.push('');
    } else if (/^ {2,}|^\t/.test(text)) {
      entries.at(-1)?.push(text.replace(/^\t/, '    ').replace(new RegExp(`^ {1,${width}}`), ''));
    } else if (lines[end - 1].text.trim() !== '' && !opensBlock(text)) {
      entries.at(-1)?.push(text.trim());
    } else break;
  }
  return [() => drawList(entries, isOrdered ? parseInt(mark, 10) : null, depth), end];
}

/**
 * @param {string[][]} entries
 * @param {number | null} first number of an ordered list
 * @param {number} depth
 */
function drawList(entries, first, depth) {
  const list = h(first === null ? 'ul' : 'ol');
  if (first !== null && first !== 1) list.setAttribute('start', String(first));
  for (const entry of entries) {
    const text = entry.join('\n').trimEnd().replace(/^\[([ xX])\] /, (_, mark) => (mark === ' ' ? '☐ ' : '☑ '));
    list.append(withBlocks(h('li'), text, depth + 1));
  }
  return list;
}

/** @type {(lines: Line[], at: number) => [() => Element, number]} */
function tableAt(lines, at) {
  let end = at + 2;
  while (end < lines.length && lines[end].text.includes('|')) end += 1;
  const cells = (/** @type {string} */ text) =>
    text.trim().replace(/^\||\|$/g, '').split(/(?<!\\)\|/).map((cell) => cell.replace(/\\\|/g, '|').trim());
  const row = (/** @type {string} */ text, /** @type {string} */ tag) =>
    h('tr', {}, ...cells(text).map((cell) => withInline(h(tag), cell)));
  const draw = () => {
    const body = lines.slice(at + 2, end).map((line) => row(line.text, 'td'));
    const table = h('table', {}, h('thead', {}, row(lines[at].text, 'th')), h('tbody', {}, ...body));
    return h('div', { class: 'table', tabindex: '0' }, table);
  };
  return [draw, end];
}

/** @type {(lines: Line[], at: number, depth: number) => [() => Element, number]} */
function paragraphAt(lines, at, depth) {
  let end = at + 1;
  const isText = (/** @type {string} */ text) =>
    text.trim() !== '' && (depth >= DEEPEST_NESTING || !opensBlock(text));
  while (end < lines.length && isText(lines[end].text)) end += 1;
  const text = lines.slice(at, end).map((line) => line.text.trimStart()).join('\n');
  return [() => withInline(h('p'), text), end];
}

/** @param {string} text */
function opensBlock(text) {
  const bullet = BULLET.exec(text);
  const interrupts = bullet && bullet[3] !== '' && (!/\d/.test(bullet[2]) || parseInt(bullet[2], 10) === 1);
  return interrupts || [FENCE, HEADING, RULE, QUOTE].some((pattern) => pattern.test(text));
}

/**
 * @param {Element} parent
 * @param {string} source
 * @param {number} depth
 */
function withBlocks(parent, source, depth) {
  const drawn = parseBlocks(source, depth).map((block) => block.render());
  const isTight = drawn[0]?.tagName === 'P' && parent.tagName === 'LI';
  if (isTight) parent.append(...drawn[0].childNodes, ...drawn.slice(1));
  else parent.append(...drawn);
  return parent;
}

/**
 * @param {Element} parent
 * @param {string} text
 * @param {number} [depth]
 */
function withInline(parent, text, depth = 0) {
  let plain = '';
  const flush = () => {
    if (plain) parent.append(plain);
    plain = '';
  };
  for (let at = 0; at < text.length; ) {
    const span = depth > DEEPEST_NESTING ? null : spanAt(text, at, depth);
    if (span) {
      flush();
      parent.append(span.node);
      at = span.end;
    } else {
      const isEscape = text[at] === '\\' && /[\\`*_{}[\]()#+.!~|<>-]/.test(text[at + 1] ?? '');
      if (isEscape) at += 1;
      plain += text[at];
      at += 1;
    }
  }
  flush();
  return parent;
}

/**
 * @param {string} text
 * @param {number} at
 * @param {number} depth
 * @returns {{ node: Node, end: number } | null}
 */
function spanAt(text, at, depth) {
  switch (text[at]) {
    case '\n':
      return { node: h('br'), end: at + 1 };
    case '`':
      return codeAt(text, at);
    case '!':
      return text[at + 1] === '[' ? linkAt(text, at + 1, depth) : null;
    case '[':
      return linkAt(text, at, depth);
    case '<':
      return angleLinkAt(text, at);
    case '*':
    case '_':
    case '~':
      return emphasisAt(text, at, depth);
    case 'h':
      return bareLinkAt(text, at);
    default:
      return null;
  }
}

/** @type {(text: string, at: number) => { node: Node, end: number } | null} */
function codeAt(text, at) {
  const close = closingTicks(text, at);
  if (close < 0) return null;
  const ticks = runLength(text, at);
  const code = text.slice(at + ticks, close).replace(/\n/g, ' ').replace(/^ (.*[^ ].*) $/, '$1');
  return { node: h('code', {}, code), end: close + ticks };
}

/** @type {(text: string, at: number) => number} */
function closingTicks(text, at) {
  const ticks = runLength(text, at);
  const limit = at + LONGEST_SPAN_CHARACTERS;
  for (let from = at + ticks; from < limit; ) {
    const close = text.indexOf('`', from);
    if (close < 0) return -1;
    if (runLength(text, close) === ticks) return close;
    from = close + runLength(text, close);
  }
  return -1;
}

/** @type {(text: string, at: number) => number} */
function runLength(text, at) {
  let end = at;
  while (text[end] === text[at]) end += 1;
  return end - at;
}

/** @type {(text: string, at: number, depth: number) => { node: Node, end: number } | null} */
function linkAt(text, at, depth) {
  const window = text.slice(at, at + LONGEST_SPAN_CHARACTERS);
  const found = /^\[((?:[^[\]\\]|\\.|\[[^[\]]*\])*)\]\(\s*<?([^\s<>()]*(?:\([^\s()]*\)[^\s<>()]*)*)>?(?:\s+"[^"]*")?\s*\)/.exec(window);
  const href = found && safeHref(found[2]);
  const link = found && (DEEPLINK.test(found[2]) ? deeplinkTo(found[2]) : href && linkTo(href));
  if (!found || !link) return null;
  return { node: withInline(link, found[1] || found[2], depth + 1), end: at + found[0].length };
}

/** @type {(text: string, at: number) => { node: Node, end: number } | null} */
function angleLinkAt(text, at) {
  const found = /^<((?:https?:\/\/|mailto:)[^\s<>]+)>/i.exec(text.slice(at, at + LONGEST_SPAN_CHARACTERS));
  const href = found && safeHref(found[1]);
  return found && href ? { node: linkTo(href, found[1]), end: at + found[0].length } : null;
}

/** @type {(text: string, at: number) => { node: Node, end: number } | null} */
function bareLinkAt(text, at) {
  if (/[\p{L}\p{N}]/u.test(text[at - 1] ?? '')) return null;
  const found = /^https?:\/\/[^\s<>"`*\\]+/.exec(text.slice(at, at + LONGEST_SPAN_CHARACTERS));
  if (!found) return null;
  let shown = found[0].replace(/[.,;:!?'’”]+$/, '');
  if (shown.endsWith(')') && !shown.includes('(')) shown = shown.slice(0, -1);
  const href = safeHref(shown);
  return href ? { node: linkTo(href, shown), end: at + shown.length } : null;
}

/** @param {string} address */
export function safeHref(address) {
  try {
    const url = new URL(address);
    return LINK_PROTOCOLS.includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/** @type {(href: string, ...shown: string[]) => Element} */
export function linkTo(href, ...shown) {
  return h('a', { href, title: href, target: '_blank', rel: 'noopener noreferrer nofollow' }, ...shown);
}

/** A link that leads nowhere: the page is told of it by `chatkit.deeplink`. @param {string} address */
function deeplinkTo(address) {
  const [, name = '', query = ''] = DEEPLINK.exec(address) ?? [];
  const button = h('button', { class: 'deeplink', type: 'button', role: 'link' });
  button.addEventListener('click', () => {
    const detail = { name, data: Object.fromEntries(new URLSearchParams(query)) };
    button.dispatchEvent(new CustomEvent(DEEPLINK_CLICK, { bubbles: true, detail }));
  });
  return button;
}

/** @type {(text: string, at: number, depth: number) => { node: Node, end: number } | null} */
function emphasisAt(text, at, depth) {
  const mark = text[at];
  const length = Math.min(3, runLength(text, at));
  if (mark === '~' && length !== 2) return null;
  const isInWord = mark === '_' && /[\p{L}\p{N}]/u.test(text[at - 1] ?? '');
  if (isInWord || /\s|^$/.test(text[at + length] ?? '')) return null;
  const delimiter = mark.repeat(length);
  const close = closingDelimiter(text, at + length, delimiter);
  if (close < 0) return null;
  const inner = text.slice(at + length, close);
  return { node: emphasise(delimiter, inner, depth + 1), end: close + length };
}

/** @type {(text: string, from: number, delimiter: string) => number} */
function closingDelimiter(text, from, delimiter) {
  const limit = Math.min(text.length, from + LONGEST_SPAN_CHARACTERS);
  for (let at = from; at < limit; at++) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === '`') at = Math.max(at, closingTicks(text, at)) + runLength(text, at) - 1;
    else if (text[at] === delimiter[0]) {
      const run = runLength(text, at);
      const follows = text[at + run] ?? '';
      const isWordEnd = delimiter[0] !== '_' || !/[\p{L}\p{N}]/u.test(follows);
      const fits = run === delimiter.length || run >= 3;
      if (fits && isWordEnd && !/\s/.test(text[at - 1]) && at > from) return at + run - delimiter.length;
      at += run - 1;
    }
  }
  return -1;
}

/** @type {(delimiter: string, inner: string, depth: number) => Element} */
function emphasise(delimiter, inner, depth) {
  if (delimiter === '~~') return withInline(h('s'), inner, depth);
  if (delimiter.length === 3) return h('strong', {}, withInline(h('em'), inner, depth));
  return withInline(h(delimiter.length === 2 ? 'strong' : 'em'), inner, depth);
}
