import 'server-only';

import { databaseUrl } from './database-url.mjs';

/** What this server is told by its environment; read when it is first asked for, not in a build. */
export const settings = {
  /** Where browsers find this site. */
  get url() {
    return new URL(required('BETTER_AUTH_URL'));
  },
  /** Signs session cookies. */
  get secret() {
    return required('BETTER_AUTH_SECRET');
  },
  get databaseUrl() {
    return databaseUrl(process.env) ?? required('DATABASE_URL');
  },
  /** Where this server, and no browser, finds the API. */
  get apiUrl() {
    return new URL(process.env.VERBATIM_API_URL ?? 'http://localhost:8000');
  },
  /** The script that defines <openai-chatkit>: ours, or the official one of the CDN. */
  get elementUrl() {
    return process.env.CHATKIT_ELEMENT_URL ?? '/chatkit.js';
  },
  /** Which the official element asks for; ours takes any. */
  get domainKey() {
    return process.env.CHATKIT_DOMAIN_KEY ?? 'local';
  },
};

function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: see web/README.md for what the site needs.`);
  return value;
}
