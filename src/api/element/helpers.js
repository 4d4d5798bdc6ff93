// @ts-check
/** What several parts need. */

import { inWords } from './connection.js';
/** @import { Item } from './types.js' */

/** @param {Item | undefined} item */
export function isWaitingCall(item) {
  return item?.type === 'client_tool_call' && item.status === 'pending';
}

/**
 * One tab of the origin after the other; a page that is not served over TLS has no locks.
 * @type {(name: string, signal: AbortSignal, run: () => Promise<void>) => Promise<void>}
 */
export async function inOneTab(name, signal, run) {
  if (navigator.locks) await navigator.locks.request(`chatkit:${name}`, { signal }, run);
  else await run();
}

/** @type {(seconds: number, promise: any, signal: AbortSignal) => Promise<any>} */
export async function within(seconds, promise, signal) {
  let timer = 0;
  const over = new Promise((_, reject) => {
    timer = window.setTimeout(() => reject(new Error(`It took longer than ${inWords(seconds)}.`)), seconds * 1000);
    signal.addEventListener('abort', () => reject(new Error('It was stopped.')));
  });
  return Promise.race([promise, over]).finally(() => clearTimeout(timer));
}

/** @param {string} text in code points, as the server counts them */
export function characters(text) {
  return [...text].length;
}

/** @param {unknown} error */
export function isAbort(error) {
  return error instanceof DOMException && error.name === 'AbortError';
}

/** @type {(value: unknown, fallback: string) => string} */
export function textOr(value, fallback) {
  return typeof value === 'string' && value ? value : fallback;
}

/** @param {unknown} locale */
export function usableLocale(locale) {
  try {
    return Intl.getCanonicalLocales(/** @type {string} */ (locale))[0];
  } catch {
    return undefined;
  }
}
