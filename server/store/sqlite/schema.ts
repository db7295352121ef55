import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import type Database from 'better-sqlite3';
import { fileProblem } from '~/server/base/diskFull';
import { needWritable } from '~/server/base/writableFolder';
import { pathProblem } from '~/shared/pathProblem';
import { type Checked, checked, placeOf, seal } from './checksums';
import { consoleTable } from './console';
import { Sqlite } from './driver';
import { itemTables } from './items';
import { makeItems } from './makeItems';
import { moveRows01 } from './rows01';
import { sealAll } from './seal';
import { tables } from './tables';
import { upgradeEntries01 } from './upgrade01';

/** Opens the database safely, and upgrades an older one. tables.ts has the tables, layout.ts explains how they hold rows. */

/** Version 0.1 of the program wrote 2. */
const SCHEMA = 8;
/** "HRM1": distinguishes our files from other programs'. */
const APPLICATION = 0x48524d31;

type Report = (text: string) => void;

/** What had checksums in format 7. */
const sealed7: readonly string[] = 'tail blocks axes pyramid pyramidAxes entries items views'.split(' ');

/** Turns a file of format n into one of format n + 1. */
const migrations: Record<number, string | ((db: Database.Database, report: Report) => void)> = {
  1: `
CREATE TABLE blobUses (
  hash TEXT NOT NULL,
  run INTEGER NOT NULL REFERENCES runs(id),
  PRIMARY KEY (hash, run)
) STRICT, WITHOUT ROWID;
CREATE INDEX blobsOfRun ON blobUses(run);
INSERT INTO blobUses (hash, run)
  SELECT DISTINCT hash, run FROM (
    SELECT run, json_extract(event, '$.blob.hash') AS hash FROM entries WHERE type IN ('snapshot', 'checkpoint', 'analysis')
    UNION ALL SELECT run, json_extract(event, '$.checkpoint.hash') FROM entries WHERE type = 'run.assigned'
    UNION ALL SELECT run, json_extract(event, '$.parent.checkpoint.hash') FROM entries WHERE type = 'run.created'
    UNION ALL SELECT run, json_extract(event, '$.config.startFrom') FROM entries WHERE type = 'run.created'
  ) WHERE hash IS NOT NULL;
`,
  2: `
ALTER TABLE runs RENAME COLUMN tenure TO attempt;
ALTER TABLE entries RENAME COLUMN tenure TO attempt;
ALTER TABLE entries RENAME COLUMN places TO seqCount;
`,
  3: (db, report) => {
    upgradeEntries01(db, report);
    // They are derived from the entries and will be rebuilt.
    db.exec('DELETE FROM views; UPDATE runs SET summarySeq = NULL, summary = NULL');
  },
  4: itemTables,
  5: (db, report) => {
    for (const column of ['chain BLOB', 'crc INTEGER']) addColumn(db, 'runs', column);
    moveRows01(db, report);
  },
  6: (db) => {
    for (const table of sealed7) addColumn(db, table, 'crc INTEGER');
    for (const table of ['entries', 'runs']) addColumn(db, table, 'chain BLOB');
  },
  7: (db) => {
    db.exec(consoleTable);
    const added = (Object.keys(checked) as Checked[]).filter((of) => !sealed7.includes(of));
    for (const { table, crc } of added.map(placeOf)) addColumn(db, table, `${crc} INTEGER`);
    seal(db, added);
    // Their sums covered fewer columns; what was damaged stays so.
    db.exec(
      `UPDATE items SET crc = CASE WHEN crc = checksum(run, kind, seq, item) THEN checksum(${checked.items.join(', ')}) END`,
    );
  },
};

/** Skipped when an earlier migration has made the table in its present form. */
function addColumn(db: Database.Database, table: string, column: string): void {
  const known = (db.pragma(`table_info(${table})`) as { name: string }[]).map(({ name }) => name);
  if (!known.includes(column.split(' ')[0]!)) db.exec(`ALTER TABLE ${table} ADD COLUMN ${column}`);
}

export const databaseFile = (folder: string): string => path.join(folder, 'headroom.db');

