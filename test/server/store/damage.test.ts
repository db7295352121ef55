/** A bit that changes on the disk is an error that names run and block, never another number. */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Store } from '~/server/store';
import { openBlobs } from '~/server/store/blobs';
import { firstLink, hex, nextLink } from '~/server/store/chain';
import { checked } from '~/server/store/sqlite/checksums';
import { Sqlite } from '~/server/store/sqlite/driver';
import { openSqliteStore } from '~/server/store/sqlite/open';
import { databaseFile } from '~/server/store/sqlite/schema';
import { verifyFolder } from '~/server/store/verify';
import { emptyView, fold } from '~/shared/fold';
import { summarize } from '~/shared/summary';
import { listKinds } from '~/shared/view';
import { fillRun } from '~/test/bench/rows';
import { ownFolder } from '~/test/support/folder';
import { openMemoryStore } from '~/test/support/memoryStore';
import { created, snapshot, status, writer } from '~/test/support/storeEntries';
import { blobOf } from '~/test/support/synthetic';

const folder = ownFolder();
afterAll(folder.remove);
const inside = (name: string) => path.join(folder.path, name);
const ids = ['rows01', 'lists01'];
const small = blobOf(new TextEncoder().encode('a small blob'));
const large = blobOf(new Uint8Array(50_000).map((_, i) => i * 7));

/** Two runs with every kind of row: blocks, pyramid, tail, entries, items, a view; and two blobs. */
async function fill(data: string): Promise<void> {
  const store = await openSqliteStore(data);
  await fillRun(store, ids[0]!, 4_500, { width: 20, batch: 300, kind: 'f64', inFlight: 2 });
  const lists = writer(store, ids[1]!, true);
  const entries = await lists.append([created, status(0, 'go'), snapshot(3, { peak: [1, 2] }), status(4, 'on')]);
  const view = entries.slice(1).reduce(fold, emptyView(ids[1]!, entries[0]!));
  await store.saveView(view, summarize(view, 0));
  const blobs = await openBlobs(data, store);
  await blobs.put(small.hash, small.bytes);
  await blobs.put(large.hash, large.bytes);
  await store.close();
}

/** Everything that can be read: each answer, or the message of its error. */
async function readAll(store: Store): Promise<unknown[]> {
  const asked = ids.flatMap((runId) => [
    ...[10, 1000, 4000].map((buckets) => () => store.range({ runId, series: null, fromStep: 0, toStep: null, buckets })),
    () => store.range({ runId, series: ['series3'], fromStep: 0, toStep: null, buckets: 50, smoothing: 0.9 }),
    () => store.rows({ runId, stream: 'steps', fromStep: 0, toStep: null, limit: 20_000 }),
    () => store.entries({ runId, fromSeq: 1, limit: 100_000, types: null }),
    () => store.signals(runId),
    () => store.view(runId),
    ...listKinds.map((kind) => () => store.list({ runId, kind, after: 0, limit: 1000 })),
  ]);
  return Promise.all(asked.map((ask) => ask().catch((error: Error) => error.message)));
}

describe('one bit', () => {
  let before: unknown[];
  beforeAll(async () => {
    await fill(inside('sound'));
    const store = await openSqliteStore(inside('sound'));
    before = await readAll(store);
    await store.close();
  });

  const places = Object.entries(checked).flatMap(([table, fields]) =>
    fields
      .filter((f) =>
        ['data', 'steps', 'times', 'firstSteps', 'lastSteps', 'lastTimes', 'event', 'item', 'view', 'at'].includes(f),
      )
      .map((field) => [table, field] as const),
  );
  it.each(places)('of %s.%s is found by whoever reads it, and by headroom verify', async (table, field) => {
    const data = inside(`${table}-${field}`);
    cpSync(inside('sound'), data, { recursive: true });
    const db = new Sqlite(databaseFile(data));
    const rows = db.prepare(`SELECT count(*) FROM ${table} WHERE ${field} IS NOT NULL`).pluck().get() as number;
    if (rows > 0) {
      // The last one: of a pyramid that is read at every width, of the log its newest entry.
      const keys = (db.pragma(`table_info(${table})`) as { name: string; pk: number }[]).map(({ name }) => name);
      const key = checked[table as keyof typeof checked].filter(
        (f) => keys.includes(f) && !places.some(([t, p]) => t === table && p === f),
      );
      const row = db
        .prepare(`SELECT ${key.join(', ')}, ${field} AS value FROM ${table} WHERE ${field} IS NOT NULL LIMIT 1 OFFSET ?`)
        .get(rows - 1) as Record<string, unknown>;
      db.prepare(`UPDATE ${table} SET ${field} = ? WHERE ${key.map((k) => `${k} IS ?`).join(' AND ')}`).run(
        flipped(row.value),
        ...key.map((k) => row[k]),
      );
    }
    db.close();
    const { damaged } = await verifyFolder(data);
    const store = await openSqliteStore(data);
    const after = await readAll(store);
    await store.close();
    rmSync(data, { recursive: true });
    // Rows of consecutive steps have none of their own in the tail.
    if (rows === 0) return expect([table, field]).toEqual(['tail', expect.stringMatching(/^(steps|times)$/)]);
    expect(damaged).toEqual([expect.stringMatching(new RegExp(`^run (rows01|lists01).*: ${table}, `))]);
    const other = after.flatMap((answer, i) => (JSON.stringify(answer) === JSON.stringify(before[i]) ? [] : [answer]));
    // A view is a cache of the log: it is made again.
    if (table === 'views') return expect(other).toEqual([null]);
    expect(other.length).toBeGreaterThan(0);
    for (const answer of other)
      expect(answer).toMatch(
        /^run (rows01|lists01|number \d): .* is damaged: what was read is not what was written\. Restore a backup/,
      );
  });

  it('of a blob, small or large, is an error, also when a part of it is asked for', async () => {
    const data = inside('blobs');
    cpSync(inside('sound'), data, { recursive: true });
    const file = path.join(data, 'blobs', large.hash.slice(0, 2), large.hash);
    writeFileSync(file, flipped(readFileSync(file)) as Buffer);
    const db = new Sqlite(databaseFile(data));
    db.prepare('UPDATE smallBlobs SET data = ?').run(flipped(Buffer.from(small.bytes)));
    db.close();
    expect((await verifyFolder(data)).damaged).toEqual([`blob ${small.hash} (in the database)`, `blob ${large.hash} (${file})`]);
    const store = await openSqliteStore(data);
    const blobs = await openBlobs(data, store);
    for (const { hash } of [small, large]) {
      await expect(blobs.get(hash)).rejects.toThrow(`blob ${hash} is damaged: its bytes have SHA-256`);
      await expect(blobs.open(hash, { start: 0, end: 3 })).rejects.toThrow(`blob ${hash} is damaged`);
    }
    await store.close();
  });
});

