import type Database from 'better-sqlite3';
import { bytesOf, KEPT_BYTES } from '~/server/store/console';
import { stringify } from '~/shared/json';
import { type ConsoleAnswer, type ConsoleEvent, type ConsolePart, type ConsoleQuery, choose, consoleEvent } from '~/shared/media';
import { type Crc, checked, checkRow, checksum, openInsert, type Row } from './checksums';

/** The console parts of each run that still have their text; `start`: bytes printed before this part. */
export const consoleTable = `
CREATE TABLE IF NOT EXISTS console (
  run INTEGER NOT NULL REFERENCES runs(id),
  start INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  crc INTEGER,
  PRIMARY KEY (run, start)
) STRICT, WITHOUT ROWID;
`;

/**
 * Adds a part that was just written as an entry, and empties the oldest ones beyond the limit. Their entries stay: the log has no
 * gaps.
 */
export function openConsoleWrites(db: Database.Database): (run: number, seq: number, event: ConsoleEvent) => void {
  const last = db.prepare<[number], { start: number; bytes: number; seq: number } & Crc>(
    'SELECT start, bytes, seq, crc FROM console WHERE run = ? ORDER BY start DESC LIMIT 1',
  );
  const add = openInsert(db, 'console');
  const old = db.prepare<[number, number], { seq: number }>('SELECT seq FROM console WHERE run = ? AND start < ?');
  const fields = checked.entries.filter((name) => name !== 'event').join(', ');
  const entry = db
    .prepare<[number, number], (number | string | null)[]>(`SELECT ${fields} FROM entries WHERE run = ? AND seq = ?`)
    .raw();
  const empty = db.prepare('UPDATE entries SET event = ?, crc = ? WHERE run = ? AND seq = ?');
  // Without its text, the stream's name is of no use.
  const nothing = stringify({ type: 'console', stream: 'out', text: '' } satisfies ConsoleEvent);
  const drop = db.prepare('DELETE FROM console WHERE run = ? AND start < ?');
  return (run, seq, event) => {
    const before = last.get(run);
    if (before) checkRow(() => `run number ${run}: the place of its console output`, 'console', { run, ...before });
    const start = before ? before.start + before.bytes : 0;
    const bytes = bytesOf(event);
    add({ run, start, bytes, seq });
    const keptFrom = start + bytes - KEPT_BYTES;
    const gone = old.all(run, keptFrom);
    for (const { seq: at } of gone) empty.run(nothing, checksum(...entry.get(run, at)!, nothing), run, at);
    if (gone.length > 0) drop.run(run, keptFrom);
  };
}

/** @param runOf the number of a run; null when there is no such run */
export function openConsoleReads(
  db: Database.Database,
  runOf: (runId: string) => number | null,
): (query: ConsoleQuery) => ConsoleAnswer {
  const parts = db.prepare<[number | null], Row<'console'> & Crc & { seq: number }>(
    `SELECT ${checked.console.join(', ')}, crc FROM console WHERE run = ? ORDER BY start`,
  );
  const entryOf = db.prepare<[number, number], Row<'entries'> & Crc & { at: number; event: string }>(
    `SELECT ${checked.entries.join(', ')}, crc FROM entries WHERE run = ? AND seq = ?`,
  );
  return (query) => {
    const run = runOf(query.runId);
    const kept = parts.all(run).map((part): ConsolePart => {
      const { seq } = part;
      const what = () => `run ${query.runId}: entry ${seq} (console)`;
      checkRow(what, 'console', part);
      const entry = entryOf.get(run!, seq);
      checkRow(what, 'entries', entry);
      const { stream, text } = consoleEvent.parse(JSON.parse(entry.event));
      return { seq, at: entry.at, stream, text };
    });
    return choose(kept, query);
  };
}
