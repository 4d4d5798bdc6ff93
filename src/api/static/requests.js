// @ts-check
/** Requests to the page's own server, and short news for the person at the page. */

const TOAST_SECONDS = 6;

/** The server's "no", in its own words. */
export class Refusal extends Error {
  /**
   * @param {string} message
   * @param {number} status
   */
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/**
 * @param {string} method
 * @param {string} path
 * @param {object} [body]
 * @returns {Promise<any>} the answer's JSON, null when it has none
 */
export async function request(method, path, body) {
  const init = body && { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } };
  const response = await fetch(path, { method, cache: 'no-store', ...init });
  if (response.status === 204) return null;
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  throw new Refusal(answer.detail ?? answer.title ?? `The server answered ${response.status}.`, response.status);
}

/** @param {unknown} error */
export function isSignedOut(error) {
  return error instanceof Refusal && error.status === 401;
}

/** @param {unknown} error */
export function explain(error) {
  announce(error instanceof Refusal ? error.message : 'The server cannot be reached. Try again in a moment.');
}

let toastTimer = 0;

/** @param {string} text */
export function announce(text) {
  const toast = /** @type {HTMLElement} */ (document.getElementById('toast'));
  toast.textContent = text;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => (toast.textContent = ''), TOAST_SECONDS * 1000);
}
