/** Where to go after signing in: a page of ours, whatever the address says. */
export function nextPage(wanted: string | string[] | undefined): string {
  const path = typeof wanted === 'string' ? wanted : '';
  return /^\/dashboard(\/[\w-]+)*$/.test(path) ? path : '/dashboard';
}
