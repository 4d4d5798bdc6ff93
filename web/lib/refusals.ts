import 'server-only';

import type { NextRequest } from 'next/server';
import { NextResponse } from 'next/server';

import { settings } from './settings';

const SAFE_METHODS = ['GET', 'HEAD', 'OPTIONS'];
const MIB = 1024 * 1024;
const UPLOADS = '/api/chatkit/attachments/';
/** What the API takes of an attachment is its own setting; `proxyClientMaxBodySize` is as large. */
const UPLOAD_LIMIT_BYTES = 30 * MIB;
const BODY_LIMIT_BYTES = MIB;

/** What is refused whatever it asks for: other pages' requests, and bodies beyond any use. */
export function refusalOf(request: NextRequest): NextResponse | null {
  if (SAFE_METHODS.includes(request.method)) return null;
  if (request.headers.get('origin') !== settings.url.origin) {
    return refused(403, 'This request has to come from our own pages.');
  }
  // Next would cut a longer body off in silence, and one without a length cannot be judged.
  if (request.headers.has('transfer-encoding')) return refused(411, 'This request has to tell its length.');
  const limit = request.nextUrl.pathname.startsWith(UPLOADS) ? UPLOAD_LIMIT_BYTES : BODY_LIMIT_BYTES;
  if (Number(request.headers.get('content-length')) > limit) {
    return refused(413, `This is larger than the ${limit / MIB} MiB that are taken here.`);
  }
  return null;
}

/** A refusal as the API words its own (RFC 9457). */
export function refused(status: number, detail: string): NextResponse {
  return NextResponse.json(
    { title: detail, status, detail },
    { status, headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store' } },
  );
}
