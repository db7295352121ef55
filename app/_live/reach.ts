/** Browsers say in words of their own that nobody answered: "Failed to fetch", "Load failed", "NetworkError when ...". */
export const unreached = (error: unknown): boolean =>
  error instanceof TypeError && /fetch|network|load failed/i.test(error.message);

export const unreachedWords = 'the server does not answer';

/** `fetch`, which says so in our words. */
export const reach: typeof fetch = (...given) =>
  fetch(...given).catch((error: unknown) => {
    throw unreached(error) ? new Error(unreachedWords) : error;
  });
