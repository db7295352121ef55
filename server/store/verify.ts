/**
 * `headroom verify [FOLDER]`: reads everything in a data folder, or (without a folder) in the PostgreSQL at DATABASE_URL, and
 * reports what differs from what was written. Works while a server is running.
 */

import { readFileSync } from 'node:fs';
import type Database from 'better-sqlite3';
import { auditPath, readRows } from '~/server/audit/auditFile';
import { brokenRow, lastRowKey } from '~/server/audit/chain';
import { hashOf, hashOfFile } from '~/server/base/hash';
import { dataFolderOf } from '~/shared/dataFolder';
import { pathProblem } from '~/shared/pathProblem';
import { seqCount } from '~/shared/rows';
import { auditLost } from './auditLost';
import { blobFiles, openBlobReader } from './blobs';
import { firstLink, nextLink } from './chain';
import { type Filed, filedKinds, listed, lostLines, missingKey, pendingKey } from './lostBlobs';
import { databaseKey } from './postgres/open';
import { verifyUrl } from './postgres/verify';
import { type Checked, checked, checksum, placeOf } from './sqlite/checksums';
import { openReads } from './sqlite/read';
import { openForReading, refuseOlder } from './sqlite/schema';
import type { Verified } from './verified';

export async function verifyFolder(folder: string): Promise<Verified> {
  const found: Verified = { sound: [], damaged: [], unread: [] };
  const db = openForReading(folder);
  /** A page that SQLite cannot read ends only what needs it. */
  const check = (task: () => void) => {
    try {
      task();
    } catch (error) {
      const { code, message } = error as { code?: string; message: string };
      if (!code?.startsWith('SQLITE_')) throw error;
      found.damaged.push(`headroom.db: ${message}`);
    }
  };
  try {
    refuseOlder(db, folder);
    check(() => refuseIndex(db, folder, 'DATABASE_URL=postgres://... headroom verify'));
    // One state of the database, however long this takes.
    db.exec('BEGIN');
    check(() => {
      const problems = db.pragma('quick_check(20)', { simple: false }) as { quick_check: string }[];
      const lines = problems.flatMap((p) => p.quick_check.split('\n')).filter((line) => line !== 'ok' && !line.startsWith('***'));
      for (const line of lines) found.damaged.push(`headroom.db: ${line}`);
    });
    check(() => found.sound.push(`${checkRows(db, found.damaged)} rows of the database`));
    const readable = found.damaged.length === 0;
    if (readable) found.sound.push(`the logs of ${checkChains(db, found.damaged)} runs`);
    let blobs = 0;
    check(() => {
      const small = db.prepare<[], { hash: string; data: Buffer }>('SELECT hash, data FROM smallBlobs');
      for (const { hash, data } of small.iterate()) {
        blobs++;
        if (hashOf(data) !== hash) found.damaged.push(`blob ${hash} (in the database)`);
      }
    });
    for await (const { hash, file } of blobFiles(folder)) {
      blobs++;
      await hashOfFile(file).then(
        (now) => now !== hash && found.damaged.push(`blob ${hash} (${file})`),
        // Deleted by the server since it was listed.
        (error) => error.code !== 'ENOENT' && found.unread.push(`${file}: ${pathProblem(error, 'read')}`),
      );
    }
    found.sound.push(`${blobs} blobs`);
    check(() => db.exec('COMMIT'));
    if (readable) found.unread.push(...lostLines(await lostBlobs(db, folder)));
    checkAudit(folder, readable ? openReads(db).setting(lastRowKey) : null, found);
  } finally {
    db.close();
  }
  return { ...found, damaged: [...new Set(found.damaged)] };
}

/** Files of items in force that are gone although nothing has deleted them, by the database as it is now. */
async function lostBlobs(db: Database.Database, folder: string): Promise<Filed[]> {
  const reads = openReads(db);
  const blobs = openBlobReader(folder, { smallBlob: async (hash) => reads.smallBlob(hash) });
  type Item = Omit<Filed, 'runId' | 'hash'> & { blob: string | null; pictures: string | null };
  const itemsOf = db.prepare<[number], Item>(
    `SELECT kind, seq, step, json_extract(item, '$.blob.hash') AS blob, json_extract(item, '$.pictures.hash') AS pictures
     FROM items WHERE run = ? AND kind IN (${filedKinds.map((kind) => `'${kind}'`).join(', ')}) ORDER BY seq`,
  );
  const known = listed(reads.setting(missingKey));
  const isBeingImported = (runId: string) => listed(reads.setting(pendingKey)).has(runId);
  const lost: Filed[] = [];
  // Retention may have deleted it at this moment, and recorded that before.
  for (const { id, runId } of db.prepare<[], { id: number; runId: string }>('SELECT id, runId FROM runs ORDER BY id').all())
    for (const { kind, seq, step, blob, pictures } of itemsOf.all(id))
      for (const hash of [blob, pictures])
        if (hash !== null && !known.has(hash) && !(await blobs.has(hash)) && reads.item({ runId, kind, seq }))
          if (!isBeingImported(runId) && !(await blobs.has(hash)))
            // An import may have ended at this moment.
            lost.push({ runId, kind, seq, step, hash });
  return lost;
}

/** @throws Error when the folder is a node's index: PostgreSQL holds its runs. @param way what to do instead */
export function refuseIndex(db: Database.Database, folder: string, way: string): void {
  const found = db.prepare('SELECT 1 FROM settings WHERE key = ?').get(databaseKey);
  if (found) throw new Error(`${folder} is only the index of a PostgreSQL database, which holds the runs: ${way}`);
}

