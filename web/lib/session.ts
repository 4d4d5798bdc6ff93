import 'server-only';

import { headers } from 'next/headers';
import { redirect } from 'next/navigation';

import { auth } from './auth';

/** Who is signed in; anybody else is sent to sign in. proxy.ts guards too, and is not relied on. */
export async function signedIn() {
  const session = await auth().api.getSession({ headers: await headers() });
  if (!session) redirect('/sign-in');
  return session.user;
}
