// @ts-check
/** Requests of the ChatKit protocol, and what is said when one fails. */

import { ITEMS_PER_PAGE, SEND_ATTEMPTS, THREADS_PER_PAGE, timings } from './limits.js';
import { STREAM_HEADERS, backoff, pause } from './reply-stream.js';
/** @import { Api, Item, ItemPage, Operation, Thread, ThreadPage } from './types.js' */

/** A refusal of the server (`status`) or of the network (`status` 0), in words for people. */
export class ChatError extends Error {
  /**
   * @param {string} message
   * @param {{ status?: number, retryAfter?: number | null }} [about] retryAfter in seconds
   */
  constructor(message, { status = 0, retryAfter = null } = {}) {
    super(message);
    this.name = 'ChatError';
    this.status = status;
    this.retryAfter = retryAfter;
  }

  get isWorthRetrying() {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

/** The requests of the protocol, through the page's own `fetch` when it brings one. */
export class Connection {
  /** @param {() => Api} api */
  constructor(api) {
    this.api = api;
  }

  /**
   * @param {string} threadId
   * @param {string | null} after
   * @param {AbortSignal} signal
   * @returns {Promise<ItemPage>} newest first
   */
  async listItems(threadId, after, signal) {
    const params = { thread_id: threadId, limit: ITEMS_PER_PAGE, order: 'desc', ...(after && { after }) };
    const body = { type: 'items.list', params };
    const response = await this.request('POST', '', { body, signal, headers: { 'Verbatim-Items': 'full' } });
    const page = await response.json();
    return {
      data: Array.isArray(page.data) ? page.data : [],
      has_more: page.has_more === true,
      after: page.after ?? null,
      runId: response.headers.get('Verbatim-Run'),
      branchId: response.headers.get('Verbatim-Branch'),
      isStale: response.headers.get('Verbatim-Stale') === 'true',
    };
  }

  /**
   * @param {string | null} after
   * @param {AbortSignal} signal
   * @returns {Promise<ThreadPage>} newest first
   */
  async listThreads(after, signal) {
    const params = { limit: THREADS_PER_PAGE, order: 'desc', ...(after && { after }) };
    const page = await this.#ask('threads.list', params, signal);
    return { data: Array.isArray(page.data) ? page.data : [], has_more: page.has_more === true, after: page.after ?? null };
  }

  /** @type {(threadId: string, signal: AbortSignal) => Promise<Thread>} */
  getThread(threadId, signal) {
    return this.#ask('threads.get_by_id', { thread_id: threadId }, signal);
  }

  /** @type {(threadId: string, title: string, signal: AbortSignal) => Promise<Thread>} */
  renameThread(threadId, title, signal) {
    return this.#ask('threads.update', { thread_id: threadId, title }, signal);
  }

  /** @type {(threadId: string, signal: AbortSignal) => Promise<object>} */
  deleteThread(threadId, signal) {
    return this.#ask('threads.delete', { thread_id: threadId }, signal);
  }

  /** @type {(type: string, params: object, signal: AbortSignal) => Promise<any>} */
  async #ask(type, params, signal) {
    return (await this.request('POST', '', { body: { type, params }, signal })).json();
  }

  /**
   * @param {string} threadId
   * @param {string} messageId a message or reply that is to be on the screen
   * @param {AbortSignal} signal
   */
  async showBranch(threadId, messageId, signal) {
    const path = `/threads/${encodeURIComponent(threadId)}/branch`;
    await this.request('PUT', path, { body: { message_id: messageId }, signal });
  }

  /**
   * @param {Operation} operation
   * @param {string} idempotencyKey
   * @param {AbortSignal} signal
   */
  async openStream(operation, idempotencyKey, signal) {
    const body = { ...operation, metadata: { ...operation.metadata, idempotency_key: idempotencyKey } };
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.request('POST', '', { body, signal, headers: STREAM_HEADERS });
      } catch (error) {
        const isNetwork = error instanceof ChatError && error.status === 0;
        if (!isNetwork || signal.aborted || attempt === SEND_ATTEMPTS) throw error;
        await pause(backoff(attempt - 1), signal);
      }
    }
  }

  /**
   * @param {string} runId
   * @param {string | null} lastFrameId
   * @param {AbortSignal} signal
   */
  resumeStream(runId, lastFrameId, signal) {
    const headers = { ...STREAM_HEADERS, ...(lastFrameId && { 'Last-Event-ID': lastFrameId }) };
    return this.request('GET', `/runs/${encodeURIComponent(runId)}/stream`, { headers, signal });
  }

  /**
   * @param {string} threadId
   * @param {string} itemId
   * @param {string} kind positive or negative
   * @param {boolean} isUndo takes it back
   */
  async giveFeedback(threadId, itemId, kind, isUndo) {
    const { signal } = new AbortController();
    const params = { thread_id: threadId, item_ids: [itemId], kind };
    const body = { type: 'items.feedback', params, ...(isUndo && { metadata: { undo: true } }) };
    await this.request('POST', '', { body, signal });
  }

  /**
   * @param {string} threadId
   * @param {string} itemId
   * @param {{ type: string, payload?: any }} action
   * @param {AbortSignal} signal
   * @returns {Promise<Item | null>} what became of the item, when that is told
   */
  async act(threadId, itemId, action, signal) {
    const params = { thread_id: threadId, item_id: itemId, action };
    const response = await this.request('POST', '', { body: { type: 'threads.sync_custom_action', params }, signal });
    return (await response.json()).updated_item ?? null;
  }

  /**
   * As `api.uploadStrategy` says: announced first and then sent where the server says, or sent at once.
   * @param {File} file
   * @param {AbortSignal} signal
   * @param {(share: number) => void} progress
   */
  async upload(file, signal, progress) {
    const { uploadStrategy } = this.api();
    if (uploadStrategy?.type === 'direct') {
      const form = new FormData();
      form.append('file', file, file.name);
      const response = await this.#sendFile('POST', uploadStrategy.uploadUrl ?? '', form, {}, signal, progress);
      return response.json();
    }
    const params = { name: file.name, size: file.size, mime_type: file.type || 'application/octet-stream' };
    const response = await this.request('POST', '', { body: { type: 'attachments.create', params }, signal });
    const { upload_descriptor: descriptor, ...attachment } = await response.json();
    if (descriptor) await this.#sendFile(descriptor.method, descriptor.url, file, descriptor.headers ?? {}, signal, progress);
    return attachment;
  }

  /** @param {string} attachmentId */
  async deleteAttachment(attachmentId) {
    const { signal } = new AbortController();
    const params = { attachment_id: attachmentId };
    await this.request('POST', '', { body: { type: 'attachments.delete', params }, signal });
  }

  /**
   * By `api.fetch` where it belongs to our server, since it may add what signs the user in. Otherwise by
   * XMLHttpRequest, which alone tells how far an upload is.
   * @type {(method: string, address: string, body: File | FormData, headers: Record<string, string>, signal: AbortSignal, progress: (share: number) => void) => Promise<Response>}
   */
  async #sendFile(method, address, body, headers, signal, progress) {
    const api = this.api();
    const url = new URL(address, document.baseURI);
    if (!/^https?:$/.test(url.protocol)) throw new ChatError('The server named no address to upload to.', { status: 400 });
    const isOurs = url.origin === new URL(api.url, document.baseURI).origin;
    const isBare = typeof api.fetch !== 'function' || api.fetch === globalThis.fetch;
    /** @type {Record<string, string>} */
    const kind = body instanceof File && body.type ? { 'Content-Type': body.type } : {};
    const init = { method, body, headers: { ...kind, ...headers }, signal };
    const sent = isOurs && !isBare ? /** @type {Required<Api>} */ (api).fetch(url.href, init) : sendWithProgress(url.href, init, progress);
    const response = await sent.catch((error) => {
      if (signal.aborted) throw error;
      throw new ChatError('The file could not be uploaded. Check your connection and try again.');
    });
    if (!response.ok) throw await problemOf(response);
    return response;
  }

  /** @param {string} runId */
  async stopRun(runId) {
    const { signal } = new AbortController();
    try {
      await this.request('DELETE', `/runs/${encodeURIComponent(runId)}`, { signal });
    } catch (error) {
      const isOver = error instanceof ChatError && [404, 409, 410].includes(error.status);
      if (!isOver) throw error;
    }
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {{ body?: object, headers?: Record<string, string>, signal: AbortSignal }} request
   * @returns {Promise<Response>} only answers of the 200 kind; anything else is a ChatError
   */
  async request(method, path, { body, headers = {}, signal }) {
    const url = endpoint(this.api().url, path);
    const abort = new AbortController();
    const forward = () => abort.abort(signal.reason);
    signal.addEventListener('abort', forward);
    const timer = setTimeout(() => abort.abort(), timings.silence * 1000);
    /** @type {RequestInit} */
    // A 410 is cached for ever by some browsers, and a later resumption would be answered by it.
    const init = { method, headers: { ...headers }, signal: abort.signal, cache: 'no-store' };
    if (body) {
      init.body = JSON.stringify(body);
      init.headers = { 'Content-Type': 'application/json', ...headers };
    }
    let response;
    try {
      signal.throwIfAborted();
      response = await this.#fetch(url, init);
    } catch (error) {
      if (signal.aborted) throw error;
      throw new ChatError('The server cannot be reached. Check your connection and try again.');
    } finally {
      clearTimeout(timer);
      // The reader of a stream owns it from here on and cancels it by itself.
      signal.removeEventListener('abort', forward);
    }
    if (!response.ok) throw await problemOf(response);
    return response;
  }

  /**
   * @param {string} url
   * @param {RequestInit} init
   */
  #fetch(url, init) {
    const api = this.api();
    const isBare = typeof api.fetch !== 'function' || api.fetch === globalThis.fetch;
    return isBare ? fetch(url, init) : /** @type {Required<Api>} */ (api).fetch(url, init);
  }
}

