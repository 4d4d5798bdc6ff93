// Brings the login tables, in the schema `auth`, to what Better Auth needs. Run by `npm run migrate`.
import { getMigrations } from 'better-auth/db/migration';
import pg from 'pg';

import { authOptions } from '../lib/auth-options.mjs';
import { databaseUrl } from '../lib/database-url.mjs';

const { BETTER_AUTH_URL, BETTER_AUTH_SECRET } = process.env;
const url = databaseUrl(process.env);
if (!BETTER_AUTH_URL || !BETTER_AUTH_SECRET || !url) {
  console.error('BETTER_AUTH_URL, BETTER_AUTH_SECRET and DATABASE_URL have to be set.');
  process.exit(2);
}

const client = new pg.Client({ connectionString: url });
await client.connect();
await client.query('CREATE SCHEMA IF NOT EXISTS auth');
await client.end();

const options = authOptions(BETTER_AUTH_URL, BETTER_AUTH_SECRET, url);
const { runMigrations } = await getMigrations(options);
await runMigrations();
await options.database.end();
