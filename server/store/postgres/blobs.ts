import type { Readable } from 'node:stream';
import { LRUCache } from 'lru-cache';
import { nanoid } from 'nanoid';
import type { BlobReader, BlobStore } from '~/server/store/blobs';
import type { Database } from './database';

const PART_BYTES = 1 << 20;

/** Bytes of a blob; null = PostgreSQL does not have it. */
export async function sizeOf(database: Database, hash: string): Promise<number | null> {
  const rows = await database.ask<{ bytes: number }>('SELECT bytes FROM headroom.blobs WHERE hash = $1', [hash]);
  return rows[0]?.bytes ?? null;
}

/** Name of the object that holds a blob's bytes; null = PostgreSQL holds them itself. */
async function objectOf(database: Database, hash: string): Promise<string | null> {
  const rows = await database.ask<{ object: string | null }>('SELECT object FROM headroom.blobs WHERE hash = $1', [hash]);
  return rows[0]?.object ?? null;
}

/** The bytes of a blob that exists. */
export async function* partsOf(database: Database, hash: string): AsyncGenerator<Uint8Array> {
  const object = await objectOf(database, hash);
  if (object !== null) return yield* database.blobObjects().get(object);
  for (let part = 0; ; part++) {
    const sql = 'SELECT bytes FROM headroom.blob_parts WHERE hash = $1 AND part = $2';
    const [row] = await database.ask<{ bytes: Buffer }>(sql, [hash, part]);
    if (!row) return;
    yield row.bytes;
  }
}

export async function* allBlobs(database: Database): AsyncGenerator<{ hash: string; bytes: number }> {
  for (let last = ''; ; ) {
    const sql = 'SELECT hash, bytes FROM headroom.blobs WHERE hash > $1 ORDER BY hash LIMIT 1000';
    const rows = await database.ask<{ hash: string; bytes: number }>(sql, [last]);
    if (rows.length === 0) return;
    yield* rows;
    last = rows.at(-1)!.hash;
  }
}

/** What `read` makes of a blob; null = PostgreSQL does not have it, or it was deleted while it was read. */
export async function ifThere<T>(database: Database, hash: string, read: () => Promise<T>): Promise<T | null> {
  const there = async () => (await sizeOf(database, hash)) !== null;
  if (!(await there())) return null;
  try {
    const whole = await read();
    return (await there()) ? whole : null;
  } catch (error) {
    if (await there()) throw error;
    return null;
  }
}

/** The bytes of a blob; null = PostgreSQL does not have it. */
export const wholeBlob = (database: Database, hash: string): Promise<Uint8Array | null> =>
  ifThere(database, hash, async () => {
    const parts: Uint8Array[] = [];
    for await (const part of partsOf(database, hash)) parts.push(part);
    return Buffer.concat(parts);
  });

/**
 * Copies a blob to where all nodes find it, if it is not there: last its row in `blobs`, without which it does not exist.
 *
 * @returns whether it was not there before
 */
export async function uploadBlob(database: Database, hash: string, from: BlobReader): Promise<boolean> {
  if ((await sizeOf(database, hash)) !== null) return false;
  const bytes = await from.size(hash);
  const open = async () => {
    const blob = await from.open(hash);
    if (!blob) throw new Error(`blob ${hash} is not here`);
    return blob.stream;
  };
  const insert = (object: string | null) => {
    const sql = 'done AS (INSERT INTO headroom.blobs SELECT $2, $3, $4 FROM fence ON CONFLICT DO NOTHING RETURNING 1 AS is)';
    return database.write(sql, [hash, bytes, object]);
  };
  const { objects } = database;
  if (!objects) {
    await writeParts(database, hash, await open());
    await insert(null);
    return true;
  }
  // A name of its own for each upload: what a node that was replaced still deletes is never what another one wrote since.
  const object = `${database.id}/${database.fence}/${hash}/${nanoid()}`;
  await objects.put(object, open);
  await insert(object);
  if ((await objectOf(database, hash)) === object) return true;
  // Two uploads at a time: the other one was first.
  await objects.remove(object);
  return false;
}

/**
 * Deletes objects that have no row: a crash came before it was written. Those of the present lease, and of later ones when this node has
 * been replaced, may still get theirs; those of earlier leases cannot, as every write checks the lease.
 */
