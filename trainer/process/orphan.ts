/** A trainer whose server was killed: it must neither stay for ever nor die by accident. */

/** An orphan that holds a run leaves when no server has registered it for this long. */
export const orphanLeavesAfterMs = 60_000;

const lookEveryMs = 500;

export interface ParentWatch {
  /** HEADROOM_PARENT: process id of the server that started this trainer; undefined = it was started by hand, and stays. */
  parent: string | undefined;
  /** Of this process, as it is now. */
  ppid(): number;
  withoutServerMs(): number;
  /** Save the run that is held, and end. Called once. */
  leave(message: string): void;
}

/**
 * Once the parent has ended: `unneeded` fires, so that a trainer without a run ends at once (the next server has a trainer of its own); one that holds a run
 * goes on while a server takes its events, and leaves when there has been none for `orphanLeavesAfterMs`.
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

/** Output to a server that has ended fails with EPIPE: nobody reads it any more, and the run must not die of that. */
export function survivesItsReaders(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
}
