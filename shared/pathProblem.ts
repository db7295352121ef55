/** Why a path that a person gave cannot be used, and what to do; the caller names the field and the path before it. */
const problems: Record<string, { read: string; write: string }> = {
  ENOENT: {
    read: 'there is no such file or folder; give one that is there',
    write: 'its folder is not there; make it first, or give another',
  },
  EEXIST: { read: '', write: 'a file has its name; give another' },
  ENOTDIR: {
    read: 'a part of the path is not a folder; give another',
    write: 'a part of the path is not a folder; give another',
  },
  EISDIR: { read: 'it is a folder; give a file', write: 'it is a folder; give a file' },
  EACCES: {
    read: 'it may not be read by this user; change its rights',
    write: 'it may not be written by this user; give another',
  },
  EROFS: { read: '', write: 'the file system is read-only; give another' },
  ENOSPC: { read: '', write: 'the disk is full; make space, or give another' },
};

/** @param error what the file system said; an error of another kind is described by its own message */
export function pathProblem(error: unknown, use: 'read' | 'write'): string {
  const { code, message } = error as { code?: string; message: string };
  if (code === undefined) return message;
  return problems[code === 'EPERM' ? 'EACCES' : code]?.[use] || `it cannot be ${use === 'read' ? 'read' : 'written'} (${code})`;
}
