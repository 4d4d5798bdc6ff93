import type { NextRequest } from 'next/server';
import { NextResponse } from 'next/server';

import { authorise, isAuthorisable, withoutPath } from '@/lib/api';
import { auth } from '@/lib/auth';
import { contentSecurityPolicy } from '@/lib/policy';
import { refusalOf, refused } from '@/lib/refusals';
import { settings } from '@/lib/settings';

const LOGIN_SERVICE = '/api/auth/';

/** Everything but files of the build. */
export const config = { matcher: ['/((?!_next/static/|_next/image$|favicon\\.svg$|chatkit\\.js$).*)'] };

export async function proxy(request: NextRequest): Promise<NextResponse> {
  const path = request.nextUrl.pathname;
  const refusal = refusalOf(request);
  if (refusal) return refusal;
  if (path.startsWith(LOGIN_SERVICE)) return NextResponse.next();
  if (isAuthorisable(path)) return authorise(request);
  if (path.startsWith('/api/')) return refused(404, 'There is nothing at this address.');
  if (path.startsWith('/dashboard') && (await isSignedOut(request))) {
    const signIn = new URL('/sign-in', settings.url);
    signIn.searchParams.set('next', path);
    return NextResponse.redirect(signIn);
  }
  return page(request);
}

/** Not where that cannot be told: the page asks again, and says so. */
async function isSignedOut(request: NextRequest): Promise<boolean> {
  try {
    return (await auth().api.getSession({ headers: request.headers })) === null;
  } catch (error) {
    console.error('The login service failed:', error);
    return false;
  }
}

/** Next puts the nonce that it finds in the policy on its own scripts. */
function page(request: NextRequest): NextResponse {
  const nonce = Buffer.from(crypto.randomUUID()).toString('base64');
  const policy = contentSecurityPolicy(nonce, settings.elementUrl);
  const headers = withoutPath(request.headers);
  headers.set('content-security-policy', policy);
  const response = NextResponse.next({ request: { headers } });
  response.headers.set('content-security-policy', policy);
  response.headers.set('x-content-type-options', 'nosniff');
  response.headers.set('referrer-policy', 'same-origin');
  return response;
}
