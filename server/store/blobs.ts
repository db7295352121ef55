import { createHash, randomBytes } from 'node:crypto';
import type { Stats } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { LRUCache } from 'lru-cache';
import { hashOf, hashOfFile } from '~/server/base/hash';
import { blobHash } from '~/shared/ids';
import { pathProblem } from '~/shared/pathProblem';
import type { Store } from './index';

/**
 * Snapshots and checkpoints, addressed by the SHA-256 of their bytes, so that a blob never changes and may be cached for ever.
 * Small ones live in the database; others are files `blobs/ab/abcd...`, written under a temporary name, synced and renamed.
 */
export interface BlobStore extends BlobReader {
  /**
   * Stores the bytes. Resolves once they survive a kill; an existing blob (`fresh` false) is written again only if it is damaged.
   *
   * @throws BlobError when the bytes do not have this hash ('mismatch'), exceed `maxBytes` ('too-large') or the hash is not one
   *   ('invalid'); nothing is stored then
   */
  put(hash: string, bytes: Uint8Array | AsyncIterable<Uint8Array>, maxBytes?: number): Promise<{ bytes: number; fresh: boolean }>;
  /** Deletes a blob that nothing needs any more; an unknown one is ignored. */
  remove(hash: string): Promise<void>;
  /** Every blob that is a file; Store.unnamedSmallBlobs lists those in the database. */
  files(): AsyncIterable<{ hash: string; bytes: number }>;
  /** Called with each blob that is put, including existing ones. @returns stop */
  onPut(listener: (hash: string) => void): () => void;
  /** @throws the file system's error, with what to do, when files cannot be written */
  check(): Promise<void>;
}

export interface BlobReader {
  get(hash: string): Promise<Uint8Array | null>;
  /** For HTTP: the size of the whole blob and a stream of it, or of `start`..`end` (inclusive). */
  open(hash: string, part?: { start: number; end: number }): Promise<{ bytes: number; stream: Readable } | null>;
  /** Size in bytes; null = not stored. */
  size(hash: string): Promise<number | null>;
  has(hash: string): Promise<boolean>;
}

export class BlobError extends Error {
  constructor(
    readonly reason: 'mismatch' | 'too-large' | 'invalid' | 'damaged',
    message: string,
  ) {
    super(message);
    this.name = 'BlobError';
  }
}

/** Up to this size a row of the database is cheaper than a file and its two fsyncs. */
const SMALL_BYTES = 16 * 1024;

const rootOf = (folder: string): string => path.join(folder, 'blobs');

function fileOf(folder: string, hash: string): string {
  if (!blobHash.safeParse(hash).success)
    throw new BlobError('invalid', `hash: "${hash.slice(0, 80)}" is not a blob's; 64 lower-case hex digits (SHA-256) are needed`);
  return path.join(rootOf(folder), hash.slice(0, 2), hash);
}

/** Every blob of a folder that is a file. */
export async function* blobFiles(folder: string): AsyncGenerator<{ hash: string; file: string }> {
  const root = rootOf(folder);
  for (const entry of (await readdir(root, { withFileTypes: true }).catch(absent)) ?? []) {
    // Whatever else somebody left there is no blob.
    if (entry.isFile() || !/^[0-9a-f]{2}$/.test(entry.name)) continue;
    const start = path.join(root, entry.name);
    for (const hash of await readdir(start)) if (blobHash.safeParse(hash).success) yield { hash, file: path.join(start, hash) };
  }
}

const damaged = (hash: string, found: string) =>
  new BlobError('damaged', `blob ${hash} is damaged: its bytes have SHA-256 ${found}; restore it from a backup`);

/** What `task` reads of a blob's file: null if there is none. One that cannot be read is as good as damaged; too many open files are no fault of it. */
async function readFrom<T>(hash: string, task: () => Promise<T>): Promise<T | null> {
  try {
    return await task();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    if (error instanceof BlobError || code === undefined || code === 'EMFILE' || code === 'ENFILE') throw error;
    throw new BlobError('damaged', `blob ${hash}: ${pathProblem(error, 'read')}`);
  }
}

/** Returns the bytes if they have this hash. @throws BlobError */
function sound<T extends Uint8Array>(hash: string, bytes: T): T {
  const found = hashOf(bytes);
  if (found !== hash) throw damaged(hash, found);
  return bytes;
}

/**
 * Reads blobs that another part of the program, or another thread, writes.
 *
 * @param sizeOf size of a blob that is no file; left out: it is read for that
 */
