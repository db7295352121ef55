import { crc32 } from 'node:zlib';
import type Database from 'better-sqlite3';

/**
 * Every row has a CRC-32 of its columns, written with it and compared on every read: a bit that changed on the disk becomes an
 * error that names run and block, never a wrong number. A row whose key changed is not found by its key: where that would pass for
 * an answer, the reader counts, or checks the whole table (`hourly`). Data that was already damaged when it was moved to another
 * table gets no checksum, and stays an error.
 */
export type Part = number | string | null | Uint8Array;

export function checksum(...parts: Part[]): number {
  let sum = 0;
  let text = '';
  for (const part of parts)
    if (part instanceof Uint8Array) {
      sum = crc32(part, text === '' ? sum : crc32(text, sum));
      text = '';
    } else text += `${part}\n`;
  return text === '' ? sum : crc32(text, sum);
}

/** The stored data differs from what was written. */
export class DamagedError extends Error {
  constructor(what: string) {
    super(
      `${what} is damaged: what was read is not what was written. Restore a backup; \`headroom verify\` lists everything that is damaged`,
    );
    this.name = 'DamagedError';
  }
}

/**
 * The tables with a checksum, and what it covers, in order; used by verify.ts and the migration. Columns that change apart from the
 * others have a sum of their own: "table.column of the sum".
 */
export const checked = {
  runs: ['id', 'runId', 'head', 'attempt', 'nextEvent', 'headStep', 'chain'],
  'runs.summaryCrc': ['id', 'summarySeq', 'summary'],
  streams: ['id', 'run', 'name', 'width', 'firstRow', 'endRow', 'generation', 'lastStep'],
  'streams.columnsCrc': ['id', 'columns'],
  series: ['run', 'name', 'stream', 'position'],
  generations: ['stream', 'generation', 'fromRow'],
  rewinds: ['run', 'seq', 'fromStep', 'keepSeq'],
  blobUses: ['run', 'hash'],
  settings: ['key', 'value'],
  console: ['run', 'start', 'bytes', 'seq'],
  tail: ['stream', 'generation', 'firstRow', 'rows', 'firstStep', 'at', 'steps', 'times', 'data'],
  blocks: ['stream', 'generation', 'stripe', 'block', 'data'],
  axes: ['stream', 'generation', 'block', 'firstStep', 'steps', 'times'],
  pyramid: ['stream', 'level', 'stripe', 'chunk', 'data'],
  pyramidAxes: ['stream', 'level', 'chunk', 'firstSteps', 'lastSteps', 'lastTimes'],
  entries: ['run', 'seq', 'seqCount', 'attempt', 'at', 'type', 'step', 'stream', 'generation', 'row', 'event'],
  items: ['run', 'kind', 'seq', 'step', 'id', 'ref', 'tag', 'item'],
  views: ['run', 'seq', 'view'],
} as const;
export type Checked = keyof typeof checked;

/** The columns of a row that its checksum covers. */
export type Row<T extends Checked> = { [Column in (typeof checked)[T][number]]: Part };
export interface Crc {
  /** null: it was damaged when it was written. */
  crc: number | null;
}

const partsOf = <T extends Checked>(of: T, row: Row<T>): Part[] => checked[of].map((name) => row[name as keyof Row<T>]);

export const sumOf = <T extends Checked>(of: T, row: Row<T>): number => checksum(...partsOf(of, row));

export const isSound = <T extends Checked>(of: T, row: Row<T> & Crc): boolean => row.crc !== null && sumOf(of, row) === row.crc;

/** @throws DamagedError that names `what`, unless the row is there and as it was written */
export function checkRow<T extends Checked, R extends Row<T> & Crc>(what: () => string, of: T, row?: R): asserts row is R {
  if (!row || !isSound(of, row)) throw new DamagedError(what());
}

/** Adds a row to a table, with its checksum; without one if what it was made of is not `sound`. */
export type Insert<T extends Checked> = (row: Row<T>, sound?: boolean) => void;

export function openInsert<T extends Checked>(
  db: Database.Database,
  table: T,
  orElse: 'ABORT' | 'IGNORE' | 'REPLACE' = 'ABORT',
): Insert<T> {
  const names = [...checked[table], 'crc'];
  const statement = db.prepare(
    `INSERT OR ${orElse} INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
  );
  return (row, sound = true) => {
    const parts = partsOf(table, row);
    statement.run(...parts, sound ? checksum(...parts) : null);
  };
}

const HOUR_MS = 3_600_000;

/** Does `check` at the first call and then at most once an hour: it reads a whole table, and rows are missed again and again. */
export function hourly(check: () => void): () => void {
  let nextAt = Number.NEGATIVE_INFINITY;
  return () => {
    if (performance.now() < nextAt) return;
    check();
    nextAt = performance.now() + HOUR_MS;
  };
}

/** Checks a row of a stream; null: it is missing. @throws DamagedError that names run, stream and `what` */
export type StreamCheck = <T extends Checked>(stream: number, what: () => string, of: T, row: (Row<T> & Crc) | null) => void;

export function openStreamCheck(db: Database.Database): StreamCheck {
  const name = db.prepare<[number], { runId: string; name: string }>(
    'SELECT runId, streams.name FROM streams JOIN runs ON runs.id = streams.run WHERE streams.id = ?',
  );
  return (stream, what, of, row) => {
    if (row && isSound(of, row)) return;
    const found = name.get(stream);
    throw new DamagedError(`run ${found?.runId}: ${what()} of stream "${found?.name}"`);
  };
}

/** The table and the column of a checksum. */
export const placeOf = (of: Checked): { table: string; crc: string } => {
  const [table = '', crc = 'crc'] = of.split('.');
  return { table, crc };
};

/** Writes the checksum of every row as it is now: earlier damage can no longer be detected. */
export function seal(db: Database.Database, of: readonly Checked[]): void {
  db.function('checksum', { varargs: true, deterministic: true }, (...parts) => checksum(...(parts as Part[])));
  for (const name of of) {
    const { table, crc } = placeOf(name);
    db.exec(`UPDATE ${table} SET ${crc} = checksum(${checked[name].join(', ')})`);
  }
}
