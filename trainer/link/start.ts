/** What a trainer process does once, at its start. */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type BackendName, backendNames } from '~/trainer/backends/types';

/** What the process offers: the backend it chose and, if it was free to choose, those that need nothing installed. */
export function ownBackends(setting: 'auto' | BackendName, opened: BackendName): BackendName[] {
  if (setting !== 'auto') return [opened];
  return backendNames.filter((name) => name === opened || name === 'wasm' || name === 'cpu');
}

/** Removes the spools (folders `<pid>-<trainerId>`) of processes that were killed: their runs went on from a checkpoint under another attempt. */
export function sweepSpools(folder: string): void {
  for (const name of readdirSync(folder)) {
    const pid = Number(/^(\d+)-/.exec(name)?.[1]);
    if (Number.isInteger(pid) && pid > 0 && !alive(pid)) rmSync(join(folder, name), { recursive: true, force: true });
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
