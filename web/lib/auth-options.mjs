// @ts-check
import { jwt } from 'better-auth/plugins';
import pg from 'pg';

const TOKEN_LIFE = '5m';
const SESSION_CACHE_SECONDS = 60;
export const SHORTEST_PASSWORD = 10;

/**
 * E-mail and password; the API verifies the tokens by this site's JWKS and by nothing else.
 * Plain JavaScript, because Node runs it without a build in scripts/migrate.mjs.
 *
 * @param {string} url the site's origin, which tokens are issued by and meant for
 * @param {string} secret
 * @param {string} databaseUrl
 */
export function authOptions(url, secret, databaseUrl) {
  return {
    appName: 'Verbatim',
    baseURL: url,
    secret,
    database: new pg.Pool({ connectionString: databaseUrl, options: '-c search_path=auth', max: 5 }),
    emailAndPassword: { enabled: true, minPasswordLength: SHORTEST_PASSWORD },
    session: { cookieCache: { enabled: true, maxAge: SESSION_CACHE_SECONDS } },
    advanced: { defaultCookieAttributes: { httpOnly: true, sameSite: /** @type {const} */ ('lax') } },
    telemetry: { enabled: false },
    plugins: [
      jwt({
        disableSettingJwtHeader: true,
        jwt: {
          issuer: url,
          audience: url,
          expirationTime: TOKEN_LIFE,
          // The subject is all that the API needs to know.
          definePayload: () => ({}),
        },
      }),
    ],
  };
}
