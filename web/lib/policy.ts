/** No inline script and no eval; `next dev` needs eval, a build does not. */
export function contentSecurityPolicy(nonce: string, elementUrl: string): string {
  const isOurs = elementUrl.startsWith('/');
  const elsewhere = isOurs ? '' : ` ${new URL(elementUrl).origin}`;
  const evaluating = process.env.NODE_ENV === 'development' ? " 'unsafe-eval'" : '';
  return [
    "default-src 'self'",
    `script-src 'self' 'nonce-${nonce}'${elsewhere}${evaluating}`,
    `style-src 'self' 'nonce-${nonce}'`,
    `connect-src 'self'${elsewhere}`,
    `frame-src ${isOurs ? "'none'" : elsewhere.trim()}`,
    "img-src 'self' data: blob:",
    "font-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ');
}