/**
 * @type {(url: string, init: { method: string, body: File | FormData, headers: Record<string, string>, signal: AbortSignal }, progress: (share: number) => void) => Promise<Response>}
 */
function sendWithProgress(url, { method, body, headers, signal }, progress) {
  const request = new XMLHttpRequest();
  let timer = 0;
  const watch = () => {
    clearTimeout(timer);
    timer = window.setTimeout(() => request.abort(), timings.silence * 1000);
  };
  const sent = new Promise((done, failed) => {
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.addEventListener('progress', ({ loaded, total }) => {
      watch();
      if (total) progress(loaded / total);
    });
    const answer = () => new Response([204, 205, 304].includes(request.status) ? null : request.response, { status: request.status });
    request.responseType = 'blob';
    request.addEventListener('load', () => done(answer()));
    for (const end of ['error', 'abort', 'timeout']) request.addEventListener(end, () => failed(new Error(end)));
    signal.addEventListener('abort', () => request.abort());
    watch();
    request.send(body);
  });
  return sent.finally(() => clearTimeout(timer));
}

/**
 * @param {string} base
 * @param {string} path
 */
function endpoint(base, path) {
  if (!path) return base;
  const url = new URL(base, document.baseURI);
  url.pathname = url.pathname.replace(/\/$/, '') + path;
  return url.href;
}

/** @param {Response} response */
async function problemOf(response) {
  const problem = await response.json().catch(() => ({}));
  const seconds = retryAfterSeconds(response.headers.get('Retry-After'));
  const said = [problem?.detail, problem?.title].find((text) => typeof text === 'string' && text);
  let message = said ?? `The server answered with an error (${response.status}).`;
  if (response.status === 401) message = 'You are signed out. Sign in again to continue.';
  if (seconds !== null) message = `${message} Try again in ${inWords(seconds)}.`;
  return new ChatError(message, { status: response.status, retryAfter: seconds });
}

/** @param {string | null} header */
function retryAfterSeconds(header) {
  if (!header) return null;
  const seconds = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(1, Math.ceil(seconds)) : null;
}

/** @param {number} seconds */
export function inWords(seconds) {
  const [count, unit] = seconds < 100 ? [seconds, 'second'] : [Math.ceil(seconds / 60), 'minute'];
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}

export function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
