// Brings the login tables, in the schema `auth`, to what Better Auth needs. Run by `npm run migrate`.
import { getMigrations } from 'better-auth/db/migration';
import pg from 'pg';

import { authOptions } from '../lib/auth-options.mjs';

const { BETTER_AUTH_URL, BETTER_AUTH_SECRET, DATABASE_URL, DATABASE_DIRECT_URL } = process.env;
const databaseUrl = DATABASE_DIRECT_URL ?? DATABASE_URL;
if (!BETTER_AUTH_URL || !BETTER_AUTH_SECRET || !databaseUrl) {
  console.error('BETTER_AUTH_URL, BETTER_AUTH_SECRET and DATABASE_URL have to be set.');
  process.exit(2);
}

const client = new pg.Client({ connectionString: databaseUrl });
await client.connect();
await client.query('CREATE SCHEMA IF NOT EXISTS auth');
await client.end();

const options = authOptions(BETTER_AUTH_URL, BETTER_AUTH_SECRET, databaseUrl);
const { runMigrations } = await getMigrations(options);
await runMigrations();
await options.database.end();
