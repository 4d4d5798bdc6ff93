// @ts-check
/**
 * The database itself, past Neon's pooler, which would refuse the schema that the login tables live in.
 *
 * @param {Record<string, string | undefined>} env
 */
export function databaseUrl({ DATABASE_DIRECT_URL, DATABASE_URL }) {
  return DATABASE_DIRECT_URL || DATABASE_URL?.replace(/(@[\w-]+)-pooler(\.[\w.-]*neon\.tech)/i, '$1$2');
}
