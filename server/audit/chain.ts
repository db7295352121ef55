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
