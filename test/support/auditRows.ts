import type { AuditLog } from '~/server/audit/auditLog';
import type { AuditRow } from '~/shared/team';

export async function rowsOf(auditLog: AuditLog): Promise<AuditRow[]> {
  const rows: AuditRow[] = [];
  for await (const row of auditLog.rows(1)) rows.push(row);
  return rows;
}
