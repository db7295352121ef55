/** The store in PostgreSQL with its index in SQLite, on a server of its own. */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import path from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { AuditLog } from '~/server/audit/auditLog';
import { firstBroken } from '~/server/audit/chain';
import { giveLeaseBack, renewLease, takeLease } from '~/server/cluster/lease';
import { StaleHeadError, type Store } from '~/server/store';
import { backup } from '~/server/store/backup';
import { openBlobs } from '~/server/store/blobs';
import { openPostgresAudit } from '~/server/store/postgres/audit';
import { openPostgresBlobs, removeUnusedObjects, uploadBlob, wholeBlob } from '~/server/store/postgres/blobs';
import { Database } from '~/server/store/postgres/database';
import { openPostgresStore } from '~/server/store/postgres/open';
import { verifyDatabase } from '~/server/store/postgres/verify';
import { Sqlite } from '~/server/store/sqlite/driver';
import { openSqliteStore } from '~/server/store/sqlite/open';
import { databaseFile } from '~/server/store/sqlite/schema';
import { verifyFolder } from '~/server/store/verify';
import type { RunEvent } from '~/shared/events';
import { summarize } from '~/shared/summary';
import { fillRun } from '~/test/bench/rows';
import { startApp } from '~/test/support/app';
import { ownFolder } from '~/test/support/folder';
import { openMemoryStore } from '~/test/support/memoryStore';
import { startObjectStore, type TestObjectStore } from '~/test/support/objectStore';
import { startPostgres, type TestPostgres, withoutPostgres } from '~/test/support/postgres';
import { storeContract } from '~/test/support/storeContract';
import { ada, all, assigned, created, declared, rows, status, writer } from '~/test/support/storeEntries';
import { type Blob, blobOf, refOf } from '~/test/support/synthetic';
import { foldAll } from '~/test/support/views';

const folder = ownFolder();
let postgres: TestPostgres;
let objects: TestObjectStore;
let folders = 0;
/** The tests end while unused objects are still looked for. */
const noTrouble = () => {};
beforeAll(async () => {
  if (withoutPostgres) return;
  postgres = await startPostgres();
  objects = await startObjectStore();
});
afterAll(async () => {
  await postgres?.close();
  await objects?.close();
  folder.remove();
});