export function openBlobReader(
  folder: string,
  store: Pick<Store, 'smallBlob'>,
  sizeOf = async (hash: string): Promise<number | null> => (await store.smallBlob(hash))?.length ?? null,
): BlobReader {
  // Files whose hash was checked, by hash and time of change: a part of a file cannot be checked alone.
  const found = new LRUCache<string, true>({ max: 4096 });
  async function check(hash: string, file: FileHandle, { mtimeMs, size }: Stats): Promise<void> {
    const key = `${hash} ${mtimeMs} ${size}`;
    if (found.has(key)) return;
    const digest = await hashOfFile(file);
    if (digest !== hash) throw damaged(hash, digest);
    found.set(key, true);
  }

  const size = async (hash: string): Promise<number | null> => {
    const file = await readFrom(hash, () => stat(fileOf(folder, hash)));
    return file ? file.size : sizeOf(hash);
  };
  return {
    size,
    has: async (hash) => (await size(hash)) !== null,

    async get(hash) {
      const bytes = (await readFrom(hash, () => readFile(fileOf(folder, hash)))) ?? (await store.smallBlob(hash));
      return bytes && sound(hash, bytes);
    },

    async open(hash, part) {
      // Once the file is open, it is read to its end, even if the blob is deleted meanwhile.
      const opened = await readFrom(hash, async () => {
        const file = await open(fileOf(folder, hash));
        try {
          const about = await file.stat();
          await check(hash, file, about);
          return { bytes: about.size, stream: file.createReadStream(part) };
        } catch (error) {
          await file.close();
          throw error;
        }
      });
      if (opened) return opened;
      const small = await store.smallBlob(hash);
      const bytes = small && sound(hash, small);
      return bytes && { bytes: bytes.length, stream: Readable.from([bytes.subarray(part?.start ?? 0, part && part.end + 1)]) };
    },
  };
}

/** Blobs under `folder`/blobs. Files left by a crash are in `folder`/blobs/tmp and are deleted here. */
export async function openBlobs(
  folder: string,
  store: Pick<Store, 'smallBlob' | 'putSmallBlob' | 'removeSmallBlob'>,
): Promise<BlobStore> {
  const root = rootOf(folder);
  const temporary = path.join(root, 'tmp');
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true });
  const reader = openBlobReader(folder, store);
  const listeners = new Set<(hash: string) => void>();

  return {
    ...reader,

    onPut(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },

    async *files() {
      for await (const { hash, file } of blobFiles(folder)) {
        const { size } = (await stat(file).catch(absent)) ?? {};
        if (size !== undefined) yield { hash, bytes: size };
      }
    },

    async remove(hash) {
      await rm(fileOf(folder, hash), { force: true });
      await store.removeSmallBlob(hash);
    },

    async check() {
      const name = path.join(temporary, randomBytes(12).toString('hex'));
      try {
        await writeFile(name, 'x').finally(() => rm(name, { force: true }));
      } catch (error) {
        throw new Error(`${root}: ${pathProblem(error, 'write')}`);
      }
    },

    async put(hash, source, maxBytes = Number.POSITIVE_INFINITY) {
      const target = fileOf(folder, hash);
      for (const listener of listeners) listener(hash);
      const known = await reader.open(hash).catch(() => null);
      if (known) {
        known.stream.destroy();
        // Read the request to its end in any case: an unread rest would break its connection.
        if (!(source instanceof Uint8Array)) for await (const _ of source);
        return { bytes: known.bytes, fresh: false };
      }
      const fresh = !(await reader.has(hash).catch(() => true));
      const sha = createHash('sha256');
      const head: Uint8Array[] = [];
      let bytes = 0;
      let file: { name: string; handle: Awaited<ReturnType<typeof open>> } | null = null;
      try {
        for await (const chunk of source instanceof Uint8Array ? [source] : source) {
          bytes += chunk.length;
          if (bytes > maxBytes) throw new BlobError('too-large', `blob ${hash}: more than the ${maxBytes} bytes allowed`);
          sha.update(chunk);
          if (!file && bytes > SMALL_BYTES) {
            const name = path.join(temporary, randomBytes(12).toString('hex'));
            file = { name, handle: await open(name, 'wx') };
            for (const early of head) await file.handle.writeFile(early);
          }
          if (file) await file.handle.writeFile(chunk);
          else head.push(chunk);
        }
        const found = sha.digest('hex');
        if (found !== hash)
          throw new BlobError('mismatch', `blob ${hash}: the ${bytes} bytes received have SHA-256 ${found}; send them again`);
        if (!file) {
          await store.putSmallBlob(hash, Buffer.concat(head));
          return { bytes, fresh };
        }
        await file.handle.sync();
        await file.handle.close();
        await mkdir(path.dirname(target), { recursive: true });
        await rename(file.name, target);
        await syncFolder(path.dirname(target));
        await syncFolder(root);
        return { bytes, fresh };
      } catch (error) {
        await file?.handle.close().catch(() => {});
        if (file) await rm(file.name, { force: true });
        throw error;
      }
    },
  };
}

/** null for a file that is not there. */
export const absent = (error: NodeJS.ErrnoException): null => {
  if (error.code === 'ENOENT') return null;
  throw error;
};

/** A rename is durable only once its folder is synced. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  await handle.sync().finally(() => handle.close());
}
