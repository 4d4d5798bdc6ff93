// @ts-check
/** Light, dark, or as the system has it; the choice is kept in this browser. */

const KEY = 'verbatim.theme';
const darkMode = matchMedia('(prefers-color-scheme: dark)');

/** @returns {'light' | 'dark'} what is shown now */
export function scheme() {
  const chosen = choice();
  if (chosen === 'light' || chosen === 'dark') return chosen;
  return darkMode.matches ? 'dark' : 'light';
}

/** @param {() => void} onChange */
export function watchTheme(onChange) {
  const apply = () => {
    document.documentElement.dataset.scheme = scheme();
    for (const input of inputs()) input.checked = input.value === choice();
    onChange();
  };
  for (const input of inputs()) {
    input.addEventListener('change', () => {
      localStorage.setItem(KEY, input.value);
      apply();
    });
  }
  darkMode.addEventListener('change', apply);
  addEventListener('storage', (event) => event.key === KEY && apply());
  apply();
}

function choice() {
  const stored = localStorage.getItem(KEY) ?? '';
  return ['light', 'dark'].includes(stored) ? stored : 'system';
}

function inputs() {
  return /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll('#theme input'));
}