/** A way to the database that can lose an answer: it cuts the connection once the statement with this text was answered. */
async function losingAnswers(to: string) {
  const target = new URL(to);
  const port = Number(target.port);
  const sockets = new Set<Socket>();
  let losing: string | null = null;
  let lost = 0;
  const server = createServer((client) => {
    const there = connect(port, target.hostname);
    let loses = false;
    for (const socket of [client, there]) sockets.add(socket.on('error', () => {}));
    client.on('data', (bytes) => {
      if (losing !== null && bytes.includes(losing)) {
        losing = null;
        loses = true;
      }
      there.write(bytes);
    });
    there.on('data', (bytes) => {
      if (!loses) return client.write(bytes);
      lost++;
      loses = false;
      return client.destroy();
    });
    client.on('close', () => there.destroy());
    there.on('close', () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  target.port = String((server.address() as AddressInfo).port);
  return {
    url: target.href,
    lose(text: string) {
      losing = text;
    },
    lost: () => lost,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function listed<T>(from: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of from) all.push(one);
  return all;
}

const open = async (url: string, index = path.join(folder.path, `index${folders++}`)) => {
  const database = await Database.open({ url, onTrouble: () => {} });
  await takeLease(database, { address: 'http://test', open: true });
  const store = await openPostgresStore({ database, folder: index, onNotice: () => {} });
  return { ...store, close: () => store.close().then(() => database.close()) };
};

describe.skipIf(withoutPostgres)('the store in PostgreSQL', () => storeContract(async () => open(await postgres.database())));

describe.skipIf(withoutPostgres)('an index of PostgreSQL', () => {
  const notices: string[] = [];
  const begin = async (url: string, index: string, blobUrl: string | null = null) => {
    const database = await Database.open({ url, blobUrl, onTrouble: () => {} });
    await takeLease(database, { address: 'http://test', open: true });
    const store = await openPostgresStore({ database, folder: index, onNotice: (text) => notices.push(text) });
    async function close(): Promise<void> {
      await store.close();
      await giveLeaseBack(database);
      await database.close();
    }
    return { database, store, close };
  };
  const wholeLog = (store: Store, runId: string) => store.entries({ runId, ...all });
  const anIndex = () => path.join(folder.path, `own${folders++}`);
  const fill = async (store: Store, runId: string) => {
    const run = writer(store, runId);
    await run.append([created, assigned(1, 0), declared()]);
    for (let i = 0; i < 5; i++) await run.append([rows(i * 10, 10, 2, (s, c) => s / (c + 3))]);
    // Events that were set aside: the trainer's next number moves, the log does not.
    await store.append({ runId, after: run.head, attempt: 1, nextEvent: 99, entries: [] });
    return run;
  };

  it('that was deleted is read from PostgreSQL again: entries, rows, attempt, next event, chain, settings', async () => {
    const url = await postgres.database();
    const first = await begin(url, anIndex());
    const run = await fill(first.store, 'run001');
    await first.store.setSetting('webhook.a', 'https://secret');
    const before = [await first.store.runs(), await first.store.chainAt('run001', run.log.at(-1)!.seq)];
    await first.close();
    const again = await begin(url, anIndex());
    expect(await wholeLog(again.store, 'run001')).toEqual(run.log);
    expect([await again.store.runs(), await again.store.chainAt('run001', run.log.at(-1)!.seq)]).toEqual(before);
    expect(await again.store.setting('webhook.a')).toBe('https://secret');
    await again.close();
  });

  it('that is behind, because the process was killed between the two commits, catches up when it is opened', async () => {
    const url = await postgres.database();
    const index = anIndex();
    const first = await begin(url, index);
    const run = await fill(first.store, 'run001');
    const { head } = run;
    await first.close();
    // Committed in PostgreSQL only: by an index that is thrown away.
    const other = await begin(url, anIndex());
    const entries = [{ seq: head + 1, attempt: 1, at: 5, event: status(50, 'one more') }];
    await other.store.append({ runId: 'run001', after: head, attempt: 1, nextEvent: 100, entries });
    await other.store.remove('nosuch');
    await other.close();
    const again = await begin(url, index);
    expect(await wholeLog(again.store, 'run001')).toEqual([...run.log, ...entries]);
    expect((await again.store.runs())[0]).toMatchObject({ head: head + 1, attempt: 1, nextEvent: 100 });
    expect(notices.splice(0)).toEqual([]);
    await again.close();
  });

  it('that has another log under the same id, or a run that is gone, is made the same as PostgreSQL, and says so', async () => {
    const url = await postgres.database();
    const index = anIndex();
    const first = await begin(url, index);
    await fill(first.store, 'run001');
    await fill(first.store, 'run002');
    await first.close();
    const other = await begin(url, anIndex());
    await other.store.remove('run001');
    await other.store.remove('run002');
    const run = writer(other.store, 'run001');
    await run.append([created, status(7, 'another one')]);
    await other.close();
    const again = await begin(url, index);
    expect((await again.store.runs()).map(({ runId }) => runId)).toEqual(['run001']);
    expect(await wholeLog(again.store, 'run001')).toEqual(run.log);
    expect(notices.splice(0)).toEqual([`run run001: the index in ${index} is not of the log in PostgreSQL; it is built again`]);
    await again.close();
  });

  it('follows while another node writes, also a run that was removed and made again', async () => {
    const url = await postgres.database();
    const leading = await begin(url, anIndex());
    const standing = await openPostgresStore({
      database: await Database.open({ url, onTrouble: () => {} }),
      folder: anIndex(),
      onNotice: (text) => notices.push(text),
    });
    const run = await fill(leading.store, 'run001');
    const view = foldAll('run001', run.log);
    await leading.store.saveView(view, summarize(view, 0));
    await standing.follow(false);
    expect(await wholeLog(standing, 'run001')).toEqual(run.log);
    // The node folds on from it when it takes over.
    expect([await standing.view('run001'), (await standing.runs())[0]!.summary?.seq]).toEqual([view, view.seq]);
    await leading.store.remove('run001');
    const again = writer(leading.store, 'run001');
    await again.append([created, assigned(1, 0)]);
    await standing.follow(false);
    expect(await wholeLog(standing, 'run001')).toEqual(again.log);
    notices.length = 0;
    await standing.close();
    await leading.close();
  });

  it('is refused in a folder with runs of its own, and in one that indexes another database', async () => {
    const index = anIndex();
    const own = await openSqliteStore(index);
    await writer(own, 'run001').append([created]);
    await own.close();
    await expect(begin(await postgres.database(), index)).rejects.toThrow(
      `HEADROOM_DATA: ${index} holds runs of its own, which are not in PostgreSQL; \`headroom migrate\` copies them there, or choose an empty folder`,
    );
    const other = anIndex();
    await (await begin(await postgres.database(), other)).close();
    await expect(begin(await postgres.database(), other)).rejects.toThrow(
      `HEADROOM_DATA: ${other} is the index of another database than DATABASE_URL; choose another folder, which may be empty`,
    );
  });

  it('an append whose entries PostgreSQL has, but the index could not take, is there when the runs are read again', async () => {
    const url = await postgres.database();
    const index = anIndex();
    const { store, close } = await begin(url, index);
    const run = await fill(store, 'run001');
    // A full disk, as the index sees it: another connection holds the file.
    const held = new Sqlite(databaseFile(index));
    held.exec('BEGIN IMMEDIATE');
    const entries = [{ seq: run.head + 1, attempt: 1, at: 5, event: status(50, 'one more') }];
    const write = { runId: 'run001', after: run.head, attempt: 1, nextEvent: 100, entries };
    const appended = store.append(write);
    await expect(appended).rejects.toThrow('database is locked');
    held.exec('ROLLBACK');
    held.close();
    expect((await store.runs())[0]).toMatchObject({ head: run.head, nextEvent: 99 });
    await store.append(write);
    expect(await wholeLog(store, 'run001')).toEqual([...run.log, ...entries]);
    await close();
  });

  it('a write under an older number of the lease is refused, and nothing of it stays', async () => {
    const url = await postgres.database();
    const old = await begin(url, anIndex());
    const run = await fill(old.store, 'run001');
    await giveLeaseBack(old.database);
    const next = await begin(url, anIndex());
    const entries = [{ seq: run.head + 1, attempt: 1, at: 5, event: status(50) }];
    const late = { runId: 'run001', after: run.head, attempt: 1, nextEvent: 100, entries };
    for (const write of [() => old.store.append(late), () => old.store.setSetting('a', 'b'), () => old.store.remove('run001')])
      await expect(write()).rejects.toThrow('another node leads now: this one may not write any more');
    expect(await renewLease(old.database)).toBe(false);
    await next.store.follow(true);
    expect([await wholeLog(next.store, 'run001'), await next.store.setting('a')]).toEqual([run.log, null]);
    await old.close();
    await next.close();
  });

  it('a write whose answer is lost with its connection takes effect once: appends, also the first and an empty one, settings, audit rows', async () => {
    const { url, lose, lost, close: closeProxy } = await losingAnswers(await postgres.database());
    const { database, store, close } = await begin(url, anIndex());
    const run = writer(store, 'run001');
    lose('INSERT INTO headroom.runs');
    await run.append([created]);
    for (let i = 0; i < 3; i++) {
      lose('UPDATE headroom.runs');
      await run.append([status(i)]);
    }
    lose('UPDATE headroom.runs');
    const empty = { runId: 'run001', after: run.head, attempt: 0, nextEvent: 99, entries: [] };
    await store.append(empty);
    lose('INSERT INTO headroom.settings');
    await store.setSetting('a', 'b');
    const audit = await AuditLog.open(await openPostgresAudit(database), () => 7);
    lose('INSERT INTO headroom.audit');
    await audit.record(ada, () => ({ events: [{ type: 'run.changed', runId: 'run001', what: 'x' }], result: undefined }));
    expect(lost()).toBe(7);
    expect(await wholeLog(store, 'run001')).toEqual(run.log);
    expect((await store.runs())[0]).toMatchObject({ head: run.head, nextEvent: 99 });
    // One that really was written by somebody else before is refused as ever.
    await expect(store.append({ ...empty, after: run.head - 1 })).rejects.toThrow(
      new StaleHeadError('run001', run.head - 1, run.head),
    );
    const counted = await database.ask('SELECT version, (SELECT count(*) FROM headroom.appends) AS appends FROM headroom.runs');
    expect(counted).toEqual([{ version: 5, appends: 5 }]);
    expect((await audit.rows({ fromSeq: 1, limit: 10 })).map(({ seq }) => seq)).toEqual([1]);
    await close();
    closeProxy();
  });

  it('a data folder that is an index is refused without DATABASE_URL: its runs would part from PostgreSQL', async () => {
    const index = anIndex();
    await (await begin(await postgres.database(), index)).close();
    await expect(startApp({ dataFolder: index })).rejects.toThrow(
      `HEADROOM_DATA: ${index} is the index of a PostgreSQL database; set DATABASE_URL, or choose another folder`,
    );
  });

  it.for(['PostgreSQL', 'a bucket'])(
    'blobs of every size are read on another node, their bytes in %s; one that is only a file does not exist',
    async (where) => {
      const url = await postgres.database();
      const { database, store, close } = await begin(url, anIndex(), where === 'a bucket' ? objects.url : null);
      // What an earlier version, or a node without a bucket, wrote into PostgreSQL stays there.
      const old = blobOf(Buffer.alloc(30_000, 9));
      const plain = await Database.open({ url, onTrouble: () => {} });
      plain.fence = database.fence;
      await (await openPostgresBlobs(plain, await openBlobs(anIndex(), openMemoryStore()), noTrouble)).put(old.hash, old.bytes);
      await plain.close();
      const [here, there] = [anIndex(), anIndex()];
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
    const url = await postgres.database();
    const { database, store, close } = await begin(url, anIndex());
    const blobs = await openPostgresBlobs(database, await openBlobs(anIndex(), store), noTrouble);
    const other = await openPostgresBlobs(database, await openBlobs(anIndex(), openMemoryStore()), noTrouble);
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
    const url = await postgres.database();
    const { database, store, close } = await begin(url, anIndex(), objects.url);
    const blobs = await openPostgresBlobs(database, await openBlobs(anIndex(), store), noTrouble);
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
    const url = await postgres.database();
    const { database, store, close } = await begin(url, anIndex(), objects.url);
    const local = await openBlobs(anIndex(), store);
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
    const next = await begin(url, anIndex(), objects.url);
    await removeUnusedObjects(next.database);
    expect(objects.sizes(id)).toEqual([40, 1_000]);
    await next.close();
  });

  it('two uploads of one blob leave one object; a node without BLOB_URL, and a bucket that is not there, are refused', async () => {
    const url = await postgres.database();
    const { database, store, close } = await begin(url, anIndex(), objects.url);
    const [one, two] = await Promise.all([openBlobs(anIndex(), store), openBlobs(anIndex(), store)]);
    const { hash, bytes } = blobOf(Buffer.alloc(50_000, 8));
    for (const local of [one, two]) await local.put(hash, bytes);
    const fresh = await Promise.all([one, two].map((local) => uploadBlob(database, hash, local)));
    expect(fresh.filter((f) => f).length).toBe(1);
    expect(objects.sizes(database.id)).toEqual([50_000]);
    await close();
    await expect(begin(url, anIndex())).rejects.toThrow(
      'BLOB_URL: it is needed, as blobs of this database lie in a bucket; set it as on the node that wrote them',
    );
    await expect(begin(url, anIndex(), objects.url.replace('lab', 'attic'))).rejects.toThrow(
      'BLOB_URL: the bucket "attic" cannot be used (NotFound); check that it is there, and AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
    );
  });

  it('the audit log keeps its chain from node to node, and a changed row is refused', async () => {
    const url = await postgres.database();
    const { database, close } = await begin(url, anIndex());
    const event = { type: 'run.changed', runId: 'run001', what: 'imported' } as const;
    const first = await AuditLog.open(await openPostgresAudit(database), () => 7);
    await first.record(ada, () => ({ events: [event, event], result: undefined }));
    const second = await AuditLog.open(await openPostgresAudit(database), () => 8);
    await second.record(ada, () => ({ events: [event], result: undefined }));
    const kept = await second.rows({ fromSeq: 1, limit: 10 });
    expect([kept.map(({ seq, at }) => [seq, at]), firstBroken(null, kept)]).toEqual([
      [
        [1, 7],
        [2, 7],
        [3, 8],
      ],
      null,
    ]);
    // One that knows only two rows: its third is refused.
    await expect(first.record(ada, () => ({ events: [event], result: undefined }))).rejects.toThrow(
      'the audit log in PostgreSQL already has other rows from 3 on',
    );
    await database.ask("UPDATE headroom.audit SET row = replace(row, 'imported', 'deleted') WHERE seq = 2");
    await expect(openPostgresAudit(database)).rejects.toThrow(
      'the audit log in PostgreSQL: row 2: its content is not what was hashed when it was written. Restore a backup of the database',
    );
    await close();
  });

  it('verify reads logs, blobs and the audit log in PostgreSQL, and names what was changed; a folder that is only an index is refused', async () => {
    const url = await postgres.database();
    const folder = anIndex();
    const { database, store, close } = await begin(url, folder);
    await fillRun(store, 'sound1', 20, { width: 2, batch: 10, kind: 'f64', inFlight: 1 });
    await fillRun(store, 'hurt01', 20, { width: 2, batch: 10, kind: 'f64', inFlight: 1 });
    const blobs = await openPostgresBlobs(database, await openBlobs(folder, store), noTrouble);
    const [kept, hurt] = [blobOf(Buffer.alloc(100, 1)), blobOf(Buffer.alloc(100, 2))];
    for (const { hash, bytes } of [kept, hurt]) await blobs.put(hash, bytes);
    const audit = await AuditLog.open(await openPostgresAudit(database), () => 7);
    const event = { type: 'run.changed', runId: 'sound1', what: 'imported' } as const;
    await audit.record(ada, () => ({ events: [event], result: undefined }));
    const { sound, damaged } = await verifyDatabase(database);
    expect([sound.slice(1), damaged]).toEqual([['2 blobs', '1 rows of the audit log'], []]);
    await expect(verifyFolder(folder)).rejects.toThrow(
      `${folder} is only the index of a PostgreSQL database, which holds the runs: DATABASE_URL=postgres://... headroom verify`,
    );
    await expect(backup(folder, anIndex())).rejects.toThrow(
      `${folder} is only the index of a PostgreSQL database, which holds the runs: back that up with pg_dump, or with its archive of write-ahead logs`,
    );
    await database.ask(
      `UPDATE headroom.appends SET head = head + 1 WHERE version = 2 AND run = (SELECT id FROM headroom.runs WHERE run_id = 'hurt01')`,
    );
    await database.ask('UPDATE headroom.blob_parts SET bytes = $2 WHERE hash = $1', [hurt.hash, kept.bytes]);
    await database.ask("UPDATE headroom.audit SET row = replace(row, 'imported', 'deleted')");
    expect((await verifyDatabase(database)).damaged.map((line) => line.replace(/ \(.*/, ''))).toEqual([
      'run hurt01: append 2 in PostgreSQL is not what was written',
      `blob ${hurt.hash}: its bytes are not what was written`,
      'audit log: row 1: its content is not what was hashed when it was written',
    ]);
    await close();
  });

  it('verify names the files of items in force that are gone; not those that the run went back over, and not those that were deleted or imported without them', async () => {
    const url = await postgres.database();
    const folder = anIndex();
    const { database, store, close } = await begin(url, folder);
    const blobs = await openPostgresBlobs(database, await openBlobs(folder, store), noTrouble);
    const run = writer(store, 'lost01', true);
    const of = (seed: number) => blobOf(Buffer.alloc(100, seed));
    const [kept, lost, deleted, imported, over] = [1, 2, 3, 4, 5].map(of) as [Blob, Blob, Blob, Blob, Blob];
    const saved = (step: number, blob: Blob): RunEvent => ({
      type: 'checkpoint',
      step,
      blob: refOf(blob),
      trigger: 'cadence',
      commandId: null,
      lastCommandSeq: 0,
    });
    await run.append([created, assigned(1, 0), status(0)]);
    const [first] = await run.append([saved(0, deleted), saved(1, kept), saved(2, lost), saved(3, imported), saved(9, over)]);
    await blobs.put(kept.hash, kept.bytes);
    await run.append([{ type: 'rewind', step: 5 }]);
    await store.setSetting('imports.missing', JSON.stringify([imported.hash]));
    const unread = async () => (await verifyDatabase(database)).unread;
    const line = (step: number, { hash }: Blob) => `run lost01: the checkpoint of step ${step}: its blob ${hash} is not there`;
    expect(await unread()).toEqual([line(0, deleted), line(2, lost)]);

    const ask = database.ask.bind(database);
    // The files of a run that is being imported come after its log.
    await store.setSetting('imports.pending', '["lost01"]');
    expect(await unread()).toEqual([]);
    await store.setSetting('imports.pending', '[]');

    let recorded = false;
    // Retention records a deletion while the files are looked for.
    const spy = vi.spyOn(database, 'ask').mockImplementation(async (sql, values) => {
      if (!recorded && /FROM headroom.blobs WHERE hash = ANY/.test(sql)) {
        recorded = true;
        await run.append([{ type: 'checkpoints.thinned', quotaBytes: 1, seqs: [first!.seq], message: '' }]);
      }
      return ask(sql, values) as never;
    });
    expect(await unread()).toEqual([line(2, lost)]);
    spy.mockRestore();
    await close();
  });

  it('tables of a newer Headroom, and a database that cannot be reached, are refused with what to do', async () => {
    const url = await postgres.database();
    const { database, close } = await begin(url, anIndex());
    await database.ask('UPDATE headroom.database SET format = 99');
    await close();
    await expect(begin(url, anIndex())).rejects.toThrow(
      'DATABASE_URL: the database was written by a newer Headroom (format 99, this one knows 2); update Headroom',
    );
    await expect(begin(`${url}nosuch`, anIndex())).rejects.toThrow(
      /^DATABASE_URL: PostgreSQL cannot be used \(database "test\d+nosuch" does not exist\); check that it runs and that the address is right$/,
    );
  });
});
