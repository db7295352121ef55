import type { AuditStore } from '~/server/audit/auditLog';
import { brokenRow, lastRowKey, nameOfRow } from '~/server/audit/chain';
import { parse, stringify } from '~/shared/json';
import { type AuditRow, auditRow } from '~/shared/team';
import type { Database } from './database';
import { saveSetting, settingOf } from './log';

const auditRows = async (database: Database, fromSeq: number, limit: number): Promise<AuditRow[]> => {
  const sql = 'SELECT row FROM headroom.audit WHERE seq >= $1 ORDER BY seq LIMIT $2';
  return (await database.ask<{ row: string }>(sql, [fromSeq, limit])).map(({ row }) => auditRow.parse(parse(row)));
};

/** Reads the whole audit log, also while a node adds to it: the sound rows, the name of the last one, and what is wrong with the next one; null = nothing is. */
export async function checkAudit(
  database: Database,
): Promise<{ sound: AuditRow[]; named: string | null; problem: string | null }> {
  // Before the rows: what is added meanwhile only follows it.
  const named = await settingOf(database, lastRowKey);
  const rows = await auditRows(database, 1, Number.MAX_SAFE_INTEGER);
  const broken = brokenRow(rows, named);
  return broken
    ? { sound: rows.slice(0, broken.seq - 1), named, problem: `row ${broken.seq}: ${broken.problem}` }
    : { sound: rows, named, problem: null };
}

const append = `done AS (
  INSERT INTO headroom.audit SELECT added.* FROM fence, unnest($2::bigint[], $3::text[]) AS added (seq, row)
  ON CONFLICT DO NOTHING RETURNING 1 AS is
), named AS (
  INSERT INTO headroom.settings SELECT $4, $5 WHERE (SELECT count(*) FROM done) = cardinality($2)
  ON CONFLICT (key) DO UPDATE SET value = excluded.value
)`;

/** The audit log in PostgreSQL. @throws Error when a row was changed or cut off */
export async function openPostgresAudit(database: Database): Promise<AuditStore> {
  const { sound, named, problem } = await checkAudit(database);
  if (problem) throw new Error(`the audit log in PostgreSQL: ${problem}. Restore a backup of the database`);
  const last = sound.at(-1);
  // An earlier version did not name it.
  if (last && nameOfRow(last) !== named) await saveSetting(database, lastRowKey, nameOfRow(last));
  return {
    audit: ({ fromSeq, limit }) => auditRows(database, fromSeq, limit),

    async appendAudit(rows) {
      const texts = rows.map((row) => stringify(row));
      const seqs = rows.map(({ seq }) => seq);
      const { done } = await database.write(append, [seqs, texts, lastRowKey, nameOfRow(rows.at(-1)!)]);
      if (done.length === rows.length) return;
      // An earlier try took effect, or somebody else wrote rows with these numbers.
      const kept = await auditRows(database, seqs[0]!, rows.length);
      if (kept.some((row, i) => row.hash !== rows[i]?.hash) || kept.length < rows.length)
        throw new Error(`the audit log in PostgreSQL already has other rows from ${seqs[0]} on`);
    },
  };
}