/**
 * Takes the folder for this process and opens its database for writing.
 *
 * @param report called with progress while an older file is upgraded
 * @throws Error with a message for the person who started the server: folder not writable, in use, damaged, foreign or too new
 */
export function openForWriting(folder: string, report: Report = () => {}): { db: Database.Database; unlock: () => void } {
  const file = databaseFile(folder);
  needWritable(folder, 'HEADROOM_DATA');
  const unlock = lock(folder, 'HEADROOM_DATA');
  let db: Database.Database | null = null;
  try {
    checkNotLost(folder, file);
    // It holds secrets (webhooks; a node's token); SQLite gives the files beside it the same rights.
    closeSync(openSync(file, 'a', 0o600));
    closeToOthers(file, report);
    db = new Sqlite(file);
    db.pragma('busy_timeout = 5000');
    checkIdentity(db, file);
    configure(db, file, report);
    return { db, unlock };
  } catch (error) {
    db?.close();
    unlock();
    throw describeOpenError(error, file);
  }
}

/** An earlier version created the database with the rights that the user's umask left. */
function closeToOthers(file: string, report: Report): void {
  for (const name of [file, `${file}-wal`, `${file}-shm`]) {
    const { mode } = statSync(name, { throwIfNoEntry: false }) ?? { mode: 0 };
    try {
      if (mode & 0o7) chmodSync(name, mode & 0o770);
    } catch (error) {
      report(`${name} holds secrets, and every user of this machine may read it: ${(error as Error).message}`);
    }
  }
}

/** Blobs without a database mean that the database was lost: with a new, empty one the next sweep would delete all blobs. */
function checkNotLost(folder: string, file: string): void {
  const { size } = statSync(file, { throwIfNoEntry: false }) ?? { size: 0 };
  if (size > 0) return;
  const blobs = path.join(folder, 'blobs');
  const some = existsSync(blobs) && readdirSync(blobs).some((name) => /^[0-9a-f]{2}$/.test(name));
  if (some)
    throw new Error(
      `${file} is ${existsSync(file) ? 'empty' : 'missing'}, but ${blobs} holds the maps and checkpoints of its runs; put the database back from a backup, or move ${blobs} away to begin with an empty record`,
    );
}

/** @throws Error when the folder has no database, or none that can be read: a wrong folder must not be taken for an empty one */
export function needDatabase(folder: string): void {
  const file = databaseFile(folder);
  let size = 0;
  try {
    accessSync(file, constants.R_OK);
    size = statSync(file).size;
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code!))
      throw new Error(`${file}: ${pathProblem(error, 'read')}`);
  }
  if (size === 0) throw new Error(`there is no headroom.db in "${folder}"; give the data folder of a server (its HEADROOM_DATA)`);
}

export class OlderFormatError extends Error {}

/** @throws OlderFormatError when a server has not brought the database up to date yet */
export function refuseOlder(db: Database.Database, folder: string): void {
  const format = db.pragma('user_version', { simple: true }) as number;
  if (format < SCHEMA)
    throw new OlderFormatError(
      `${databaseFile(folder)} was written by an older Headroom (format ${format}, this one reads ${SCHEMA}): start this one on a copy of the folder, which brings it up to date, or use the older one`,
    );
}

/**
 * A second connection, for reading in parallel with the writer.
 *
 * @throws Error with a message for people: no database, a damaged, foreign or too new one
 */
export function openForReading(folder: string): Database.Database {
  needDatabase(folder);
  const file = databaseFile(folder);
  let db: Database.Database | null = null;
  try {
    db = new Sqlite(file, { readonly: true });
    db.pragma('busy_timeout = 5000');
    checkIdentity(db, file);
    db.pragma('cache_size = -32000');
    db.pragma('mmap_size = 1073741824');
    return db;
  } catch (error) {
    db?.close();
    if ((error as { code?: string }).code?.match(/^SQLITE_(CANTOPEN|READONLY)/))
      throw new Error(
        `${file}: this user may read it, but not write the files beside it that reading it needs (${(error as Error).message}): do this as the user of its server, or with a copy of the folder`,
      );
    throw describeOpenError(error, file);
  }
}