export async function removeUnusedObjects(database: Database): Promise<void> {
  const { objects, id, fence } = database;
  if (!objects) return;
  // The second part of a name is the number of the lease; before 28 November 2026 names had none.
  const leaseOf = (name: string) => Number(/^[^/]*\/(\d{1,15})\//.exec(name)?.[1] ?? -1);
  for await (const listed of objects.names(`${id}/`)) {
    const names = listed.filter((name) => leaseOf(name) < fence);
    const sql = 'SELECT object FROM headroom.blobs WHERE object = ANY($1)';
    const used = new Set((await database.ask<{ object: string }>(sql, [names])).map((row) => row.object));
    for (const name of names) if (!used.has(name)) await objects.remove(name);
  }
}

async function writeParts(database: Database, hash: string, stream: Readable): Promise<void> {
  let rest: Buffer = Buffer.alloc(0);
  let parts = 0;
  const write = async (bytes: Buffer) => {
    const sql = 'done AS (INSERT INTO headroom.blob_parts SELECT $2, $3, $4 FROM fence ON CONFLICT DO NOTHING RETURNING 1 AS is)';
    await database.write(sql, [hash, parts++, bytes]);
  };
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (; rest.length >= PART_BYTES; rest = rest.subarray(PART_BYTES)) await write(rest.subarray(0, PART_BYTES));
  }
  if (rest.length > 0) await write(rest);
}

/**
 * Blobs that all nodes share: their rows are in PostgreSQL, their bytes there or in objects; the files of `local` are a cache of
 * them, filled by what is put and read here. A blob that is only a file does not exist: another node could not read it.
 *
 * @param onError called when unused objects could not be deleted: the next leader tries again
 */
export async function openPostgresBlobs(
  database: Database,
  local: BlobStore,
  onError: (error: unknown) => void,
): Promise<BlobStore> {
  const sizes = new LRUCache<string, number>({ max: 10_000 });
  async function size(hash: string): Promise<number | null> {
    const bytes = sizes.get(hash) ?? (await sizeOf(database, hash));
    if (bytes !== null) sizes.set(hash, bytes);
    return bytes;
  }

  /** Reads from the cache, or first fetches what it lacks or cannot read. @returns null when there is no such blob */
  async function cached<T>(hash: string, read: () => Promise<T | null>): Promise<T | null> {
    const found = await read().catch(() => null);
    if (found !== null) return found;
    return (await ifThere(database, hash, () => local.put(hash, partsOf(database, hash)))) && read();
  }

  // What earlier leaders removed, and uploads that a crash cut short.
  const there = new Set<string>();
  for await (const { hash } of allBlobs(database)) there.add(hash);
  for await (const { hash } of local.files()) if (!there.has(hash)) await local.remove(hash);
  await database.write(
    'done AS (DELETE FROM headroom.blob_parts USING fence WHERE hash NOT IN (SELECT hash FROM headroom.blobs) RETURNING 1 AS is)',
    [],
  );
  // There may be very many: runs do not wait for it.
  removeUnusedObjects(database).catch(onError);

  return {
    onPut: local.onPut,
    check: local.check,
    files: () => allBlobs(database),
    size,
    has: async (hash) => (await size(hash)) !== null,
    get: (hash) => cached(hash, () => local.get(hash)),
    open: (hash, part) => cached(hash, () => local.open(hash, part)),

    async put(hash, source, maxBytes) {
      const { bytes } = await local.put(hash, source, maxBytes);
      const fresh = (await size(hash)) === null && (await uploadBlob(database, hash, local));
      sizes.set(hash, bytes);
      return { bytes, fresh };
    },

    async remove(hash) {
      sizes.delete(hash);
      const object = await objectOf(database, hash);
      const sql = `gone AS (DELETE FROM headroom.blobs USING fence WHERE hash = $2),
        done AS (DELETE FROM headroom.blob_parts USING fence WHERE hash = $2 RETURNING 1 AS is)`;
      await database.write(sql, [hash]);
      // Its size may have been read again meanwhile.
      sizes.delete(hash);
      if (object !== null) await database.blobObjects().remove(object);
      await local.remove(hash);
    },
  };
}
