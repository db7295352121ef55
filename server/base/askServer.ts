/** Requests of commands, scripts and agents to a running server: what goes wrong is said for the person who started them. */

import { certificateHelp } from '~/shared/unknownCertificate';
import { whyWebPage } from '~/shared/webPage';

/** The message is for people. */
export class ServerError extends Error {}

/** @returns the address without a slash at its end. @throws ServerError when it is none */
export function serverAddress(url: string): string {
  if (!/^https?:\/\/./.test(url) || !URL.canParse(url))
    throw new ServerError(`${JSON.stringify(url)} is not the address of a server: give one like http://127.0.0.1:3000`);
  return url.replace(/\/+$/, '');
}

/** fetch. @throws ServerError when nothing answers */
export const askServer = (address: URL | string, init?: RequestInit): Promise<Response> =>
  fetch(address, init).catch((error: Error) => {
    if (error.name === 'AbortError') throw error;
    const { message, code } = (error.cause ?? {}) as { message?: string; code?: string };
    const why = message || code || error.message;
    const hint = certificateHelp(code) ?? 'start the server, or give its address';
    throw new ServerError(`${new URL(address).origin} cannot be reached (${why}): ${hint}`, { cause: error });
  });

/** Why the answer is not what was asked for. */
export async function refusalOf(answer: Response): Promise<ServerError> {
  const text = (await answer.text()).trim();
  if (answer.headers.get('content-type')?.includes('html'))
    return new ServerError(`${answer.url.split('?')[0]} answered ${answer.status} with a web page: ${whyWebPage(answer.status)}`);
  try {
    const { error } = JSON.parse(text) as { error: string | { message: string } };
    return new ServerError(typeof error === 'string' ? error : error.message);
  } catch {
    // Refusals that come before the routes are plain text.
    return new ServerError(text || `the server answered ${answer.status}`);
  }
}

/** @returns send: sends a request. checked: throws ServerError unless it was answered well. request: both */
export function openServer(given: { url: string | undefined; token: string | undefined; signal: AbortSignal | undefined }) {
  const url = serverAddress(given.url ?? process.env.HEADROOM_SERVER ?? 'http://127.0.0.1:3000');
  const token = given.token ?? process.env.HEADROOM_TOKEN;
  if (token && !/^[\x21-\x7e]+$/.test(token))
    throw new ServerError('the token (--token or HEADROOM_TOKEN) has characters that no token has: copy it again');
  const send = (address: string, init: RequestInit = {}): Promise<Response> => {
    const headers = { ...(token && { authorization: `Bearer ${token}` }), ...(init.headers as Record<string, string>) };
    return askServer(`${url}${address}`, { signal: given.signal ?? null, ...init, headers });
  };
  const checked = async (answer: Response): Promise<Response> => {
    if (answer.ok) return answer;
    if (answer.status === 401)
      throw new ServerError(`${url} does not know you: give a token of the team page with --token or HEADROOM_TOKEN`);
    throw await refusalOf(answer);
  };
  const request = async (address: string, init?: RequestInit) => checked(await send(address, init));
  return { url, send, checked, request };
}
