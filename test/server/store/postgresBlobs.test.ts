/** Blobs in PostgreSQL and in a bucket, on servers of their own. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openBlobs } from '~/server/store/blobs';
import { openPostgresBlobs, removeUnusedObjects, uploadBlob, wholeBlob } from '~/server/store/postgres/blobs';
import { Database } from '~/server/store/postgres/database';
import { verifyDatabase } from '~/server/store/postgres/verify';
import { openMemoryStore } from '~/test/support/memoryStore';
import { ownNodes } from '~/test/support/nodes';
import { startObjectStore, type TestObjectStore } from '~/test/support/objectStore';
import { withoutPostgres } from '~/test/support/postgres';
import { created, writer } from '~/test/support/storeEntries';
import { blobOf } from '~/test/support/synthetic';

const nodes = ownNodes();
let objects: TestObjectStore;
/** The tests end while unused objects are still looked for. */
const noTrouble = () => {};
beforeAll(async () => {
  if (!withoutPostgres) objects = await startObjectStore();
});
afterAll(() => objects?.close());

async function listed<T>(from: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of from) all.push(one);
  return all;
}

describe.skipIf(withoutPostgres)('blobs of several nodes', () => {
  it.for(['PostgreSQL', 'a bucket'])(
    'blobs of every size are read on another node, their bytes in %s; one that is only a file does not exist',
    async (where) => {
      const url = await nodes.database();
      const { database, store, close } = await nodes.begin(url, nodes.newIndex(), where === 'a bucket' ? objects.url : null);
      // What an earlier version, or a node without a bucket, wrote into PostgreSQL stays there.
      const old = blobOf(Buffer.alloc(30_000, 9));
      const plain = await Database.open({ url, onTrouble: () => {} });
      plain.fence = database.fence;
      await (await openPostgresBlobs(plain, await openBlobs(nodes.newIndex(), openMemoryStore()), noTrouble)).put(
        old.hash,
        old.bytes,
      );
      await plain.close();
      const [here, there] = [nodes.newIndex(), nodes.newIndex()];
      const blobs = await openPostgresBlobs(database, await openBlobs(here, store), noTrouble);
      const made = [0, 1, 20_000, 2 ** 20, 2 ** 21 + 5, 2 ** 24 + 9].map((size) => blobOf(Buffer.alloc(size, size % 251)));
      for (const { hash, bytes } of made) expect(await blobs.put(hash, bytes)).toEqual({ bytes: bytes.length, fresh: true });
      expect(await blobs.put(made[3]!.hash, made[3]!.bytes)).toEqual({ bytes: 2 ** 20, fresh: false });
      const memory = openMemoryStore();
      const cache = await openBlobs(there, memory);
      const orphan = blobOf(Buffer.alloc(50_000, 1));
      await cache.put(orphan.hash, orphan.bytes);
      const other = await openPostgresBlobs(database, cache, noTrouble);
      expect(await other.has(orphan.hash)).toBe(false);
      for (const { hash, bytes } of [old, ...made])
        expect([await other.size(hash), Buffer.compare((await other.get(hash))!, bytes)]).toEqual([bytes.length, 0]);
      // The cache is no place for the truth: what was damaged in it is read again.
      writeFileSync(path.join(there, 'blobs', made[2]!.hash.slice(0, 2), made[2]!.hash), 'x');
      expect(Buffer.compare((await other.get(made[2]!.hash))!, made[2]!.bytes)).toBe(0);
      const { stream } = (await other.open(made[4]!.hash, { start: 2 ** 20 - 1, end: 2 ** 20 }))!;
      expect(Buffer.concat(await listed(stream as AsyncIterable<Buffer>))).toEqual(Buffer.alloc(2, (2 ** 21 + 5) % 251));
      expect(await listed(blobs.files())).toEqual(
        [old, ...made].map(({ hash, bytes }) => ({ hash, bytes: bytes.length })).sort((a, b) => (a.hash < b.hash ? -1 : 1)),
      );
      expect((await verifyDatabase(database)).sound).toContain('7 blobs');
      await blobs.remove(made[4]!.hash);
      expect([await blobs.has(made[4]!.hash), await blobs.get(made[4]!.hash)]).toEqual([false, null]);
      expect(objects.sizes(database.id)).toEqual(where === 'a bucket' ? [0, 1, 20_000, 2 ** 20, 2 ** 24 + 9] : []);
      await close();
    },
  );

  it('a blob that the leader deletes while another node reads it is not there; it is neither damaged nor an error', async () => {
    const url = await nodes.database();
    const { database, store, close } = await nodes.begin(url);
    const blobs = await openPostgresBlobs(database, await openBlobs(nodes.newIndex(), store), noTrouble);
    const other = await openPostgresBlobs(database, await openBlobs(nodes.newIndex(), openMemoryStore()), noTrouble);
    const { hash, bytes } = blobOf(Buffer.alloc(2 ** 21 + 5, 5));
    const whileRead = async (read: () => Promise<unknown>) => {
      await blobs.put(hash, bytes);
      const ask = database.ask.bind(database);
      const spy = vi.spyOn(database, 'ask').mockImplementation(async (sql, values) => {
        if (/FROM headroom.blob_parts/.test(sql) && values?.[1] === 1) await blobs.remove(hash);
        return ask(sql, values) as never;
      });
      try {
        return await read();
      } finally {
        spy.mockRestore();
      }
    };
    expect(await whileRead(() => other.get(hash))).toBeNull();
    expect(await whileRead(() => wholeBlob(database, hash))).toBeNull();
    expect(await whileRead(() => verifyDatabase(database))).toMatchObject({ damaged: [] });
    await close();
  });

  it('a bucket that does not answer delays a blob and nothing else, and the server says that it is not ready', async () => {
    const url = await nodes.database();
    const { database, store, close } = await nodes.begin(url, nodes.newIndex(), objects.url);
    const blobs = await openPostgresBlobs(database, await openBlobs(nodes.newIndex(), store), noTrouble);
    await objects.stop();
    const { hash, bytes } = blobOf(Buffer.alloc(2 ** 24 + 1, 3));
    const putting = blobs.put(hash, bytes);
    await expect.poll(() => database.objects!.trouble, { timeout: 60_000 }).toContain('ECONNREFUSED');
    await expect(store.check()).rejects.toThrow(/^the store of BLOB_URL does not answer: ECONNREFUSED/);
    expect(await blobs.has(hash)).toBe(false);
    await writer(store, 'while1').append([created]);
    await objects.start();
    expect(await putting).toEqual({ bytes: bytes.length, fresh: true });
    await store.check();
    await close();
  });

  it('objects that a crash left without a row are deleted, by no leader those of its own lease or a later one', async () => {
    const url = await nodes.database();
    const { database, store, close } = await nodes.begin(url, nodes.newIndex(), objects.url);
    const local = await openBlobs(nodes.newIndex(), store);
    const { hash, bytes } = blobOf(Buffer.alloc(1_000, 5));
    await local.put(hash, bytes);
    await uploadBlob(database, hash, local);
    const put = (name: string, size: number) => database.objects!.put(name, async () => Readable.from([Buffer.alloc(size)]));
    const { id, fence } = database;
    await put(`${id}/${fence - 1}/${hash}/of-an-earlier-lease`, 10);
    await put(`${id}/${hash}/12-named-without-a-lease`, 20);
    // Its row may still come, from this leader or, when this one was replaced and is the last to know, from the next.
    await put(`${id}/${fence}/${hash}/being-uploaded`, 30);
    await put(`${id}/${fence + 1}/${hash}/of-the-next-leader`, 40);
    await put('another-database/0/left', 50);
    await removeUnusedObjects(database);
    expect([objects.sizes(id), objects.sizes('another-database')]).toEqual([[30, 40, 1_000], [50]]);
    await close();
    const next = await nodes.begin(url, nodes.newIndex(), objects.url);
    await removeUnusedObjects(next.database);
    expect(objects.sizes(id)).toEqual([40, 1_000]);
    await next.close();
  });

  it('two uploads of one blob leave one object; a node without BLOB_URL, and a bucket that is not there, are refused', async () => {
    const url = await nodes.database();
    const { database, store, close } = await nodes.begin(url, nodes.newIndex(), objects.url);
    const [one, two] = await Promise.all([openBlobs(nodes.newIndex(), store), openBlobs(nodes.newIndex(), store)]);
    const { hash, bytes } = blobOf(Buffer.alloc(50_000, 8));
    for (const local of [one, two]) await local.put(hash, bytes);
    const fresh = await Promise.all([one, two].map((local) => uploadBlob(database, hash, local)));
    expect(fresh.filter((f) => f).length).toBe(1);
    expect(objects.sizes(database.id)).toEqual([50_000]);
    await close();
    await expect(nodes.begin(url)).rejects.toThrow(
      'BLOB_URL: it is needed, as blobs of this database lie in a bucket; set it as on the node that wrote them',
    );
    await expect(nodes.begin(url, nodes.newIndex(), objects.url.replace('lab', 'attic'))).rejects.toThrow(
      'BLOB_URL: the bucket "attic" cannot be used (NotFound, HTTP 404); check that it is there, and AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
    );
    const key = process.env.AWS_ACCESS_KEY_ID;
    process.env.AWS_ACCESS_KEY_ID = 'SOMEBODY';
    try {
      await expect(nodes.begin(url, nodes.newIndex(), objects.url)).rejects.toThrow('"lab" cannot be used (HTTP 403); check');
    } finally {
      process.env.AWS_ACCESS_KEY_ID = key;
    }
  });
});
