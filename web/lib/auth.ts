import 'server-only';

import { betterAuth } from 'better-auth';
import { nextCookies } from 'better-auth/next-js';

import { authOptions } from './auth-options.mjs';
import { settings } from './settings';

type Auth = ReturnType<typeof create>;

let made: Auth | undefined;

/** The login service; made on first use, so that a build needs neither database nor secret. */
export function auth(): Auth {
  made ??= create();
  return made;
}

function create() {
  const options = authOptions(settings.url.origin, settings.secret, settings.databaseUrl);
  return betterAuth({ ...options, plugins: [...options.plugins, nextCookies()] });
}
