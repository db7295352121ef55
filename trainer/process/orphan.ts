/** Handles a trainer whose server was killed: the trainer must neither stay forever nor die by accident. */

/** An orphan that holds a run ends when no server has registered it for this long. */
export const orphanLeavesAfterMs = 60_000;

const lookEveryMs = 500;

export interface ParentWatch {
  /** HEADROOM_PARENT: process id of the server that started this trainer; undefined = a person started the trainer, so it stays. */
  parent: string | undefined;
  /** The current parent id of this process. */
  ppid(): number;
  withoutServerMs(): number;
  /** Saves the held run and ends the process. Called once. */
  leave(message: string): void;
}

/**
 * Once the parent has ended: `unneeded` fires, so that a trainer without a run ends immediately (the next server starts its own trainer); a trainer that holds a run
 * continues while a server accepts its events, and ends when there has been no server for `orphanLeavesAfterMs`.
 */
export function watchParent({ parent, ppid, withoutServerMs, leave }: ParentWatch): { unneeded: AbortSignal; close(): void } {
  const unneeded = new AbortController();
  if (parent === undefined) return { unneeded: unneeded.signal, close() {} };
  const timer = setInterval(() => {
    if (String(ppid()) === parent) return;
    unneeded.abort();
    if (withoutServerMs() < orphanLeavesAfterMs) return;
    clearInterval(timer);
    leave(`the server that started this trainer has ended, and none was reached for ${orphanLeavesAfterMs / 1000} s: leaving`);
  }, lookEveryMs);
  timer.unref();
  return { unneeded: unneeded.signal, close: () => clearInterval(timer) };
}

/** Ignores EPIPE: output to a server that has ended has no reader, and this must not end the run. */
export function survivesItsReaders(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
}
