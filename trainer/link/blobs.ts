/** Blobs over HTTP: PUT before the event that names one, GET of the checkpoint that a run starts from. */
import type { TrainerEvent } from '~/shared/events';
import { addressAt, paths } from '~/shared/protocol';
import { hashOf } from '~/trainer/base/hash';

export interface BlobServer {
  server: string;
  token: string;
}

/** `retry` true: the server is unreachable or busy; false: a retry would get the same answer. */
export class BlobError extends Error {
  override name = 'BlobError';
  readonly retry: boolean;
  constructor(message: string, retry: boolean, cause?: unknown) {
    super(message, { cause });
    this.retry = retry;
  }
}

/** Hashes of the blobs that an event names; the server must have them before the event. */
export function blobsOf(event: TrainerEvent): string[] {
  const named = 'blob' in event && event.blob ? [event.blob.hash] : [];
  return event.type === 'snapshot' && event.pictures ? [...named, event.pictures.hash] : named;
}

const timeoutMs = 120_000;

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
      signal: AbortSignal.timeout(timeoutMs),
    });
  } catch (error) {
    const why = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    throw new BlobError(`${method} of blob ${hash.slice(0, 12)}: ${why}`, true, error);
  }
  if (response.ok) return response;
  const said = (await response.text().catch(() => '')).slice(0, 300);
  const retry = response.status >= 500 || response.status === 408 || response.status === 429;
  throw new BlobError(`${method} of blob ${hash.slice(0, 12)}: the server answered ${response.status} ${said}`.trim(), retry);
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
    throw new BlobError(`GET of blob ${hash.slice(0, 12)}: the answer broke off`, true, error);
  }
  if (hashOf(bytes) !== hash)
    throw new BlobError(`GET of blob ${hash.slice(0, 12)}: the ${bytes.length} bytes received do not have that hash`, false);
  return bytes;
}
