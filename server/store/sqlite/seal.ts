import type Database from 'better-sqlite3';
import { firstLink, nextLink } from '~/server/store/chain';
import { seqCount } from '~/shared/rows';
import { type Checked, checked, seal } from './checksums';
import { openReads } from './read';

/**
 * Adds checksums and hash chains to everything that was stored without them, in the transaction that raises the format: earlier
 * damage can no longer be detected.
 */
export function sealAll(db: Database.Database): void {
  seal(db, Object.keys(checked) as Checked[]);
  const reads = openReads(db);
  const chainOf = db.prepare('UPDATE entries SET chain = ? WHERE run = ? AND seq = ?');
  const head = db.prepare('UPDATE runs SET chain = ? WHERE id = ?');
  for (const { id, runId } of db.prepare<[], { id: number; runId: string }>('SELECT id, runId FROM runs').all()) {
    let chain = firstLink;
    for (let fromSeq = 1; ; ) {
      const page = reads.entries({ runId, fromSeq, limit: 1000, types: null });
      for (const entry of page) {
        chain = nextLink(chain, entry);
        chainOf.run(chain, id, entry.seq);
        fromSeq = entry.seq + seqCount(entry.event);
      }
      if (page.length === 0) break;
    }
    head.run(chain, id);
  }
  seal(db, ['runs']);
}
