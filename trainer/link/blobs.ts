/** Blobs over HTTP: PUT before the event that names one, GET of the checkpoint that a run starts from. */
import type { TrainerEvent } from '~/shared/events';
import { addressAt, paths } from '~/shared/protocol';
import { whyWebPage } from '~/shared/webPage';
import { hashOf } from '~/trainer/base/hash';

export interface BlobServer {
  server: string;
  token: string;
}

/** `retry` true: the server is unreachable or busy; false: a retry would get the same answer. `status`: of an answer; null = none. */
export class BlobError extends Error {
  override name = 'BlobError';
  constructor(
    message: string,
    readonly retry: boolean,
    readonly status: number | null = null,
    cause?: unknown,
  ) {
    super(message, { cause });
  }
}

/** Hashes of the blobs that an event names; the server must have them before the event. */
export function blobsOf(event: TrainerEvent): string[] {
  const named = 'blob' in event && event.blob ? [event.blob.hash] : [];
  return event.type === 'snapshot' && event.pictures ? [...named, event.pictures.hash] : named;
}

const timeoutMs = 120_000;
/** A slower line is taken for a broken one. */
const slowestBytesPerMs = 50;

async function request(
  at: BlobServer,
  method: 'GET' | 'PUT',
  hash: string,
  body: Uint8Array<ArrayBuffer> | null,
): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(addressAt(at.server, `${paths.blobs}/${hash}`), {
      method,
      headers: {
        authorization: `Bearer ${at.token}`,
        ...(body ? { 'content-type': 'application/octet-stream', 'content-length': String(body.length) } : {}),
      },
      body,
      // What is received ends when nothing has come for five minutes.
      signal: body && AbortSignal.timeout(timeoutMs + Math.round(body.length / slowestBytesPerMs)),
    });
  } catch (error) {
    const why = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    throw new BlobError(`${method} of blob ${hash.slice(0, 12)}: ${why}`, true, null, error);
  }
  if (response.ok) return response;
  const { status, headers } = response;
  const text = (await response.text().catch(() => '')).slice(0, 300);
  const said = headers.get('content-type')?.includes('html') ? `with a web page: ${whyWebPage(status)}` : text;
  const retry = status >= 500 || status === 408 || status === 429;
  throw new BlobError(`${method} of blob ${hash.slice(0, 12)}: the server answered ${status} ${said}`.trim(), retry, status);
}

/** Resolves once the server has stored it. @throws BlobError */
export async function putBlob(at: BlobServer, hash: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const response = await request(at, 'PUT', hash, bytes);
  await response.arrayBuffer();
}

/** @throws BlobError, also when the received bytes do not match the hash */
export async function getBlob(at: BlobServer, hash: string): Promise<Uint8Array<ArrayBuffer>> {
  const response = await request(at, 'GET', hash, null);
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    throw new BlobError(`GET of blob ${hash.slice(0, 12)}: the answer broke off`, true, null, error);
  }
  if (hashOf(bytes) !== hash)
    throw new BlobError(`GET of blob ${hash.slice(0, 12)}: the ${bytes.length} bytes received do not have that hash`, false);
  return bytes;
}
