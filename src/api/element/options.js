// @ts-check
/** Options that are ignored, and those that are checked. */

/** Options of the contract that change nothing here: docs/chatkit-element.md tells why. */
const IGNORED_OPTIONS = ['api.getClientSecret', 'commands', 'composer.dictation', 'entities', 'theme.typography.fontSources'];

/** @param {any} options */
export function ignoredOptions(options) {
  const at = (/** @type {string} */ path) => path.split('.').reduce((value, step) => value?.[step], options);
  return IGNORED_OPTIONS.filter((path) => at(path) !== undefined);
}

/** @param {any} prompt */
export function isPrompt(prompt) {
  return typeof prompt?.label === 'string' && (typeof prompt.prompt === 'string' || Array.isArray(prompt.prompt));
}
