// @ts-check
/** On a phone the list of conversations is a drawer over the chat. */

/** Too narrow for the list to stand beside the chat; the same width as in page.css. */
export const narrow = matchMedia('(max-width: 48rem)');

/** @type {(id: string) => HTMLElement} */
const get = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

export function watchDrawer() {
  get('menu').addEventListener('click', () => (isOpen() ? closeDrawer() : openDrawer()));
  get('scrim').addEventListener('click', () => closeDrawer());
  document.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || !isOpen()) return;
    closeDrawer();
    get('menu').focus();
  });
  narrow.addEventListener('change', () => closeDrawer());
  closeDrawer();
}

export function closeDrawer() {
  delete document.body.dataset.drawer;
  get('menu').setAttribute('aria-expanded', 'false');
  get('sidebar').inert = narrow.matches;
  get('main').inert = false;
}

function openDrawer() {
  document.body.dataset.drawer = 'open';
  get('menu').setAttribute('aria-expanded', 'true');
  get('sidebar').inert = false;
  get('main').inert = true;
  get('new').focus();
}

function isOpen() {
  return document.body.dataset.drawer === 'open';
}
