// @ts-check
/** A reply as it streams: numbered frames, resumed after a lost connection. */

import { ChatError } from './connection.js';
import { RESUME_ATTEMPTS, timings } from './limits.js';
/** @import { Connection } from './connection.js' */
/** @import { Frame, StreamListener, WireEvent } from './types.js' */

export const STREAM_HEADERS = { Accept: 'text/event-stream', 'Verbatim-Frames': 'id' };

/**
 * The response body of one run, followed across lost connections.
 * A server that names no run gets the plain protocol: the body's end is the response's end.
 */
export class ReplyStream {
  /** @type {string | null} */
  runId = null;
  /** @type {string | null} */
  #lastFrameId = null;
  #lastSequence = 0;
  #failures = 0;
  #isEnded = false;

  /** @param {Connection} connection */
  constructor(connection) {
    this.connection = connection;
    this.signal = new AbortController().signal;
    /** @type {StreamListener} */
    this.listener = { lost() {}, opened() {}, log() {} };
  }

  /** @type {(signal: AbortSignal, listener: StreamListener) => void} */
  start(signal, listener) {
    this.signal = signal;
    this.listener = listener;
    this.#failures = 0;
  }

  /**
   * @param {() => Promise<Response>} open
   * @returns {AsyncGenerator<WireEvent>}
   */
  async *events(open) {
    let response = await open();
    for (;;) {
      this.runId = response.headers.get('Verbatim-Run') ?? this.runId;
      this.listener.opened();
      yield* this.#eventsOf(response);
      if (this.#isEnded || this.runId === null) return;
      this.listener.lost();
      response = await this.reopen();
    }
  }

  /** @returns {Promise<Response>} */
  async reopen() {
    for (;;) {
      await pause(backoff(this.#failures), this.signal);
      this.#failures += 1;
      try {
        const runId = /** @type {string} */ (this.runId);
        return await this.connection.resumeStream(runId, this.#lastFrameId, this.signal);
      } catch (error) {
        const canWait = error instanceof ChatError && error.isWorthRetrying;
        if (!canWait || this.signal.aborted || this.#failures >= RESUME_ATTEMPTS) throw error;
        if (error.retryAfter) await pause(error.retryAfter, this.signal);
      }
    }
  }

  /**
   * @param {Response} response
   * @returns {AsyncGenerator<WireEvent>}
   */
  async *#eventsOf(response) {
    if (!response.headers.get('Content-Type')?.startsWith('text/event-stream') || !response.body) {
      throw new ChatError('The server did not answer with a stream. Check the address in api.url.', {
        status: response.status,
      });
    }
    try {
      for await (const frame of readFrames(response.body, this.signal)) {
        if ('comment' in frame) this.#isEnded ||= frame.comment === 'end';
        else if (this.#isNew(frame.id)) {
          const event = this.#parse(frame.data);
          if (event !== undefined) yield event;
        }
      }
    } catch (error) {
      if (this.signal.aborted || this.runId === null) throw error;
    }
  }

  /** @param {string} id */
  #isNew(id) {
    const [, runId, sequence] = /^(.+):(\d+)$/.exec(id) ?? [];
    if (!runId) return true;
    if (this.runId !== runId) this.#lastSequence = 0;
    this.runId = runId;
    if (Number(sequence) <= this.#lastSequence) return false;
    this.#lastSequence = Number(sequence);
    this.#lastFrameId = id;
    this.#failures = 0;
    return true;
  }

  /** @param {string} data @returns {WireEvent | undefined} */
  #parse(data) {
    try {
      return JSON.parse(data);
    } catch {
      this.listener.log('frame.unreadable', { characters: data.length });
    }
  }
}

/**
 * Server-sent events, read by hand: the element must see comments and detect silence.
 * @param {ReadableStream<Uint8Array>} body
 * @param {AbortSignal} signal
 * @returns {AsyncGenerator<Frame>}
 */
async function* readFrames(body, signal) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const cancel = () => void reader.cancel().catch(() => {});
  signal.addEventListener('abort', cancel);
  // One timer for all reads: setting one for each token costs as much as reading it.
  let heardAt = performance.now();
  const isSilent = () => performance.now() - heardAt > timings.silence * 1000;
  const watch = setInterval(() => isSilent() && cancel(), timings.silence * 250);
  let rest = '';
  /** @type {{ id: string, data: string[] }} */
  let frame = { id: '', data: [] };
  try {
    for (;;) {
      const { value, done } = await reader.read();
      heardAt = performance.now();
      signal.throwIfAborted();
      if (done) return;
      const lines = (rest + decoder.decode(value, { stream: true })).split('\n');
      rest = /** @type {string} */ (lines.pop());
      for (const line of lines.map((text) => text.replace(/\r$/, ''))) {
        if (line === '') {
          if (frame.data.length) yield { id: frame.id, data: frame.data.join('\n') };
          frame = { id: '', data: [] };
        } else if (line.startsWith(':')) yield { comment: line.slice(1).trim() };
        else if (line.startsWith('data:')) frame.data.push(line.slice(5).replace(/^ /, ''));
        else if (line.startsWith('id:')) frame.id = line.slice(3).trim();
      }
    }
  } finally {
    clearInterval(watch);
    signal.removeEventListener('abort', cancel);
    cancel();
  }
}

/** @param {number} failures */
export function backoff(failures) {
  const longest = Math.min(timings.longestRetry, timings.firstRetry * 2 ** failures);
  return longest * (0.5 + Math.random() / 2);
}

/**
 * Wait, but not past the moment the network or the reader comes back.
 * @param {number} seconds
 * @param {AbortSignal} signal
 */
export async function pause(seconds, signal) {
  const over = new AbortController();
  const wake = () => void (document.visibilityState === 'visible' && over.abort());
  window.addEventListener('online', wake, { signal: over.signal });
  document.addEventListener('visibilitychange', wake, { signal: over.signal });
  signal.addEventListener('abort', () => over.abort(), { signal: over.signal });
  const timer = setTimeout(() => over.abort(), seconds * 1000);
  if (!signal.aborted) await new Promise((done) => over.signal.addEventListener('abort', done));
  clearTimeout(timer);
  signal.throwIfAborted();
}
