import { hashOf } from '~/server/base/hash';
import { canonical } from '~/shared/canonical';
import type { Actor } from '~/shared/ids';
import { serialize } from '~/shared/json';
import type { AuditEvent, AuditRow } from '~/shared/team';

/** The previous hash of the first row. */
export const genesis = '0'.repeat(64);

/** SHA-256 over the previous hash and the row's own content. */
export const rowHash = (row: Omit<AuditRow, 'hash'>): string => hashOf(canonical(serialize(row)));

/** The row that follows `last` (null = it is the first). */
export function nextRow(last: AuditRow | null, at: number, actor: Actor, event: AuditEvent): AuditRow {
  const row = { seq: (last?.seq ?? 0) + 1, at, actor, event, prevHash: last?.hash ?? genesis };
  return { ...row, hash: rowHash(row) };
}

/**
 * Checks rows that follow `before`, in order.
 *
 * @returns null when every row is unchanged; otherwise the first row that is not, and what is wrong with it
 */
export function firstBroken(before: AuditRow | null, rows: Iterable<AuditRow>): { seq: number; problem: string } | null {
  let last = before;
  for (const row of rows) {
    const expected = (last?.seq ?? 0) + 1;
    if (row.seq !== expected) return { seq: expected, problem: `row ${expected} is missing: row ${row.seq} follows` };
    if (row.prevHash !== (last?.hash ?? genesis)) return { seq: row.seq, problem: 'it does not continue the row before it' };
    const { hash, ...content } = row;
    if (rowHash(content) !== hash) return { seq: row.seq, problem: 'its content is not what was hashed when it was written' };
    last = row;
  }
  return null;
}

/** Setting of the database that names the last row of the audit log ('': it has none): rows cut off at its end leave no trace in the log itself. */
export const lastRowKey = 'auditLastRow';

/** The value of that setting. */
export const nameOfRow = ({ seq, hash }: AuditRow): string => `${seq} ${hash}`;

/**
 * The first row that is changed or missing, and what is wrong with it; null where every row is as it was written.
 *
 * @param lastRow value of `lastRowKey` (null: written by an earlier version). A crash may leave it behind the rows, never before them.
 */
export function brokenRow(rows: AuditRow[], lastRow: string | null): { seq: number; problem: string } | null {
  const broken = firstBroken(null, rows);
  if (broken || !lastRow) return broken;
  const last = Number.parseInt(lastRow, 10);
  if (rows.length < last) return { seq: rows.length + 1, problem: `it is missing: rows up to ${last} were written` };
  return nameOfRow(rows[last - 1]!) === lastRow ? null : { seq: last, problem: 'it is not the one that was written' };
}
