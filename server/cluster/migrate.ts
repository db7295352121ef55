/**
 * `headroom migrate [FOLDER]`: copies a data folder into the PostgreSQL at DATABASE_URL. Cut short and started again, it skips
 * what is there. Nothing is taken from the folder; one of an older format is brought up to date.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { auditPath, openAuditFile, readRows } from '~/server/audit/auditFile';
import { lastRowKey } from '~/server/audit/chain';
import { blobsNamed } from '~/server/base/blobsNamed';
import type { Append, StoredRun } from '~/server/store';
import { auditLost } from '~/server/store/auditLost';
import { absent, type BlobStore, openBlobs } from '~/server/store/blobs';
import { hex } from '~/server/store/chain';
import { LogCopy } from '~/server/store/logCopy';
import { openPostgresAudit } from '~/server/store/postgres/audit';
import { allBlobs, uploadBlob } from '~/server/store/postgres/blobs';
import { Database } from '~/server/store/postgres/database';
import {
  appendRow,
  type Position,
  type RunRow,
  removeRow,
  runRows,
  samePosition,
  saveSetting,
  saveViewRow,
} from '~/server/store/postgres/log';
import { chainOf } from '~/server/store/postgres/open';
import { verifyDatabase } from '~/server/store/postgres/verify';
import { type IndexStore, openSqliteStore } from '~/server/store/sqlite/open';
import { needDatabase, openForReading } from '~/server/store/sqlite/schema';
import { refuseIndex } from '~/server/store/verify';
import { dataFolderOf } from '~/shared/dataFolder';
import { pack } from '~/shared/pack';
import { seqCount } from '~/shared/rows';
import { giveLeaseBack, leader, renewEveryMs, renewLease, takeLease } from './lease';

/** Nodes that stand by meanwhile forward to nobody. */
const self = { address: 'http://migration.invalid', open: false };

