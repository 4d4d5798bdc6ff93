import 'server-only';

import type { NextRequest } from 'next/server';
import { NextResponse } from 'next/server';

import { auth } from './auth';
import { refused } from './refusals';
import { settings } from './settings';

/** Where the API finds what was asked for; set in proxy.ts, whatever a client sends under this name. */
const API_PATH = 'x-verbatim-path';
/** The one cookie that is the API's own: how far a write of this browser came. */
const POSITION = 'Verbatim-Position';
const POSITION_FORM = /^[\w:.-]{1,256}$/;
/** Tells the API under which address a browser finds it, for the addresses of uploads. */
const BASE_URL = 'verbatim-base-url';
const NOT_SIGNED_IN = 'You are not signed in: sign in and try again.';
/** What of the API a browser is given. */
const PATHS = /^\/api\/(chatkit|tasks)(\/|$)/;
/** Of one connection, not of the answer; and what fetch has undone already. */
const OF_THE_CONNECTION = ['connection', 'content-encoding', 'keep-alive', 'transfer-encoding'];
const NOT_PASSED_ON = ['connection', 'content-length', 'cookie', 'expect', 'host', 'keep-alive', 'te', 'trailer', 'upgrade', API_PATH];

type Granted = { userId: string; token: string };

export function isAuthorisable(path: string): boolean {
  return PATHS.test(path);
}

/** Nobody but this server says where the API finds something. */
export function withoutPath(given: Headers): Headers {
  const headers = new Headers(given);
  headers.delete(API_PATH);
  return headers;
}

/**
 * In proxy.ts: makes the request the signed-in user's own, by a token of minutes in place of their
 * cookies. The browser never sees the token.
 */
export async function authorise(request: NextRequest): Promise<NextResponse> {
  try {
    const granted = await grant(request.headers);
    if (!granted) return refused(401, NOT_SIGNED_IN);
    return NextResponse.next({ request: { headers: headersFor(request, granted) } });
  } catch (error) {
    console.error('The login service failed:', error);
    return refused(503, 'Nobody can be told to be signed in now: try again shortly.');
  }
}

/** Whose session the cookies are, and a token for the API; null without a session. */
async function grant(headers: Headers): Promise<Granted | null> {
  const session = await auth().api.getSession({ headers });
  if (!session) return null;
  const { token } = await auth().api.getToken({ headers });
  return { userId: session.user.id, token };
}

function headersFor(request: NextRequest, { userId, token }: Granted): Headers {
  const headers = new Headers(request.headers);
  const position = request.cookies.get(POSITION)?.value;
  headers.delete('cookie');
  if (position && POSITION_FORM.test(position)) headers.set('cookie', `${POSITION}=${position}`);
  headers.set('authorization', `Bearer ${token}`);
  headers.set(API_PATH, apiPath(request.nextUrl.pathname, userId));
  headers.set(BASE_URL, `${settings.url.origin}/api`);
  return headers;
}

function apiPath(path: string, userId: string): string {
  const rest = path.slice('/api'.length);
  return rest.startsWith('/chatkit') ? rest : `/api/${encodeURIComponent(userId)}${rest}`;
}

/**
 * In a route: sends on what proxy.ts has authorised, and the answer back as it comes. Not a rewrite:
 * that tells the API's address in a header, and gives a silent stream up after 30 s.
 */
export async function pass(request: NextRequest): Promise<Response> {
  const path = request.headers.get(API_PATH);
  if (!path) return refused(401, NOT_SIGNED_IN);
  const headers = new Headers(request.headers);
  const cookie = headers.get('cookie');
  NOT_PASSED_ON.forEach((name) => headers.delete(name));
  if (cookie?.startsWith(`${POSITION}=`)) headers.set('cookie', cookie);
  headers.set('accept-encoding', 'identity');
  // Not by resolving the path against the API's address: two slashes would name another host.
  const target = settings.apiUrl;
  target.pathname = path;
  target.search = request.nextUrl.search;
  return answerOf(target, {
    method: request.method,
    headers,
    body: request.body,
    signal: request.signal,
    // @ts-expect-error fetch of Node asks for it, its types do not know it.
    duplex: 'half',
  });
}

/** The API's answer, or a 503 where it cannot be reached. */
export async function answerOf(target: URL, init: RequestInit): Promise<Response> {
  try {
    const answer = await fetch(target, { ...init, cache: 'no-store', redirect: 'manual' });
    const headers = new Headers(answer.headers);
    OF_THE_CONNECTION.forEach((name) => headers.delete(name));
    return new Response(answer.body, { status: answer.status, headers });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    return refused(503, 'The assistant cannot be reached now: try again shortly.');
  }
}
