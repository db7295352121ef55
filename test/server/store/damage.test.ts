/** A bit that changes on the disk is an error that names run and block, never another number. */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { auditPath, openAuditFile, readRows } from '~/server/audit/auditFile';
import { AuditLog } from '~/server/audit/auditLog';
import { lastRowKey, nextRow } from '~/server/audit/chain';
import { openBlobs } from '~/server/store/blobs';
import { firstLink, hex, nextLink } from '~/server/store/chain';
import { type Checked, checked, checksum, placeOf } from '~/server/store/sqlite/checksums';
import { Sqlite } from '~/server/store/sqlite/driver';
import { openSqliteStore } from '~/server/store/sqlite/open';
import { openReads } from '~/server/store/sqlite/read';
import { databaseFile, openForReading } from '~/server/store/sqlite/schema';
import { finish, type Work } from '~/server/store/sqlite/work';
import { main as verify, verifyFolder } from '~/server/store/verify';
import { emptyView, fold } from '~/shared/fold';
import { summarize } from '~/shared/summary';
import { listKinds } from '~/shared/view';
import { fillRun } from '~/test/bench/rows';
import { startApp } from '~/test/support/app';
import { ownFolder } from '~/test/support/folder';
import { openMemoryStore } from '~/test/support/memoryStore';
import { ada, created, declared, rows, snapshot, status, writer } from '~/test/support/storeEntries';
import { blobOf } from '~/test/support/synthetic';
import { getBlob } from '~/trainer/link/blobs';

const folder = ownFolder();
afterAll(folder.remove);
const inside = (name: string) => path.join(folder.path, name);
const ids = ['rows01', 'lists01'];
const small = blobOf(new TextEncoder().encode('a small blob'));
const large = blobOf(new Uint8Array(50_000).map((_, i) => i * 7));

/** Two runs with every kind of row: blocks, pyramid, tail, entries, items, a view, a setting; and two blobs. */
async function fill(data: string, steps = 4_500): Promise<void> {
  const store = await openSqliteStore(data);
  await fillRun(store, ids[0]!, steps, { width: 20, batch: 300, kind: 'f64', inFlight: 2 });
  const lists = writer(store, ids[1]!, true);
  const entries = await lists.append([
    created,
    status(0, 'go'),
    snapshot(3, { peak: [1, 2] }),
    status(4, 'on'),
    { type: 'console', stream: 'out', text: 'hello' },
    {
      type: 'command.requested',
      actor: ada,
      command: { kind: 'act', id: 'command1', runId: ids[1]!, action: 'pause', args: {} },
    },
    declared(['loss', 'gradNorm'], 'train'),
    rows(0, 20, 2, (step) => step, 'train'),
    { type: 'rewind', step: 10 },
    rows(10, 5, 2, (step) => -step, 'train'),
  ]);
  const view = entries.slice(1).reduce(fold, emptyView(ids[1]!, entries[0]!));
  await store.saveView(view, summarize(view, 0));
  await store.setSetting('color', 'blue');
  const blobs = await openBlobs(data, store);
  await blobs.put(small.hash, small.bytes);
  await blobs.put(large.hash, large.bytes);
  await store.close();
}

/** Everything that can be read, without the store's threads: each answer, or the message of its error. */
function readAll(data: string): unknown[] {
  const db = openForReading(data);
  const reads = openReads(db);
  const asked: (() => unknown)[] = ids.flatMap((runId): (() => unknown)[] => [
    ...[10, 1000, 4000].map((buckets) => () => reads.range({ runId, series: null, fromStep: 0, toStep: null, buckets })),
    () => reads.range({ runId, series: ['series3'], fromStep: 0, toStep: null, buckets: 50, smoothing: 0.9 }),
    ...['steps', 'train'].map((stream) => () => reads.rows({ runId, stream, fromStep: 0, toStep: null, limit: 20_000 })),
    () => reads.entries({ runId, fromSeq: 1, limit: 100_000, types: null }),
    () => reads.signals(runId),
    () => reads.view(runId),
    () => reads.streams(runId),
    () => reads.console({ runId, before: null, after: null, search: '', limit: 100 }),
    ...listKinds.map((kind) => () => reads.list({ runId, kind, after: 0, limit: 1000 })),
  ]);
  asked.push(
    () => reads.runs(),
    () => reads.setting('color'),
    () => reads.blobUsers('a'.repeat(64)),
  );
  const answers = asked.map((ask) => {
    try {
      const answer = ask();
      return typeof (answer as Work<unknown> | null)?.next === 'function' ? finish(answer as Work<unknown>) : answer;
    } catch (error) {
      return (error as Error).message;
    }
  });
  db.close();
  return answers;
}