/** An exclusive lock held for as long as the process lives: after kill -9 too, the operating system releases it. @param field what named the folder */
export function lock(folder: string, field: string): () => void {
  const held = new Sqlite(path.join(folder, 'headroom.lock'), { timeout: 0 });
  const holderFile = path.join(folder, 'headroom.pid');
  try {
    held.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    held.close();
    if ((error as { code?: string }).code !== 'SQLITE_BUSY')
      throw describeOpenError(error, path.join(folder, 'headroom.lock'), field);
    const holder = holderIn(holderFile);
    throw new Error(`${field}: ${folder} is in use by another Headroom server${holder}; stop that one or choose another folder`);
  }
  try {
    writeFileSync(holderFile, `process ${process.pid} on ${hostname()}`);
  } catch {
    // It only says whose the lock is; a full disk has its own message.
  }
  return () => {
    rmSync(holderFile, { force: true });
    held.close();
  };
}

function holderIn(file: string): string {
  try {
    return ` (${readFileSync(file, 'utf8')})`;
  } catch {
    // It is starting or ending at this moment.
    return '';
  }
}

function checkIdentity(db: Database.Database, file: string): void {
  const version = db.prepare('SELECT sqlite_version()').pluck().get() as string;
  // Older ones can lose commits when a checkpoint races a reset of the WAL: sqlite.org/wal.html#walresetbug
  if (versionNumber(version) < versionNumber('3.51.3'))
    throw new Error(`SQLite ${version} is too old, 3.51.3 is needed; run npm install`);
  const schema = db.pragma('user_version', { simple: true }) as number;
  const application = db.pragma('application_id', { simple: true }) as number;
  const empty = db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() === 0;
  if (!empty && application !== APPLICATION)
    throw new Error(`${file} is another program's database; choose another folder with HEADROOM_DATA`);
  if (schema > SCHEMA)
    throw new Error(
      `${file} was written by a newer Headroom (format ${schema}, this one knows ${SCHEMA}); update Headroom or choose another folder`,
    );
}

function configure(db: Database.Database, file: string, report: Report): void {
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.pragma('cache_size = -16000');
  db.pragma('wal_autocheckpoint = 4000');
  db.pragma('journal_size_limit = 67108864');
  const synchronous = db.pragma('synchronous', { simple: true });
  if (synchronous !== 2)
    throw new Error(`SQLite answers synchronous = ${synchronous}, 2 (FULL) is needed: an acknowledged step must survive`);
  const stored = db.pragma('user_version', { simple: true }) as number;
  if (stored === SCHEMA) return;
  if (stored > 0) report(`${file}: bringing format ${stored} up to ${SCHEMA}; an older Headroom cannot open it afterwards`);
  db.transaction(() => {
    if (stored === 0) db.exec(tables + itemTables);
    else
      for (let from = stored; from < SCHEMA; from++) {
        const migration = migrations[from]!;
        if (typeof migration === 'string') db.exec(migration);
        else migration(db, (text) => report(`${file}: ${text}`));
      }
    db.exec(consoleTable);
    // Last, when every entry has today's form.
    if (stored > 0 && stored < 5) makeItems(db);
    if (stored > 0 && stored < 7) sealAll(db);
    db.pragma(`application_id = ${APPLICATION}`);
    db.pragma(`user_version = ${SCHEMA}`);
  }).immediate();
  if (stored > 0) report(`${file} has format ${SCHEMA} now`);
}

const versionNumber = (version: string): number => {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  return major * 1e6 + minor * 1e3 + patch;
};

function describeOpenError(error: unknown, file: string, field = 'HEADROOM_DATA'): Error {
  const { code, message } = error as { code?: string; message: string };
  if (code === 'SQLITE_NOTADB' || code?.startsWith('SQLITE_CORRUPT'))
    return new Error(`${file} is damaged (${message}); put a backup in its place, or move it away to begin with an empty record`);
  if (code?.startsWith('SQLITE_CANTOPEN') || code?.startsWith('SQLITE_READONLY'))
    return new Error(`${field}: cannot write to ${file} (${message}); choose another folder`);
  const problem = fileProblem(error, field, path.dirname(file));
  if (problem !== null) return new Error(problem);
  return error as Error;
}
