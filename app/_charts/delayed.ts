/** Runs `then` once, `ms` after the first of several requests. */
export function delayed(then: () => void, ms: number): { ask(): void; cancel(): void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const run = () => {
    timer = undefined;
    then();
  };
  return {
    ask: () => {
      timer ??= setTimeout(run, ms);
    },
    cancel: () => clearTimeout(timer),
  };
}