/** @throws Error with a message for people; what was copied before stays, and a database on which a server has worked as it is */
export async function migrate(
  folder: string,
  { url, blobUrl }: { url: string; blobUrl: string | null },
  say: (line: string) => void,
): Promise<void> {
  needDatabase(folder);
  const lost = auditLost(folder);
  if (lost !== null) throw new Error(lost);
  const onTrouble = (reason: string | null, who: string) => reason && say(`${who} does not answer: ${reason}`);
  const database = await Database.open({ url, blobUrl, onTrouble });
  const closers: (() => unknown)[] = [() => database.close()];
  try {
    const last = await leader(database);
    // Copied again, a run would lose what they added to it.
    if (last.number > 0 && last.address !== self.address)
      throw new Error('a Headroom server has worked on this database and may have added to its runs: use an empty database');
    if (!(await takeLease(database, self)) || database.fence !== last.number + 1)
      throw new Error('a Headroom server runs on this database: stop all of them, and start again a few seconds later');
    const timer = setInterval(() => void renewLease(database).catch(() => {}), renewEveryMs);
    closers.push(
      () => giveLeaseBack(database),
      () => clearInterval(timer),
    );
    await needFit(database, folder);
    const source = await openSqliteStore(folder, say);
    closers.push(() => source.close());
    const blobs = await openBlobs(folder, source);
    await migrateLogs({ database, source, blobs, say });
    await migrateSettings(database, source, folder);
    await migrateAudit(database, source, folder);
    await verify({ database, source, blobs, say });
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

/** To be asked before the folder is brought up to date. @throws Error when the database holds what the folder does not */
async function needFit(database: Database, folder: string): Promise<void> {
  const db = openForReading(folder);
  let own: Set<string>;
  try {
    refuseIndex(db, folder, 'they need no copying');
    own = new Set(db.prepare<[], string>('SELECT runId FROM runs').pluck().all());
  } finally {
    db.close();
  }
  const foreign = (await runRows(database)).filter(({ runId }) => !own.has(runId)).map(({ runId }) => runId);
  if (foreign.length > 0)
    throw new Error(
      `the database holds runs that this folder does not have (${foreign.slice(0, 5).join(', ')}): use an empty one`,
    );
  const file = auditPath(folder);
  const { rows } = readRows((await readFile(file).catch(absent)) ?? Buffer.alloc(0));
  const there = await (await openPostgresAudit(database)).audit({ fromSeq: 1, limit: Number.MAX_SAFE_INTEGER });
  if (there.some(({ hash }, i) => hash !== rows[i]?.hash))
    throw new Error(`the database has rows of the audit log that ${file} does not have: use an empty one`);
}

interface Migration {
  database: Database;
  source: IndexStore;
  blobs: BlobStore;
  say(line: string): void;
}

const positionOf = async (source: IndexStore, { runId, head, attempt, nextEvent }: StoredRun): Promise<Position> => ({
  head,
  attempt,
  nextEvent,
  chain: await chainOf(source, runId, head),
});

/** Between two lines about a long run. */
const sayEveryMs = 10_000;

async function migrateLogs({ database, source, blobs, say }: Migration): Promise<void> {
  const there = new Map((await runRows(database)).map((row) => [row.runId, row]));
  const runs = await source.runs();
  let kept = 0;
  for (const [i, run] of runs.entries()) {
    const row = there.get(run.runId);
    const position = await positionOf(source, run);
    if (row && samePosition(row, position)) {
      kept++;
      continue;
    }
    if (row) await removeRow(database, run.runId);
    const name = `run ${run.runId} (${i + 1} of ${runs.length})`;
    let sayAt = performance.now() + sayEveryMs;
    await copyRun({ database, source, blobs }, run, position, (seq) => {
      if (performance.now() < sayAt) return;
      sayAt = performance.now() + sayEveryMs;
      say(`${name}: copied up to seq ${seq} of ${run.head}`);
    });
    say(`${name}: copied, seq 1 to ${run.head}`);
  }
  if (kept > 0) say(`${kept} runs were there already`);
}

async function copyRun(
  { database, source, blobs }: Omit<Migration, 'say'>,
  { runId, summary }: StoredRun,
  position: Position,
  copied: (seq: number) => void,
): Promise<void> {
  let row: RunRow | null = null;
  const append = async (write: Append) => {
    row = await appendRow(database, write, pack(write), row);
  };
  const log = new LogCopy({ append }, runId);
  for (let fromSeq = 1; fromSeq <= position.head; ) {
    const entries = await source.entries({ runId, fromSeq, limit: 1000, types: null });
    // Those of snapshots and checkpoints that were thinned are gone.
    for (const hash of new Set(entries.flatMap(({ event }) => blobsNamed(event))))
      if (await blobs.has(hash)) await uploadBlob(database, hash, blobs);
    await log.add(entries);
    const last = entries.at(-1)!;
    fromSeq = last.seq + seqCount(last.event);
    copied(fromSeq - 1);
  }
  const { head, attempt, nextEvent, chain } = position;
  await append({ runId, after: head, attempt, nextEvent, entries: [] });
  if (!samePosition(row!, position))
    throw new Error(
      `run ${runId}: the copy has another hash than the log (${hex(chain)}): \`headroom verify\` says what is damaged`,
    );
  const view = await source.view(runId);
  if (view && summary) await saveViewRow(database, view, summary.summary);
}

async function migrateSettings(database: Database, source: IndexStore, folder: string): Promise<void> {
  // Written with the rows that it names.
  for (const [key, value] of await source.settings()) if (key !== lastRowKey) await saveSetting(database, key, value);
  const token = await readFile(path.join(folder, 'trainer.token'), 'utf8').catch(() => null);
  if (token) await saveSetting(database, 'trainer.token', token.trim());
}

async function migrateAudit(database: Database, source: IndexStore, folder: string): Promise<void> {
  const file = await openAuditFile(folder, source);
  const target = await openPostgresAudit(database);
  try {
    let fromSeq = 1;
    for (;;) {
      const rows = await file.audit({ fromSeq, limit: 1000 });
      if (rows.length === 0) break;
      // Rows that are there already must be the same ones.
      await target.appendAudit(rows);
      fromSeq += rows.length;
    }
  } finally {
    await file.close();
  }
}

/** Reads everything back from PostgreSQL: it is sound, and nothing is missing. */
async function verify({ database, source, blobs, say }: Migration): Promise<void> {
  const { sound, damaged } = await verifyDatabase(database);
  if (damaged.length > 0) throw new Error(`${damaged.join('; ')}; run migrate again`);
  const rows = new Map((await runRows(database)).map((row) => [row.runId, row]));
  for (const run of await source.runs())
    if (!samePosition(rows.get(run.runId)!, await positionOf(source, run)))
      throw new Error(`run ${run.runId}: PostgreSQL does not hold what the folder holds; run migrate again`);
  const there = new Set<string>();
  for await (const { hash } of allBlobs(database)) there.add(hash);
  for await (const { hash } of blobs.files())
    if (!there.has(hash) && (await source.blobUsers(hash)).length > 0)
      throw new Error(`blob ${hash} is not in PostgreSQL; run migrate again`);
  say(`read back from PostgreSQL: ${sound.join(', ')}: all as in the folder`);
}

/** @returns the exit status */
export async function main(argv: readonly string[]): Promise<number> {
  const folder = path.resolve(dataFolderOf(argv[0], process.env));
  try {
    if (!process.env.DATABASE_URL) throw new Error('DATABASE_URL: give the address of an empty PostgreSQL database');
    await migrate(folder, { url: process.env.DATABASE_URL, blobUrl: process.env.BLOB_URL || null }, console.log);
    console.log('Start each node with DATABASE_URL and an empty data folder; the old folder can be kept as a backup.');
    return 0;
  } catch (error) {
    console.error(`migrate: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
}
