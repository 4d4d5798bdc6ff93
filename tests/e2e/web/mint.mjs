// Tokens and cookies that the site's own key signs and the site never hands out. Read from stdin, in web/.
// ORDER is JSON: { payloads, email, password }; the answer on stdout is JSON: { tokens, cookies }.
import { betterAuth } from 'better-auth';
import { jwt } from 'better-auth/plugins';

import { authOptions } from './lib/auth-options.mjs';

const { ORDER, BETTER_AUTH_URL, BETTER_AUTH_SECRET, DATABASE_URL } = process.env;
const { payloads, email, password } = JSON.parse(ORDER);
const options = { ...authOptions(BETTER_AUTH_URL, BETTER_AUTH_SECRET, DATABASE_URL), rateLimit: { enabled: false } };
const [plugin] = options.plugins;

const tokens = [];
for (const payload of payloads) tokens.push((await betterAuth(options).api.signJWT({ body: { payload } })).token);

const session = { cookieCache: { enabled: true, maxAge: 300, strategy: 'jwt' } };
const cookies = [];
for (const sessionCookieCache of [false, true]) {
  const auth = betterAuth({ ...options, session, plugins: [jwt({ ...plugin.options, sessionCookieCache })] });
  const answer = await auth.api.signInEmail({ body: { email, password }, asResponse: true });
  const cached = answer.headers.getSetCookie().find((cookie) => cookie.startsWith('better-auth.session_data='));
  cookies.push(cached.split(/[=;]/)[1]);
}
console.log(JSON.stringify({ tokens, cookies }));
await options.database.end();
