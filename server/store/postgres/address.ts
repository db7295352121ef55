const example = 'postgres://headroom:PASSWORD@db.example:5432/headroom';

const escapes = 'in a password @ is written %40, : %3A, / %2F, ? %3F, # %23 and % %25';

/** What DATABASE_URL must be. */
export const databaseAddress = {
  fits: (url: string): boolean => URL.canParse(url) && /^postgres(ql)?:$/.test(new URL(url).protocol),
  needed: `the address of a PostgreSQL database is needed, e.g. DATABASE_URL=${example}; ${escapes}`,
};

/** What helps against an error of a first connection, by its code (SQLSTATE, or of TLS) or its message. */
export function helpAgainst(error: unknown): string {
  const { code = '', message } = error as Error & { code?: string };
  if (/no encryption/.test(message)) return 'it wants an encrypted connection: end the address with ?sslmode=verify-full';
  if (/CERT|VERIFY/.test(code))
    return 'name the file with the certificate of its authority: end the address with ?sslmode=verify-full&sslrootcert=FILE';
  if (/does not support SSL/.test(message)) return 'leave sslmode out of the address';
  if (/URI malformed/.test(message)) return escapes;
  if (code === '28P01' || code === '28000' || /client password/.test(message))
    return 'give the user and the password that it knows';
  if (code === '3D000') return 'make it (createdb), or give the name of one that is there';
  if (code === '42501')
    return 'its user must own the schema headroom, or be able to make it: GRANT CREATE ON DATABASE ... TO ...';
  return 'check that it runs and that the address is right';
}