describe('a run goes on, though its newest rows are damaged', () => {
  it('and what was damaged stays an error when it is moved to a block', async () => {
    const data = inside('going-on');
    let store = await openSqliteStore(data);
    await fillRun(store, 'going1', 1_524, { width: 2, batch: 500, kind: 'f64', inFlight: 1 });
    await store.close();
    const db = new Sqlite(databaseFile(data));
    const { data: bytes } = db.prepare('SELECT data FROM tail').get() as { data: Buffer };
    db.prepare('UPDATE tail SET data = ?').run(flipped(bytes));
    db.close();
    store = await openSqliteStore(data);
    const steps = { first: 1_524, count: 4_000 };
    await store.append({
      runId: 'going1',
      after: 1_527,
      attempt: 1,
      nextEvent: 5_524,
      entries: [
        { seq: 1_528, attempt: 1, at: 1, event: { type: 'rows', stream: 'steps', steps, values: new Float64Array(8_000) } },
      ],
      rewind: null,
    });
    const range = (fromStep: number, toStep: number) =>
      store.range({ runId: 'going1', series: null, fromStep, toStep, buckets: 4000 });
    await expect(range(0, 1_500)).rejects.toThrow('run going1: the axis of block 1 of stream "steps" is damaged');
    expect((await range(0, 1_000)).series[0]!.steps.length).toBe(1_000);
    await expect(store.range({ runId: 'going1', series: null, fromStep: 0, toStep: null, buckets: 100 })).rejects.toThrow(
      'run going1: ',
    );
    await store.close();
  });
});

describe('the hash chain of a log', () => {
  it('is the same in both stores, and that of the entries as they are read back', async () => {
    const stores = [openMemoryStore(), await openSqliteStore(inside('chain'))];
    for (const store of stores) await fillRun(store, 'chain1', 2_500, { width: 3, batch: 500, kind: 'f32', inFlight: 1 });
    const clock = await Promise.all(
      stores.map((store) => store.entries({ runId: 'chain1', fromSeq: 1, limit: 1000, types: null })),
    );
    for (const [i, store] of stores.entries()) {
      const entries = clock[i]!;
      expect(await store.chainAt('chain1', entries.at(-1)!.seq)).toBe(hex(entries.reduce(nextLink, firstLink)));
    }
    expect(await stores[1]!.chainAt('chain1', 99_999)).toBeNull();
    await stores[1]!.close();
  });

  it('shows which entry somebody changed who knew the checksums', async () => {
    const data = inside('forged');
    await fill(data);
    const db = new Sqlite(databaseFile(data));
    const { checksum } = await import('~/server/store/sqlite/checksums');
    const fields = checked.entries.join(', ');
    const row = db.prepare(`SELECT ${fields} FROM entries WHERE type = 'status' LIMIT 1`).get() as Record<
      string,
      string | number | null
    >;
    row.event = (row.event as string).replace('go', 'no');
    const crc = checksum(...checked.entries.map((f) => row[f]!));
    db.prepare('UPDATE entries SET event = ?, crc = ? WHERE run = ? AND seq = ?').run(row.event, crc, row.run, row.seq);
    db.close();
    expect((await verifyFolder(data)).damaged).toEqual([
      `run lists01: the log was changed: entry ${row.seq} is not what was hashed when it was written`,
    ]);
  });
});

describe('a database that is gone', () => {
  it.each(['missing', 'empty'])('%s beside blobs is not begun anew', async (how) => {
    const data = inside(`lost-${how}`);
    mkdirSync(path.join(data, 'blobs/ab'), { recursive: true });
    if (how === 'empty') writeFileSync(databaseFile(data), '');
    await expect(openSqliteStore(data)).rejects.toThrow(
      `${databaseFile(data)} is ${how}, but ${path.join(data, 'blobs')} holds the maps and checkpoints of its runs; put the database back from a backup, or move ${path.join(data, 'blobs')} away to begin with an empty record`,
    );
    expect(existsSync(databaseFile(data))).toBe(how === 'empty');
  });
});

function flipped(value: unknown): unknown {
  if (typeof value === 'number') return value + 1;
  if (typeof value === 'string') {
    const digit = value.search(/\d/);
    const at = digit < 0 ? value.length >> 1 : digit;
    return `${value.slice(0, at)}${String.fromCharCode(value.charCodeAt(at) ^ 1)}${value.slice(at + 1)}`;
  }
  const bytes = Buffer.from(value as Uint8Array);
  const at = Math.floor(bytes.length * 0.7);
  bytes[at] = bytes[at]! ^ 1;
  return bytes;
}
