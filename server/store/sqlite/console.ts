import type Database from 'better-sqlite3';
import { bytesOf, KEPT_BYTES } from '~/server/store/console';
import { stringify } from '~/shared/json';
import { type ConsoleAnswer, type ConsoleEvent, type ConsolePart, type ConsoleQuery, choose, consoleEvent } from '~/shared/media';
import { checked, checksum, DamagedError } from './checksums';

/** The console parts of each run that still have their text; `start`: bytes printed before this part. */
export const consoleTable = `
CREATE TABLE IF NOT EXISTS console (
  run INTEGER NOT NULL REFERENCES runs(id),
  start INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (run, start)
) STRICT, WITHOUT ROWID;
`;

/**
 * Adds a part that was just written as an entry, and empties the oldest ones beyond the limit. Their entries stay: the log has no
 * gaps.
 */
export function openConsoleWrites(db: Database.Database): (run: number, seq: number, event: ConsoleEvent) => void {
  const last = db.prepare<[number], { total: number }>(
    'SELECT start + bytes AS total FROM console WHERE run = ? ORDER BY start DESC LIMIT 1',
  );
  const add = db.prepare('INSERT INTO console (run, start, bytes, seq) VALUES (?, ?, ?, ?)');
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
    const start = last.get(run)?.total ?? 0;
    const bytes = bytesOf(event);
    add.run(run, start, bytes, seq);
    const keptFrom = start + bytes - KEPT_BYTES;
    const gone = old.all(run, keptFrom);
    for (const { seq: at } of gone) empty.run(nothing, checksum(...entry.get(run, at)!, nothing), run, at);
    if (gone.length > 0) drop.run(run, keptFrom);
  };
}

export function openConsoleReads(db: Database.Database): (query: ConsoleQuery) => ConsoleAnswer {
  const parts = db
    .prepare<[string], (number | string | null)[]>(
      `SELECT ${checked.entries.map((name) => `entries.${name}`).join(', ')}, crc FROM runs JOIN console ON console.run = runs.id JOIN entries ON entries.run = runs.id AND entries.seq = console.seq WHERE runId = ? ORDER BY start`,
    )
    .raw();
  return (query) => {
    const kept = parts.all(query.runId).map((row): ConsolePart => {
      const [seq, at, event] = [row[1] as number, row[4] as number, row[10] as string];
      if (checksum(...row.slice(0, -1)) !== row.at(-1)) throw new DamagedError(`run ${query.runId}: entry ${seq} (console)`);
      const { stream, text } = consoleEvent.parse(JSON.parse(event));
      return { seq, at, stream, text };
    });
    return choose(kept, query);
  };
}