describe('one bit', () => {
  /** The tables that only a run of many rows fills. */
  const numbers = ['tail', 'blocks', 'axes', 'pyramid', 'pyramidAxes'];
  const before = new Map<string, unknown[]>();
  beforeAll(async () => {
    await fill(inside('sound'));
    await fill(inside('small'), 60);
    for (const name of ['sound', 'small']) before.set(name, readAll(inside(name)));
  });

  /** Of the tables that hold much the contents, of the others every column but the number of its run or stream. */
  const changed = ['data', 'steps', 'times', 'firstSteps', 'lastSteps', 'lastTimes', 'event', 'view', 'at'];
  const places = (Object.keys(checked) as Checked[]).flatMap((of) =>
    (checked[of] as readonly string[])
      .filter((field) =>
        [...numbers, 'entries', 'views'].includes(of)
          ? changed.includes(field)
          : !['run', 'stream', 'kind'].includes(field) && (field !== 'id' || of === 'items'),
      )
      .map((field) => [of, field] as const),
  );
  it.each(places)('of %s, %s is found by whoever reads it, and by headroom verify', async (of, field) => {
    const { table } = placeOf(of);
    const data = inside(`${of}-${field}`);
    const sound = numbers.includes(of) ? 'sound' : 'small';
    cpSync(inside(sound), data, { recursive: true });
    const db = new Sqlite(databaseFile(data));
    const found = db.prepare(`SELECT count(*) FROM ${table} WHERE ${field} IS NOT NULL`).pluck().get() as number;
    if (found > 0) {
      // The last one: of a pyramid that is read at every width, of the log its newest entry.
      const key = (checked[of] as readonly string[]).filter((f) => !changed.includes(f) && f !== 'item' && f !== 'summary');
      const row = db
        .prepare(`SELECT ${[...key, field].join(', ')} FROM ${table} WHERE ${field} IS NOT NULL LIMIT 1 OFFSET ?`)
        .get(found - 1) as Record<string, unknown>;
      const { changes } = db
        .prepare(`UPDATE ${table} SET ${field} = ? WHERE ${key.map((k) => `${k} IS ?`).join(' AND ')}`)
        .run(flipped(row[field]), ...key.map((k) => row[k]));
      expect(changes).toBe(1);
    }
    db.close();
    const { damaged } = await verifyFolder(data);
    const after = readAll(data);
    rmSync(data, { recursive: true });
    // Rows of consecutive steps have none of their own in the tail.
    if (found === 0) return expect([of, field]).toEqual(['tail', expect.stringMatching(/^(steps|times)$/)]);
    expect(damaged).toEqual([
      expect.stringMatching(new RegExp(`^(run|key) \\S+: ${table}\\b|^run \\S+, stream "[^"]+": ${table}\\b`)),
    ]);
    const other = after.flatMap((answer, i) =>
      JSON.stringify(answer) === JSON.stringify(before.get(sound)![i]) ? [] : [answer],
    );
    // Caches of the log: they are made again.
    if (table === 'views') return expect(other).toEqual([null]);
    if (of === 'runs.summaryCrc') return expect(other).toMatchObject([[{ summary: null }, { summary: null }]]);
    expect(other.length).toBeGreaterThan(0);
    for (const answer of other)
      expect(answer).toMatch(/^(run|setting|stream) .* is damaged: what was read is not what was written\. Restore a backup/);
  });

  it('of a blob, small or large, is an error, also when a part of it is asked for', async () => {
    const data = inside('blobs');
    cpSync(inside('sound'), data, { recursive: true });
    const file = path.join(data, 'blobs', large.hash.slice(0, 2), large.hash);
    writeFileSync(file, flipped(readFileSync(file)) as Buffer);
    const db = new Sqlite(databaseFile(data));
    db.prepare('UPDATE smallBlobs SET data = ?').run(flipped(Buffer.from(small.bytes)));
    db.close();
    // A folder in the place of a file stands for one without rights: whoever runs the tests may be allowed to read everything.
    mkdirSync(auditPath(data));
    expect(await verifyFolder(data)).toMatchObject({
      damaged: [`blob ${small.hash} (in the database)`, `blob ${large.hash} (${file})`],
      unread: expect.arrayContaining([`${auditPath(data)}: it is a folder; give a file`]),
    });
    const store = await openSqliteStore(data);
    const blobs = await openBlobs(data, store);
    for (const { hash } of [small, large]) {
      await expect(blobs.get(hash)).rejects.toThrow(`blob ${hash} is damaged: its bytes have SHA-256`);
      await expect(blobs.open(hash, { start: 0, end: 3 })).rejects.toThrow(`blob ${hash} is damaged`);
    }
    await store.close();
    // A trainer asks again after other errors: a run that begins from it would wait for ever.
    rmSync(auditPath(data), { recursive: true });
    const app = await startApp({ dataFolder: data });
    for (const { hash } of [small, large])
      await expect(getBlob({ server: app.url, token: app.trainerToken }, hash)).rejects.toMatchObject({
        retry: false,
        message: expect.stringMatching(/the server answered 410 blob \w+ is damaged: .*; restore it from a backup$/),
      });
    await app.close();
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

describe('a file of format 7, which had fewer checksums', () => {
  it('gets the others when it is opened; an item that was damaged before stays an error', async () => {
    const data = inside('format7');
    await fill(data, 60);
    const db = new Sqlite(databaseFile(data));
    const had = ['tail', 'blocks', 'axes', 'pyramid', 'pyramidAxes', 'entries', 'items', 'views'];
    for (const { table, crc } of (Object.keys(checked) as Checked[]).filter((of) => !had.includes(of)).map(placeOf))
      db.exec(`ALTER TABLE ${table} DROP COLUMN ${crc}`);
    db.function('checksum', { varargs: true }, (...parts) => checksum(...(parts as string[])));
    db.exec('UPDATE items SET crc = checksum(run, kind, seq, item)');
    db.exec("UPDATE items SET item = replace(item, 'go', 'no') WHERE kind = 'statuses'");
    db.pragma('user_version = 7');
    db.close();
    await (await openSqliteStore(data)).close();
    expect((await verifyFolder(data)).damaged).toEqual([
      expect.stringMatching(/^run lists01: items, kind statuses, seq 2, step 0/),
    ]);
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

it('a row of the audit log that has another form is named by its line and field, in one line', () => {
  const row = {
    seq: 1,
    at: 7,
    actor: ada,
    event: { type: 'run.changed', runId: 'run00001', what: 'imported' },
    prev: '',
    hash: '',
  };
  const line = JSON.stringify(row).replace('"name"', '"oame"');
  expect(() => readRows(Buffer.from(`${line}\n`))).toThrow(/^line 1 is not a row of the log: [^\n]*actor: [^\n]*oame[^\n]*$/);
});

it('an audit log that is missing or changed is not begun anew: the server does not start, and says what to do', async () => {
  const own = ownFolder();
  const file = auditPath(own.path);
  // A new folder, for which somebody gave the trainers' token.
  writeFileSync(path.join(own.path, 'trainer.token'), 'a-token-of-the-trainers\n', { mode: 0o600 });
  await (await startApp({ dataFolder: own.path })).close();
  const wayOut =
    'Put it back from a backup, or an empty file in its place: then nobody may sign in any more, and a link for a new admin is made';
  writeFileSync(file, 'not a row\n');
  await expect(startApp({ dataFolder: own.path })).rejects.toThrow(`${file}: line 1 is not a row of the log: `);
  await expect(startApp({ dataFolder: own.path })).rejects.toThrow(wayOut);
  rmSync(file);
  expect((await verifyFolder(own.path)).unread).toEqual([`${file}: there is no such file or folder; give one that is there`]);
  await expect(startApp({ dataFolder: own.path })).rejects.toThrow(`${file} is missing: it says who may sign in. ${wayOut}`);
  writeFileSync(file, '');
  await (await startApp({ dataFolder: own.path })).close();
  own.remove();
});

it('rows cut off at the end of the audit log, or others in their place, are noticed: by verify, and when the server starts', async () => {
  const own = ownFolder();
  const write = async (...runIds: string[]) => {
    const store = await openSqliteStore(own.path);
    const rows = await openAuditFile(own.path, store);
    const audit = await AuditLog.open(rows, () => 7);
    for (const runId of runIds) await audit.append(ada, () => [{ type: 'run.changed', runId, what: 'imported' }]);
    await rows.close();
    await store.close();
  };
  const file = auditPath(own.path);
  await write('run00001', 'run00002', 'run00003');
  const whole = readFileSync(file, 'utf8');
  const [first, second] = whole.split('\n');

  writeFileSync(file, `${first}\n`);
  const missing = 'row 2: it is missing: rows up to 3 were written';
  expect((await verifyFolder(own.path)).damaged).toEqual([`audit log: ${missing}`]);
  await expect(startApp({ dataFolder: own.path })).rejects.toThrow(`${file}: ${missing}. Put it back from a backup, or an empty`);

  // A third row of another server, chained to the second.
  const third = nextRow(JSON.parse(second!), 7, ada, { type: 'run.changed', runId: 'run00004', what: 'imported' });
  writeFileSync(file, `${first}\n${second}\n${JSON.stringify(third)}\n`);
  expect((await verifyFolder(own.path)).damaged).toEqual(['audit log: row 3: it is not the one that was written']);

  // The name of the last row is written after the row: a killed server may have left the one before it.
  writeFileSync(file, whole);
  const store = await openSqliteStore(own.path);
  await store.setSetting(lastRowKey, `2 ${JSON.parse(second!).hash}`);
  await store.close();
  expect((await verifyFolder(own.path)).damaged).toEqual([]);
  await write();
  writeFileSync(file, `${first}\n${second}\n`);
  expect((await verifyFolder(own.path)).damaged).toEqual(['audit log: row 3: it is missing: rows up to 3 were written']);

  writeFileSync(file, '');
  expect((await verifyFolder(own.path)).damaged).toEqual(['audit log: row 1: it is missing: rows up to 3 were written']);
  // Whoever puts an empty file there and starts the server gives the rows up: a crash before the new row is named changes nothing.
  await write();
  expect((await verifyFolder(own.path)).damaged).toEqual([]);
  writeFileSync(file, `${first}\n`);
  await write('run00005');
  expect((await verifyFolder(own.path)).damaged).toEqual([]);
  own.remove();
});

it('a database or a folder of blobs that the file system does not give is named with what to do', async () => {
  const own = ownFolder();
  const database = databaseFile(own.path);
  mkdirSync(database);
  await expect(startApp({ dataFolder: own.path })).rejects.toThrow(`HEADROOM_DATA ${database}: it is a folder; give a file`);
  rmSync(database, { recursive: true });
  await (await startApp({ dataFolder: own.path })).close();
  const blobs = path.join(own.path, 'blobs');
  rmSync(blobs, { recursive: true });
  writeFileSync(blobs, '');
  const said = vi.spyOn(console, 'error').mockImplementation(() => {});
  expect(await verify([own.path])).toBe(1);
  expect(said.mock.calls).toEqual([[`verify: ${blobs}: a part of the path is not a folder; give another`]]);
  said.mockRestore();
  own.remove();
});
