// @ts-check
import { jwt } from 'better-auth/plugins';
import pg from 'pg';

const TOKEN_LIFE = '5m';
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
  const database = new pg.Pool({ connectionString: databaseUrl, options: '-c search_path=auth', max: 5 });
  // A connection that is lost while nobody uses it is opened again; unheard, this would end the process.
  database.on('error', (error) => console.error('A connection of the login service was lost:', error.message));
  return {
    appName: 'Verbatim',
    baseURL: url,
    secret,
    database,
    emailAndPassword: { enabled: true, minPasswordLength: SHORTEST_PASSWORD },
    // A session that is signed out of is over at once, so no cookie answers for the table.
    session: { cookieCache: { enabled: false } },
    // Tokens of the API are for proxy.ts: no browser holds one.
    disabledPaths: ['/token'],
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
