export const mostCompared = 10;

/** The address of the compare page with these runs. Their ids stay readable, with commas between them. */
export const comparePage = (runIds: readonly string[]): string => `/compare?runs=${runIds.join(',')}`;
