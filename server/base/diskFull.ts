import { pathProblem } from '~/shared/pathProblem';

/** Of the file system or SQLite; a thread passes on only the message. */
const full = /\b(ENOSPC|EDQUOT)\b|database or disk is full/;

export const isDiskFull = (error: unknown): boolean => error instanceof Error && full.test(error.message);

/** An error of the file system, for the operator: the path, named by `field`, and what to do. Null: an error of another kind. */
export function fileProblem(error: unknown, field: string, folder: string): string | null {
  if (isDiskFull(error)) return `${field} ${folder}: ${pathProblem({ code: 'ENOSPC', message: '' }, 'write')}`;
  const { path } = error as NodeJS.ErrnoException;
  return path === undefined ? null : `${field} ${path}: ${pathProblem(error, 'write')}`;
}

export const diskFullWords = 'the disk of the server is full: make room there and ask again';

/** Insufficient Storage (RFC 4918, 11.5). */
export const DISK_FULL_STATUS = 507;
