import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, describe, expect, it } from 'vitest';
import { asSent } from '~/server/store/completeLog';
import { Sqlite } from '~/server/store/sqlite/driver';
import { makeItems } from '~/server/store/sqlite/makeItems';
import { openSqliteStore } from '~/server/store/sqlite/open';
import { databaseFile, openForWriting } from '~/server/store/sqlite/schema';
import { sealAll } from '~/server/store/sqlite/seal';
import type { Entry } from '~/shared/events';
import { firstStepOf, rowCount, seqCount } from '~/shared/rows';
import { listKinds } from '~/shared/view';
import { ownFolder } from '~/test/support/folder';
import { RandomRun } from '~/test/support/randomRun';
import { created, named, writer } from '~/test/support/storeEntries';
import { unpack01 } from '~/test/support/version01';
import { foldAll } from '~/test/support/views';

const folder = ownFolder();
afterAll(folder.remove);
const inside = (name: string) => path.join(folder.path, name);

describe('kill -9 of a writing process', () => {
  it('every acknowledged entry is read back, the log has no gap, the range equals the log, the file is whole', {
    timeout: 120_000,
  }, async () => {
    const data = inside('killed');
    const script = path.join(import.meta.dirname, '../../support/storeWriter.ts');
    for (const acks of [1, 40, 90, 25]) {
      const child = spawn(process.execPath, ['--import', 'tsx', script, data], { stdio: ['ignore', 'pipe', 'inherit'] });
      const acked: [head: number, step: number][] = [];
      for await (const line of createInterface({ input: child.stdout! })) {
        acked.push(line.split(' ').map(Number) as [number, number]);
        // Killed at an acknowledgement, so in the midst of the next append.
        if (acked.length === acks) child.kill('SIGKILL');
      }
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      expect(child.signalCode).toBe('SIGKILL');

      const db = new Sqlite(databaseFile(data), { readonly: true });
      expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
      db.close();

      const store = await openSqliteStore(data);
      try {
        const log: Entry[] = [];
        for (let from = 1, page: Entry[]; ; from = page.at(-1)!.seq + seqCount(page.at(-1)!.event)) {
          page = await store.entries({ runId: 'run001', fromSeq: from, limit: 1000, types: null });
          if (page.length === 0) break;
          log.push(...page);
        }
        let head = 0;
        const inForce: number[] = [];
        for (const { seq, event } of log) {
          expect(seq).toBe(head + 1);
          head += seqCount(event);
          if (event.type === 'run.assigned') inForce.length = event.fromStep;
          if (event.type !== 'rows') continue;
          expect(firstStepOf(event)).toBe(inForce.length);
          for (let i = 0; i < rowCount(event); i++) inForce.push(event.values[2 * i]!);
        }
        const [lastHead, lastStep] = acked.at(-1)!;
        expect(head).toBeGreaterThanOrEqual(lastHead);
        expect(inForce.length).toBeGreaterThanOrEqual(lastStep);
        expect(inForce.every((v, step) => v === step)).toBe(true);
        expect((await store.runs())[0]).toMatchObject({ head });
        const range = await store.range({ runId: 'run001', series: ['loss'], fromStep: 0, toStep: null, buckets: 50 });
        expect(range.headStep).toBe(inForce.length);
        const loss = named(range, 'loss');
        const bounds = [...loss.rows].map((_, i) => [
          i * loss.bucketSteps,
          Math.min((i + 1) * loss.bucketSteps, inForce.length) - 1,
        ]);
        expect([...loss.min].map((min, i) => [min, loss.max[i]])).toEqual(bounds);
      } finally {
        await store.close();
      }
    }
  });
});

