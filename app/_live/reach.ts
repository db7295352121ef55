import { personHeader } from '~/shared/paths';

/** Id of the person as whom this page was opened; null until the server has said so. */
export const openedAs = { id: null as string | null };

/** Browsers say in words of their own that nobody answered: "Failed to fetch", "Load failed", "NetworkError when ...". */
export const unreached = (error: unknown): boolean =>
  error instanceof TypeError && /fetch|network|load failed/i.test(error.message);

export const unreachedWords = 'the server does not answer';

/** `fetch` for the person as whom this page was opened, which says in our words that nobody answered. */
export const reach: typeof fetch = (input, init) => {
  const headers = new Headers(init?.headers);
  if (openedAs.id !== null) headers.set(personHeader, openedAs.id);
  return fetch(input, { ...init, headers }).catch((error: unknown) => {
    throw unreached(error) ? new Error(unreachedWords) : error;
  });
};
