import type { LoggedCommand } from '~/shared/commands';
import type { CommandSource } from '~/trainer/types';

/** Commands that the process itself sends: on Ctrl-C, and for `--max-steps`. */
export class LocalCommands implements CommandSource {
  readonly #waiting: LoggedCommand[] = [];
  #wake: () => void = () => {};
  #seq = 0;

  /** @param step of the run at which the command takes effect; left out: the next one */
  act(action: string, by: string, step?: number): void {
    const seq = ++this.#seq;
    const id = `headless-${seq}`;
    this.#waiting.push({
      seq,
      actor: { id: 'headless', name: by, role: 'system' },
      command: {
        kind: 'act',
        id,
        runId: 'headless',
        action,
        args: {},
        ...(step !== undefined && { when: { kind: 'step', step } }),
      },
    });
    this.#wake();
  }

  take(): LoggedCommand[] {
    return this.#waiting.splice(0);
  }

  async wait(): Promise<void> {
    if (this.#waiting.length > 0) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }
}
