// @ts-check
/** The search field above the list: asks after a pause, and arrow keys lead into the list and back. */

const PAUSE_MILLISECONDS = 250;

/** @type {(id: string) => HTMLElement} */
const get = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** @param {(query: string) => void} search hears each query once; an empty one ends the search */
export function watchSearch(search) {
  const field = /** @type {HTMLInputElement} */ (get('search'));
  let asked = '';
  let timer = 0;

  const ask = () => {
    clearTimeout(timer);
    const query = field.value.trim();
    if (query === asked) return;
    asked = query;
    search(query);
  };
  /** @param {Event} event */
  const askSoon = (event) => {
    clearTimeout(timer);
    if (!(/** @type {InputEvent} */ (event).isComposing)) timer = setTimeout(ask, field.value ? PAUSE_MILLISECONDS : 0);
  };
  field.addEventListener('input', askSoon);
  field.addEventListener('compositionend', askSoon);
  field.addEventListener('keydown', (event) => {
    if (event.isComposing) return;
    if (event.key === 'Enter') ask();
    if (event.key !== 'Escape' || !field.value) return;
    // The first one clears the field, the second one is the drawer's.
    event.preventDefault();
    event.stopPropagation();
    field.value = '';
    ask();
  });
  get('sidebar').addEventListener('keydown', (event) => move(event, field));
}

/** @type {(event: KeyboardEvent, field: HTMLElement) => void} */
function move(event, field) {
  const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
  const links = /** @type {HTMLElement[]} */ ([field, ...get('conversations').querySelectorAll('.row-link')]);
  const at = links.indexOf(/** @type {HTMLElement} */ (event.target));
  const next = links[at + step];
  if (!step || at < 0 || !next || event.isComposing) return;
  event.preventDefault();
  next.focus();
}
