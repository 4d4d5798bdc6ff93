// @ts-check
/** Files that go with a message. */

import { quietButton } from './buttons.js';
import { ChatError } from './connection.js';
import { h } from './dom.js';
import { namedIcon } from './icons.js';
import { textIn } from './widget-style.js';

const MOST_ATTACHMENTS = 10;
const LARGEST_ATTACHMENT_BYTES = 100 * 1024 * 1024;

/** @typedef {{ id: string, name: string, type: string, mime_type: string, preview_url?: string }} Attachment */
/** @typedef {{ enabled?: boolean, maxCount?: number, maxSize?: number | Record<string, number>, accept?: Record<string, string[]> }} AttachmentOptions */
/** @typedef {(file: File, signal: AbortSignal, progress: (share: number) => void) => Promise<Attachment>} Upload */

/** The files that go with the next message: chosen, dropped or pasted, uploaded at once. */
export class AttachmentTray {
  button = quietButton('plus', 'Attach files', () => this.#picker.click());
  element = h('div', { class: 'attached', hidden: true });
  #list = h('ul', { class: 'files', 'aria-label': 'Attachments' });
  #refused = h('p', { class: 'refused', role: 'alert' });
  #picker = /** @type {HTMLInputElement} */ (h('input', { type: 'file', multiple: true, hidden: true, tabindex: '-1', 'aria-hidden': 'true' }));
  /** @type {AttachmentOptions} */
  #options = {};
  /** @type {AttachmentChip[]} */
  #chips = [];

  /** @param {{ upload: Upload, remove: (id: string) => void, changed: () => void }} on */
  constructor(on) {
    this.on = on;
    this.button.hidden = true;
    this.button.classList.add('attach');
    this.element.append(this.#refused, this.#list, this.#picker);
    this.#picker.addEventListener('change', () => {
      this.add([...(this.#picker.files ?? [])]);
      this.#picker.value = '';
    });
  }

  get isEnabled() {
    return this.#options.enabled === true;
  }

  get isUploading() {
    return this.#chips.some(({ isUploading }) => isUploading);
  }

  /** @param {unknown} options */
  set options(options) {
    this.#options = options !== null && typeof options === 'object' ? options : {};
    this.button.hidden = !this.isEnabled;
    this.#picker.accept = Object.entries(this.#accepted).flat(2).filter((kind) => typeof kind === 'string').join(',');
  }

  get #accepted() {
    const { accept } = this.#options;
    return accept !== null && typeof accept === 'object' ? accept : {};
  }

  /** @param {File[]} files */
  add(files) {
    if (!this.isEnabled) return;
    this.#refused.textContent = '';
    for (const file of files) {
      const refusal = this.#refusalOf(file);
      if (refusal) this.#refused.textContent = refusal;
      else this.#append(new AttachmentChip(file, { ...this.on, changed: () => this.#changed(), gone: (chip) => this.#drop(chip) }));
    }
    this.#changed();
  }

  /** @param {Attachment[]} attachments that are uploaded already */
  put(attachments) {
    for (const attachment of attachments) {
      this.#append(new AttachmentChip(attachment, { ...this.on, changed: () => this.#changed(), gone: (chip) => this.#drop(chip) }));
    }
    this.#changed();
  }

  /** @returns {Attachment[]} what is uploaded; what failed stays to be seen */
  take() {
    const done = this.#chips.filter(({ attachment }) => attachment !== null);
    for (const chip of done) chip.close();
    this.#chips = this.#chips.filter((chip) => !done.includes(chip));
    this.#refused.textContent = '';
    this.#changed();
    return done.map(({ attachment }) => /** @type {Attachment} */ (attachment));
  }

  /** @param {Attachment[]} attachments */
  replace(attachments) {
    for (const chip of this.#chips) chip.close();
    this.#chips = [];
    this.#refused.textContent = '';
    this.put(attachments);
  }

  /** @param {File} file */
  #refusalOf(file) {
    const most = typeof this.#options.maxCount === 'number' ? this.#options.maxCount : MOST_ATTACHMENTS;
    if (this.#chips.length >= most) return `At most ${most} file${most === 1 ? '' : 's'} can be attached.`;
    const kinds = Object.entries(this.#accepted);
    if (kinds.length && !kinds.some(([kind, ends]) => isOfKind(file, kind, ends))) {
      return `“${file.name}” is not accepted: expected ${kinds.map(([kind]) => kind).join(', ')}.`;
    }
    const largest = this.#largestOf(file);
    if (file.size > largest) return `“${file.name}” is larger than ${inBytes(largest)}.`;
    return file.size === 0 ? `“${file.name}” is empty.` : '';
  }

  /** @param {File} file */
  #largestOf(file) {
    const { maxSize } = this.#options;
    if (typeof maxSize === 'number') return maxSize;
    const limits = Object.entries(maxSize ?? {});
    const own = limits.find(([kind]) => kind !== '*' && kind !== '' && isOfKind(file, kind)) ?? limits.find(([kind]) => kind === '*' || kind === '');
    return typeof own?.[1] === 'number' ? own[1] : LARGEST_ATTACHMENT_BYTES;
  }

  /** @param {AttachmentChip} chip */
  #append(chip) {
    this.#chips.push(chip);
    this.#list.append(chip.element);
  }

  /** @param {AttachmentChip} chip */
  #drop(chip) {
    const index = this.#chips.indexOf(chip);
    this.#chips = this.#chips.filter((other) => other !== chip);
    chip.close();
    if (chip.attachment) this.on.remove(chip.attachment.id);
    const next = this.#chips[Math.min(index, this.#chips.length - 1)];
    (next ? next.removal : this.button).focus();
    this.#changed();
  }

  #changed() {
    this.element.hidden = this.#chips.length === 0 && !this.#refused.textContent;
    this.on.changed();
  }
}

