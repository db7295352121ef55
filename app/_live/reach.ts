/** `fetch`, which says in our words that nobody answered: browsers say "Failed to fetch", "Load failed" or "NetworkError when ...". */
export const reach: typeof fetch = (...given) =>
  fetch(...given).catch((error: Error) => {
    throw error.name === 'AbortError' ? error : new Error('the server does not answer');
  });
