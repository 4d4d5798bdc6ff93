import type { NextRequest } from 'next/server';
import { NextResponse } from 'next/server';

import { authorise } from '@/lib/api';
import { auth } from '@/lib/auth';
import { contentSecurityPolicy } from '@/lib/policy';
import { settings } from '@/lib/settings';

/** Everything but files of the build and the login service's own routes. */
export const config = { matcher: ['/((?!_next/static|_next/image|favicon.svg|chatkit.js|api/auth).*)'] };

export async function proxy(request: NextRequest): Promise<NextResponse> {
  const path = request.nextUrl.pathname;
  if (path.startsWith('/api/')) return authorise(request);
  if (path.startsWith('/dashboard') && !(await isSignedIn(request))) {
    const signIn = new URL('/sign-in', settings.url);
    signIn.searchParams.set('next', path);
    return NextResponse.redirect(signIn);
  }
  return page(request);
}

async function isSignedIn(request: NextRequest): Promise<boolean> {
  return (await auth().api.getSession({ headers: request.headers })) !== null;
}

/** Next puts the nonce that it finds in the policy on its own scripts. */
function page(request: NextRequest): NextResponse {
  const nonce = Buffer.from(crypto.randomUUID()).toString('base64');
  const policy = contentSecurityPolicy(nonce, settings.elementUrl);
  const headers = new Headers(request.headers);
  headers.set('content-security-policy', policy);
  const response = NextResponse.next({ request: { headers } });
  response.headers.set('content-security-policy', policy);
  response.headers.set('x-content-type-options', 'nosniff');
  response.headers.set('referrer-policy', 'same-origin');
  return response;
}