/** One file on its way, and what became of it. */
class AttachmentChip {
  element = h('li', { class: 'file' });
  /** @type {Attachment | null} */
  attachment = null;
  isUploading = false;
  #abort = new AbortController();
  #progress = /** @type {HTMLProgressElement} */ (h('progress', { max: '1', 'aria-label': 'Uploaded' }));
  #state = h('span', { class: 'state' });
  #again;
  #preview = '';

  /**
   * @param {File | Attachment} source
   * @param {{ upload: Upload, changed: () => void, gone: (chip: AttachmentChip) => void }} on
   */
  constructor(source, on) {
    this.on = on;
    this.removal = quietButton('cross', `Remove ${source.name}`, () => on.gone(this));
    this.#again = quietButton('again', `Upload ${source.name} again`, () => void this.#upload(/** @type {File} */ (source)));
    this.element.append(this.#pictureOf(source), h('span', { class: 'name', dir: 'auto' }, source.name), this.#state, this.#progress, this.#again, this.removal);
    if (source instanceof File) void this.#upload(source);
    else this.#settle(source);
  }

  /** @param {File | Attachment} source */
  #pictureOf(source) {
    if (!(source instanceof File)) return attachmentPicture(source);
    if (!/^image\/(png|jpeg|gif|webp)$/.test(source.type)) return namedIcon('document');
    this.#preview = URL.createObjectURL(source);
    return h('img', { src: this.#preview, alt: '' });
  }

  /** @param {File} file */
  async #upload(file) {
    this.#show('uploading', '');
    this.#progress.removeAttribute('value');
    try {
      this.#settle(await this.on.upload(file, this.#abort.signal, (share) => (this.#progress.value = share)));
    } catch (error) {
      if (!this.#abort.signal.aborted) this.#show('failed', error instanceof ChatError ? error.message : 'It could not be uploaded.');
    }
  }

  /** @param {Attachment} attachment */
  #settle(attachment) {
    this.attachment = attachment;
    this.#show('done', '');
  }

  /** @type {(state: string, said: string) => void} */
  #show(state, said) {
    this.element.dataset.state = state;
    this.isUploading = state === 'uploading';
    this.#progress.hidden = !this.isUploading;
    this.#again.hidden = state !== 'failed';
    this.#state.textContent = said;
    this.on.changed();
  }

  close() {
    this.#abort.abort();
    this.element.remove();
    if (this.#preview) URL.revokeObjectURL(this.#preview);
  }
}

/** @type {(file: { name: string, type: string }, kind: string, ends?: unknown) => boolean} */
function isOfKind({ name, type }, kind, ends) {
  const isType = kind === '*/*' || type === kind || (kind.endsWith('/*') && type.startsWith(kind.slice(0, -1)));
  return isType || (Array.isArray(ends) && ends.some((end) => typeof end === 'string' && name.toLowerCase().endsWith(end.toLowerCase())));
}

/** @param {number} count */
function inBytes(count) {
  if (count < 1024) return `${count} bytes`;
  const [size, unit] = count < 1024 ** 2 ? [count / 1024, 'kB'] : [count / 1024 ** 2, 'MB'];
  return `${Number(size.toFixed(1))} ${unit}`;
}

/** What a message or the tray shows of a file: its picture if the server has one, else a sign. @param {Attachment} attachment */
function attachmentPicture(attachment) {
  const source = attachment.type === 'image' ? pictureSource(attachment.preview_url) : null;
  if (!source) return namedIcon('document');
  const picture = h('img', { src: source, alt: '', loading: 'lazy', decoding: 'async', referrerpolicy: 'no-referrer' });
  picture.addEventListener('error', () => picture.replaceWith(namedIcon('square-image')));
  return picture;
}

/** @param {unknown} address */
function pictureSource(address) {
  const text = textIn(address);
  if (/^data:image\/(png|jpeg|gif|webp);base64,/.test(text)) return text;
  try {
    const url = new URL(text, document.baseURI);
    return text && /^(https?|blob):$/.test(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/** @param {any[]} attachments of a message */
export function attachmentList(attachments) {
  const files = attachments.filter((file) => file !== null && typeof file === 'object');
  if (files.length === 0) return null;
  const entry = (/** @type {any} */ file) => {
    const name = textIn(file.name);
    const picture = attachmentPicture(file);
    if (picture.tagName !== 'IMG') return h('li', { class: 'file' }, picture, h('span', { class: 'name', dir: 'auto' }, name));
    picture.setAttribute('alt', name);
    const href = pictureSource(file.preview_url) ?? '';
    const link = /^http/.test(href) ? h('a', { href, target: '_blank', rel: 'noopener noreferrer', title: name }, picture) : picture;
    return h('li', { class: 'picture' }, link);
  };
  return h('ul', { class: 'files', 'aria-label': 'Attachments' }, ...files.map(entry));
}
