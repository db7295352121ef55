import type Database from 'better-sqlite3';
import { CompleteLog } from '~/server/store/completeLog';
import type { Entry, RunEvent } from '~/shared/events';
import { emptyView } from '~/shared/fold';
import { parse, stringify } from '~/shared/json';
import { seqCount } from '~/shared/rows';
import type { RunView } from '~/shared/view';
import { openItemWrites } from './items';

interface Row {
  seq: number;
  seqCount: number;
  attempt: number;
  at: number;
  step: number | null;
  event: string | null;
}

/**
 * Builds the lists of every run from its log, for a database that was written before lists were stored, and completes the entries
 * of version 0.1 (completeLog.ts). Saved views are deleted: they are folded again. Step rows are skipped. Must be called inside a
 * transaction.
 */
export function makeItems(db: Database.Database): void {
  const write = openItemWrites(db);
  const update = db.prepare('UPDATE entries SET event = ? WHERE run = ? AND seq = ?');
  const entries = db.prepare<[number], Row>(
    'SELECT seq, seqCount, attempt, at, step, event FROM entries WHERE run = ? ORDER BY seq',
  );
  db.exec('DELETE FROM items; DELETE FROM views; UPDATE runs SET summarySeq = NULL, summary = NULL');
  for (const { id, runId } of db.prepare<[], { id: number; runId: string }>('SELECT id, runId FROM runs').all()) {
    const log = new CompleteLog();
    let view: RunView | null = null;
    for (const row of entries.all(id)) {
      if (row.event === null) {
        // Step rows: the lists need only their seqs and steps.
        view = { ...view!, seq: row.seq + row.seqCount - 1, step: row.step! + row.seqCount };
        continue;
      }
      const stored: Entry = { seq: row.seq, attempt: row.attempt, at: row.at, event: parse(row.event) as RunEvent };
      if (!view) {
        view = emptyView(runId, stored);
        continue;
      }
      const entry = log.complete(view, stored);
      if (entry !== stored) update.run(stringify(entry.event), id, entry.seq);
      const { view: next, changes } = log.add(view, entry);
      write(id, changes);
      view = { ...next, seq: entry.seq + seqCount(entry.event) - 1 };
    }
  }
}
