/** Downloads one file over HTTP, completely or not at all: continues from where an earlier try stopped, and checks the file before it gets its name. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

export interface DownloadOptions {
  url: string;
  /** Path of the complete file; until it is complete, its first part is in `<file>.part`. */
  file: string;
  /** Hex; null = not checked. */
  md5: string | null;
  onProgress?: (doneBytes: number, totalBytes: number | null) => void;
  log?: (line: string) => void;
  /** A connection without a new byte for this long counts as broken. */
  stallMs?: number;
  /** Tries without a new byte before the download fails. */
  tries?: number;
  retryMs?: number;
}

/** Retrying cannot help: the server refused the request. */
export class DownloadError extends Error {
  override name = 'DownloadError';
}

/**
 * @throws DownloadError naming the address and what is wrong: unreachable, refused, interrupted after all tries, or unexpected bytes (these are deleted; a part of
 *   the right file is kept for the next try)
 */
export async function download(options: DownloadOptions): Promise<void> {
  const { url, file, md5, log = () => {}, tries = 5, retryMs = 1000 } = options;
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new DownloadError(`"${url}" is not an http(s) address`);
  await mkdir(dirname(file), { recursive: true });
  const part = `${file}.part`;
  for (let idle = 0; ; ) {
    const before = await sizeOf(part);
    try {
      await attempt(options, part);
      break;
    } catch (error) {
      if (error instanceof DownloadError) throw error;
      const why = reason(error);
      idle = (await sizeOf(part)) > before ? 0 : idle + 1;
      if (idle >= tries) {
        const kept = await sizeOf(part);
        throw new DownloadError(
          `${url}: ${why}${kept > 0 ? `; ${kept} bytes are kept, the same command goes on from there` : ''}`,
        );
      }
      log(`${why}; trying again`);
      await new Promise((resolve) => setTimeout(resolve, retryMs * 2 ** Math.max(0, idle - 1)));
    }
  }
  if (md5 !== null) {
    const got = await digestOf(part, 'md5');
    if (got !== md5) {
      await forget(part);
      throw new DownloadError(`${url}: its MD5 is ${got}, expected ${md5}: another file, or damaged on the way; it was deleted`);
    }
  }
  await rename(part, file);
  await rm(`${part}.version`, { force: true });
}

/** Appends the missing bytes. Resolves when the server has sent the last one. */
async function attempt({ url, md5, onProgress = () => {}, stallMs = 30_000 }: DownloadOptions, part: string): Promise<void> {
  let done = await sizeOf(part);
  // The .version file holds the version that the part belongs to. A server that names no version is trusted if the complete file has a checksum.
  const version = done > 0 ? await readFile(`${part}.version`, 'utf8').catch(() => null) : null;
  if (version === null && md5 === null) done = 0;
  const stalled = new AbortController();
  const watch = () => setTimeout(() => stalled.abort(new Error(`no data for ${stallMs / 1000} s`)), stallMs);
  let timer = watch();
  try {
    const response = await fetch(url, {
      headers: {
        'accept-encoding': 'identity',
        ...(done > 0 && { range: `bytes=${done}-` }),
        ...(done > 0 && version !== null && { 'if-range': version }),
      },
      signal: stalled.signal,
    });
    if (response.status === 416) {
      // No bytes are left, or the file has become shorter: start again unless the lengths agree.
      await response.body?.cancel();
      const total = Number(/\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1]);
      if (total === done) return;
      await forget(part);
      throw new Error('the file has changed on the server');
    }
    if (!response.ok) {
      await response.body?.cancel();
      const answer = `the server answered ${response.status} ${response.statusText}`.trim();
      if (response.status >= 500 || response.status === 429) throw new Error(answer);
      throw new DownloadError(`${url}: ${answer}`);
    }
    if (response.status !== 206) done = 0;
    const length = response.headers.get('content-length');
    const total = length === null ? null : done + Number(length);
    const tag = response.headers.get('etag') ?? response.headers.get('last-modified');
    if (tag !== null && !tag.startsWith('W/')) await writeFile(`${part}.version`, tag);
    else await rm(`${part}.version`, { force: true });
    if (!response.body) throw new Error('the server sent nothing');
    // Each chunk is on disk before the next: a stream pipeline drops its buffer when the connection breaks.
    const out = await open(part, done > 0 ? 'a' : 'w');
    try {
      for await (const chunk of response.body) {
        clearTimeout(timer);
        await out.writeFile(chunk);
        done += chunk.length;
        onProgress(done, total);
        timer = watch();
      }
      await out.sync();
    } finally {
      await out.close();
    }
    if (total !== null && done < total) throw new Error(`broken off after ${done} of ${total} bytes`);
  } finally {
    clearTimeout(timer);
  }
}

export async function digestOf(file: string, algorithm: 'md5' | 'sha256'): Promise<string> {
  const hash = createHash(algorithm);
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

async function forget(part: string): Promise<void> {
  await rm(part, { force: true });
  await rm(`${part}.version`, { force: true });
}

const sizeOf = (file: string): Promise<number> =>
  stat(file).then(
    (s) => s.size,
    () => 0,
  );

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'AbortError' && error.cause instanceof Error) return error.cause.message;
  return error.cause instanceof Error ? error.cause.message : error.message;
}
