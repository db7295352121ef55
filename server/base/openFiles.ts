import { readFileSync } from 'node:fs';

/** With fewer Node does not find the files of its own packages, and says that they are missing. */
const needed = 128;

/** @returns why the limit of open files is too low to start (Linux: elsewhere it is not known), or null */
export function openFilesProblem(limits: string | null = ofProcess()): string | null {
  const limit = Number(/^Max open files +(\d+)/m.exec(limits ?? '')?.[1] ?? Number.POSITIVE_INFINITY);
  if (limit >= needed) return null;
  return `This process may open ${limit} files at a time; Headroom needs ${needed} to start, and two for each viewer: raise it, e.g. with ulimit -n 4096`;
}

function ofProcess(): string | null {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return null;
  }
}
