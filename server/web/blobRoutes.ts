/** Blobs over HTTP: GET for whoever may watch, PUT for trainers and whoever may start runs. The path is the content's hash: an answer never changes. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { finished, pipeline } from 'node:stream/promises';
import { sendText } from '~/server/base/respond';
import type { Route, Visit } from '~/server/base/route';
import { BlobError, type BlobStore } from '~/server/store/blobs';
import { blobHash } from '~/shared/ids';
import { paths } from '~/shared/protocol';

/** A damaged blob is 410 (gone): after a 500 a trainer would ask for it again, for ever. */
const status = { mismatch: 400, 'too-large': 413, invalid: 400, damaged: 410 } as const;

const maxBytes = 2 ** 30;

export function blobRoutes(blobs: BlobStore): Route[] {
  const path = `${paths.blobs}/:hash`;
  const checked =
    (serve: typeof read) =>
    async ({ request, response, params }: Visit) => {
      const hash = blobHash.safeParse(params.hash);
      if (!hash.success) return sendText(response, 400, 'hash: 64 lower-case hex digits (SHA-256) are needed');
      await serve(blobs, request, response, hash.data).catch((error) => {
        if (!(error instanceof BlobError)) throw error;
        sendText(response, status[error.reason], error.message, { connection: 'close' });
      });
    };
  return [
    { method: 'GET', path, for: ['watch runs', 'trainer'], handle: checked(read) },
    { method: 'PUT', path, for: ['trainer', 'start runs'], handle: checked(write) },
  ];
}

async function read(blobs: BlobStore, request: IncomingMessage, response: ServerResponse, hash: string): Promise<void> {
  const etag = `"${hash}"`;
  const caching = { etag, 'cache-control': 'private, max-age=31536000, immutable' };
  if (request.headers['if-none-match'] === etag) {
    response.writeHead(304, caching).end();
    return;
  }
  const size = await blobs.size(hash);
  if (size === null) return sendText(response, 404, `there is no blob ${hash}`);
  const part = rangeOf(request.headers.range, size);
  if (part === 'outside')
    return sendText(response, 416, `range: the blob has ${size} bytes`, { 'content-range': `bytes */${size}` });
  const opened = await blobs.open(hash, part ?? undefined);
  if (!opened) return sendText(response, 404, `there is no blob ${hash}`);
  response.writeHead(part ? 206 : 200, {
    ...caching,
    'content-type': 'application/octet-stream',
    'content-length': part ? part.end - part.start + 1 : size,
    'accept-ranges': 'bytes',
    ...(part && { 'content-range': `bytes ${part.start}-${part.end}/${size}` }),
  });
  if (request.method === 'HEAD') {
    opened.stream.destroy();
    response.end();
    return;
  }
  // When the reader disconnects, the stream ends; there is nobody to send an error to.
  await pipeline(opened.stream, response).catch(() => response.destroy());
}

/** One range of bytes, as browsers and resumed downloads request it; any other header gets the whole blob. */
function rangeOf(header: string | undefined, size: number): { start: number; end: number } | 'outside' | null {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (!match || (match[1] === '' && match[2] === '')) return null;
  const start = match[1] === '' ? Math.max(0, size - Number(match[2])) : Number(match[1]);
  const end = match[1] === '' || match[2] === '' ? size - 1 : Math.min(size - 1, Number(match[2]));
  return start > end ? 'outside' : { start, end };
}

async function write(blobs: BlobStore, request: IncomingMessage, response: ServerResponse, hash: string): Promise<void> {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > maxBytes)
    return sendText(response, 413, `the blob has ${announced} bytes, at most ${maxBytes} are taken`, { connection: 'close' });
  try {
    // Otherwise an error while it is stored would destroy the request, and nobody could be answered.
    const { bytes } = await blobs.put(hash, request.iterator({ destroyOnReturn: false }), maxBytes);
    response.writeHead(201, { 'content-type': 'application/json' }).end(JSON.stringify({ hash, bytes }));
  } catch (error) {
    if (error instanceof BlobError) throw error;
    if (request.errored || response.destroyed) return;
    // An unread rest would break the connection before its answer is read.
    await finished(request.resume()).catch(() => {});
    throw error;
  }
}
