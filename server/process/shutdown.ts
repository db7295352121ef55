/** Orderly shutdown: on SIGINT and SIGTERM, when the npm command that started the process ends, and on an uncaught exception. */

/**
 * Ctrl-C reaches every process of the terminal and is passed on by parents: signals this soon after the first are the same one.
 */
const sameSignalMs = 2000;

/**
 * Calls `close` once and ends the process: with code 0, or with 1 when `close` failed or took longer than `withinMs`, or after an
 * uncaught error. A signal that arrives more than a moment after the first ends the process immediately.
 */
export function endInOrder(close: () => Promise<void>, options: { withinMs: number; onError(error: unknown): void }): void {
  let since: number | null = null;
  const end = async (failed: boolean) => {
    if (since !== null) return;
    since = performance.now();
    const late = setTimeout(() => {
      options.onError(new Error(`the server did not end within ${options.withinMs / 1000} s`));
      process.exit(1);
    }, options.withinMs);
    try {
      await close();
    } catch (error) {
      options.onError(error);
      process.exit(1);
    }
    clearTimeout(late);
    process.exit(failed ? 1 : 0);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      if (since !== null && performance.now() - since > sameSignalMs) process.exit(1);
      void end(false);
    });
  // npm passes a signal to its shell, and the shell ends without passing it on: this process only gets another parent.
  if (process.env.npm_lifecycle_event !== undefined) {
    const shell = process.ppid;
    setInterval(() => {
      if (process.ppid !== shell) void end(false);
    }, 500).unref();
  }
  process.on('uncaughtException', (error: unknown) => {
    options.onError(error);
    void end(true);
  });
  // One task failed and nothing awaited it: stored data is intact, so the server continues for everybody else.
  process.on('unhandledRejection', options.onError);
}