/** Long columns, or secrets: of no use for finding a row. */
const contents: ReadonlySet<string> = new Set(['event', 'item', 'view', 'summary', 'columns', 'value']);

/** Checks every row that has a checksum. @returns the number of rows */
function checkRows(db: Database.Database, damaged: string[]): number {
  let count = 0;
  const streams = new Map(
    db
      .prepare<[], { id: number; name: string; runId: string }>(
        'SELECT streams.id, streams.name, runId FROM streams JOIN runs ON runs.id = streams.run',
      )
      .all()
      .map(({ id, name, runId }) => [id, `run ${runId}, stream "${name}"`]),
  );
  const runs = new Map(
    db
      .prepare<[], { id: number; runId: string }>('SELECT id, runId FROM runs')
      .all()
      .map(({ id, runId }) => [id, `run ${runId}`]),
  );
  for (const of of Object.keys(checked) as Checked[]) {
    const { table, crc } = placeOf(of);
    const own: readonly string[] = checked[of];
    // A run without a saved summary has no sum of one.
    const where = of === 'runs.summaryCrc' ? ' WHERE summary IS NOT NULL' : '';
    for (const row of db
      .prepare(`SELECT ${own.join(', ')}, ${crc} FROM ${table}${where}`)
      .raw()
      .iterate() as Iterable<(number | string | null | Buffer)[]>) {
      count++;
      const parts = row.slice(0, -1);
      if (checksum(...parts) === row.at(-1)) continue;
      const owners = own[0] === 'stream' || table === 'streams' ? streams : runs;
      const owner = owners.get(parts[0] as number) ?? `${own[0]} ${parts[0]}`;
      const key = own.flatMap((name, i) =>
        i > 0 && !(parts[i] instanceof Uint8Array) && !contents.has(name) ? [`${name} ${parts[i]}`] : [],
      );
      damaged.push([`${owner}: ${table}`, ...key.slice(0, 5)].join(', '));
    }
  }
  return count;
}

/** Checks the hash chain of every log. @returns the number of logs */
function checkChains(db: Database.Database, damaged: string[]): number {
  const reads = openReads(db);
  const links = db.prepare<[number, number, number], { seq: number; chain: Buffer }>(
    'SELECT seq, chain FROM entries WHERE run = ? AND seq >= ? ORDER BY seq LIMIT ?',
  );
  const runs = db
    .prepare<[], { id: number; runId: string; head: number; chain: Buffer | null }>('SELECT id, runId, head, chain FROM runs')
    .all();
  for (const { id, runId, head, chain } of runs) {
    let last = firstLink;
    let next = 1;
    const broken = (): string | null => {
      for (;;) {
        const page = reads.entries({ runId, fromSeq: next, limit: 1000, types: null });
        if (page.length === 0) break;
        const stored = links.all(id, next, page.length);
        for (const [i, entry] of page.entries()) {
          if (entry.seq !== next) return `entry ${next} is missing: entry ${entry.seq} follows`;
          last = nextLink(last, entry);
          if (!stored[i]!.chain.equals(last)) return `entry ${entry.seq} is not what was hashed when it was written`;
          next = entry.seq + seqCount(entry.event);
        }
      }
      if (next - 1 !== head) return `the log should reach entry ${head}, it ends at ${next - 1}`;
      return chain?.equals(last) ? null : 'its last hash is not that of the run';
    };
    const problem = broken();
    if (problem) damaged.push(`run ${runId}: the log was changed: ${problem}`);
  }
  return runs.length;
}

function checkAudit(folder: string, lastRow: string | null, { sound, damaged, unread }: Verified): void {
  const file = auditPath(folder);
  try {
    const { rows } = readRows(readFileSync(file));
    const broken = brokenRow(rows, lastRow);
    if (broken) damaged.push(`audit log: row ${broken.seq}: ${broken.problem}`);
    else sound.push(`${rows.length} rows of the audit log`);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined) damaged.push(`audit log: ${message}`);
    else if (code !== 'ENOENT' || auditLost(folder) !== null) unread.push(`${file}: ${pathProblem(error, 'read')}`);
  }
}

/** @returns the exit status: 0 = everything is as it was written */
export async function main(argv: readonly string[]): Promise<number> {
  const url = argv[0] === undefined ? process.env.DATABASE_URL : undefined;
  const folder = url ? 'PostgreSQL' : dataFolderOf(argv[0], process.env);
  try {
    const { sound, damaged, unread } = await (url ? verifyUrl(url, process.env.BLOB_URL || null) : verifyFolder(folder));
    console.log(`${folder}: read ${sound.join(', ')}`);
    for (const what of unread) console.error(`not read: ${what}`);
    if (damaged.length + unread.length === 0) console.log('everything is as it was written');
    for (const what of damaged) console.error(`damaged: ${what}`);
    if (damaged.length > 0)
      console.error(
        `Put a backup in its place (${url ? '`pg_dump`' : '`headroom backup`'} makes them); what is damaged cannot be read.`,
      );
    return damaged.length + unread.length > 0 ? 1 : 0;
  } catch (error) {
    const at = (error as NodeJS.ErrnoException).path;
    console.error(`verify: ${at ?? folder}: ${pathProblem(error, 'read')}`);
    return 1;
  }
}
