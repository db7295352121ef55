import type { AuditStore } from '~/server/audit/auditLog';
import { firstBroken } from '~/server/audit/chain';
import { parse, stringify } from '~/shared/json';
import { type AuditRow, auditRow } from '~/shared/team';
import type { Database } from './database';

export const auditRows = async (database: Database, fromSeq: number, limit: number): Promise<AuditRow[]> => {
  const sql = 'SELECT row FROM headroom.audit WHERE seq >= $1 ORDER BY seq LIMIT $2';
  return (await database.ask<{ row: string }>(sql, [fromSeq, limit])).map(({ row }) => auditRow.parse(parse(row)));
};

/** Reads the whole audit log: the number of sound rows, and what is wrong with the next one; null = there is none. */
export async function checkAudit(database: Database): Promise<{ rows: number; problem: string | null }> {
  for (let last: AuditRow | null = null; ; ) {
    const rows: number = last?.seq ?? 0;
    const page = await auditRows(database, rows + 1, 1000);
    if (page.length === 0) return { rows, problem: null };
    const broken = firstBroken(last, page);
    if (broken) return { rows: broken.seq - 1, problem: `row ${broken.seq}: ${broken.problem}` };
    last = page.at(-1)!;
  }
}

/** The audit log in PostgreSQL. @throws Error when its hash chain is broken */
export async function openPostgresAudit(database: Database): Promise<AuditStore> {
  const { problem } = await checkAudit(database);
  if (problem) throw new Error(`the audit log in PostgreSQL: ${problem}. Restore a backup of the database`);
  return {
    audit: ({ fromSeq, limit }) => auditRows(database, fromSeq, limit),

    async appendAudit(rows) {
      const texts = rows.map((row) => stringify(row));
      const seqs = rows.map(({ seq }) => seq);
      const sql = `done AS (
        INSERT INTO headroom.audit SELECT added.* FROM fence, unnest($2::bigint[], $3::text[]) AS added (seq, row)
        ON CONFLICT DO NOTHING RETURNING 1 AS is
      )`;
      const { done } = await database.write(sql, [seqs, texts]);
      if (done.length === rows.length) return;
      // An earlier try took effect, or somebody else wrote rows with these numbers.
      const kept = await auditRows(database, seqs[0]!, rows.length);
      if (kept.some((row, i) => row.hash !== rows[i]?.hash) || kept.length < rows.length)
        throw new Error(`the audit log in PostgreSQL already has other rows from ${seqs[0]} on`);
    },
  };
}
