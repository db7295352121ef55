const example = 'postgres://headroom:PASSWORD@db.example:5432/headroom';

/** What DATABASE_URL must be. */
export const databaseAddress = {
  fits: (url: string): boolean => URL.canParse(url) && /^postgres(ql)?:$/.test(new URL(url).protocol),
  needed: `the address of a PostgreSQL database is needed, e.g. DATABASE_URL=${example}`,
};

/** What helps against an error of a first connection, by its code (SQLSTATE). */
export function helpAgainst(error: unknown): string {
  const { code } = error as { code?: string };
  if (code === '28P01' || code === '28000') return 'give the user and the password that it knows';
  if (code === '3D000') return 'make it (createdb), or give the name of one that is there';
  if (code === '42501') return 'its user must be able to make tables: GRANT CREATE ON DATABASE ... TO ...';
  return 'check that it runs and that the address is right';
}
