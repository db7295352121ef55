import { personHeader } from '~/shared/paths';
import { whyWebPage } from '~/shared/webPage';
import { identity } from './identity';

export const unreachedWords = 'the server does not answer';

class Unreached extends Error {
  constructor() {
    super(unreachedWords);
  }
}

/**
 * Nobody answered, or the answer broke off. Browsers say so in words of their own: "Failed to fetch", "Load failed", "NetworkError when ...".
 */
export const unreached = (error: unknown): boolean =>
  error instanceof Unreached ||
  (error instanceof TypeError && /fetch|network|load failed/i.test(error.message)) ||
  (error instanceof Error && error.cause !== undefined && unreached(error.cause));

/** `fetch` for the person as whom this page was opened, which says in our words that nobody answered. */
export const reach: typeof fetch = (input, init) => {
  const headers = new Headers(init?.headers);
  const { you } = identity.get();
  if (you) headers.set(personHeader, you.id);
  return fetch(input, { ...init, headers }).catch((error: unknown) => {
    throw unreached(error) ? new Unreached() : error;
  });
};

/** `reach` for answers in JSON. @throws Error with the words of any other answer: a node's or a proxy's, before the API is reached */
export const reachJson: typeof fetch = async (...given) => {
  const answer = await reach(...given);
  if (answer.headers.get('content-type')?.includes('json')) return answer;
  throw await refusalOf(answer);
};

/** Why the server, or a proxy before it, refused. */
export async function refusalOf(answer: Response): Promise<Error> {
  const { status, headers } = answer;
  if (headers.get('content-type')?.includes('html'))
    return new Error(
      // A proxy says so of a server that is starting again.
      status > 500 ? `${unreachedWords} (${status})` : `the answer is ${status} with a web page: ${whyWebPage(status)}`,
    );
  const text = (await answer.text()).trim();
  let words = text;
  try {
    const { error } = JSON.parse(text) as { error: string | { message: string } };
    words = typeof error === 'string' ? error : error.message;
  } catch {
    // Errors raised before routing are plain text.
  }
  return new Error(words || `the server answered ${status}`);
}
