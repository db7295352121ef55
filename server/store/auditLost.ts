import { existsSync } from 'node:fs';
import path from 'node:path';
import { auditPath, wayOut } from '~/server/audit/auditFile';
import { databaseFile } from './sqlite/schema';

/** The trainers' token. */
export const tokenFile = (folder: string): string => path.join(folder, 'trainer.token');

/**
 * That the folder's audit log was lost, and the way out; null where it was not. To be asked before the database is made: a server makes that, then the
 * audit log, then the trainers' token, unless somebody gave one.
 */
export function auditLost(folder: string): string | null {
  const isLost = existsSync(databaseFile(folder)) && existsSync(tokenFile(folder)) && !existsSync(auditPath(folder));
  return isLost ? `${auditPath(folder)} is missing: it says who may sign in. ${wayOut}` : null;
}