describe('opening the store', () => {
  const refused = (data: string) => expect(openSqliteStore(data)).rejects;

  it('commits are synced: synchronous is FULL and SQLite has the WAL-reset fix', () => {
    const { db, unlock } = openForWriting(inside('pragmas'));
    expect(db.pragma('synchronous', { simple: true })).toBe(2);
    expect(db.pragma('journal_mode', { simple: true })).toBe('wal');
    db.close();
    unlock();
  });

  it('a second server on the same folder is refused, and may open it once the first has closed', async () => {
    const data = inside('locked');
    const first = await openSqliteStore(data);
    const holder = `process ${process.pid} on ${hostname()}`;
    await refused(data).toThrow(
      `HEADROOM_DATA: ${data} is in use by another Headroom server (${holder}); stop that one or choose another folder`,
    );
    await first.close();
    await (await openSqliteStore(data)).close();
  });

  it('a folder that cannot be made is refused by name', async () => {
    writeFileSync(inside('file'), '');
    const data = inside('file/data');
    await refused(data).toThrow(`HEADROOM_DATA ${data}: a part of the path is not a folder; give another`);
  });

  it('a file of a newer format is refused and left as it was', async () => {
    const data = inside('newer');
    await (await openSqliteStore(data)).close();
    const db = new Sqlite(databaseFile(data));
    db.pragma('user_version = 99');
    db.close();
    await refused(data).toThrow(
      `${databaseFile(data)} was written by a newer Headroom (format 99, this one knows 8); update Headroom or choose another folder`,
    );
  });

  it('a file of format 1 is brought up to date: it learns which runs name which blobs', async () => {
    mkdirSync(inside('format1'));
    const data = unpack01(inside('format1'));
    const db = new Sqlite(databaseFile(data));
    const hash = db.prepare("SELECT json_extract(event, '$.blob.hash') FROM entries WHERE type = 'checkpoint'").pluck().get();
    db.exec('DROP TABLE blobUses; PRAGMA user_version = 1');
    db.close();
    const again = await openSqliteStore(data);
    expect((await again.blobUsers(hash as string)).length).toBeGreaterThan(0);
    await again.close();
  });

  it('a file without lists gets them from its log, which learns what a view does not hold', async () => {
    const data = inside('lists');
    const run = new RandomRun(3);
    for (let i = 0; i < 600; i++) run.next();
    const { runId, entries } = run;
    const store = await openSqliteStore(data);
    for (const entry of entries) {
      const { attempt } = entry;
      await store.append({ runId, after: entry.seq - 1, attempt, nextEvent: 0, entries: [asSent(entry)] });
    }
    await store.close();
    const { db, unlock } = openForWriting(data);
    db.transaction(() => {
      makeItems(db);
      sealAll(db);
    })();
    db.close();
    unlock();
    const again = await openSqliteStore(data);
    for (const kind of listKinds)
      expect(await again.list({ runId, kind, after: 0, limit: 100_000 }), kind).toEqual(run.naive.lists[kind]);
    const stored = await again.entries({ runId, fromSeq: 1, limit: 100_000, types: null });
    expect(foldAll(runId, stored)).toEqual(run.view);
    await again.close();
  });

  it("another program's database is refused", async () => {
    mkdirSync(inside('foreign'));
    const db = new Sqlite(databaseFile(inside('foreign')));
    db.exec('CREATE TABLE theirs (x)');
    db.close();
    await refused(inside('foreign')).toThrow(
      `${databaseFile(inside('foreign'))} is another program's database; choose another folder with HEADROOM_DATA`,
    );
  });

  it('a damaged file is refused with what to do', async () => {
    mkdirSync(inside('damaged'));
    const file = databaseFile(inside('damaged'));
    writeFileSync(file, 'not a database '.repeat(400));
    await refused(inside('damaged')).toThrow(
      `${file} is damaged (file is not a database); put a backup in its place, or move it away to begin with an empty record`,
    );
    const data = inside('cut');
    const store = await openSqliteStore(data);
    await writer(store, 'run001').append([created]);
    await store.close();
    truncateSync(databaseFile(data), 6000);
    await refused(data).toThrow(
      `${databaseFile(data)} is damaged (database disk image is malformed); put a backup in its place, or move it away to begin with an empty record`,
    );
  });

  it('after close every call is refused', async () => {
    const store = await openSqliteStore(inside('closed'));
    await store.close();
    await expect(store.runs()).rejects.toThrow('the store is closed');
    await expect(store.setSetting('a', 'b')).rejects.toThrow('the store is closed');
    await store.close();
  });
});
