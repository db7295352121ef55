import type { LoggedCommand } from '~/shared/commands';
import type { Assignment } from '~/shared/protocol';
import type { CommandSource } from '~/trainer/types';
import type { Run } from './run';

export type Replay = NonNullable<Assignment['resume']>['replay'];

/** Hands a run its commands: first those of the recorded run, at the steps at which they took effect there, then new ones. */
export class Inbox {
  readonly #run: Run;
  readonly #commands: CommandSource;
  readonly #replay: Replay;
  /** Held commands that are not to take effect by their condition while the replay goes on: the record says when, or that it did not come to it. */
  readonly #recorded: Set<number>;
  /** New commands that came while the replay goes on. */
  #later: LoggedCommand[] = [];

  constructor(run: Run, commands: CommandSource, replay: Replay) {
    this.#run = run;
    this.#commands = commands;
    // By step only: within one step the order given is the one in which they took effect.
    this.#replay = [...replay].sort((a, b) => a.step - b.step);
    this.#recorded = new Set(replay.map((r) => r.logged.seq));
    const lastReplayed = Math.max(0, ...replay.map((r) => r.logged.seq));
    if (!this.replaying) return;
    for (const logged of commands.take()) {
      // Commands are answered in log order, so one before the last replayed had been answered: with "scheduled".
      if (logged.seq < lastReplayed && logged.command.when) {
        run.orders.adopt(logged);
        this.#recorded.add(logged.seq);
      } else this.#later.push(logged);
    }
  }

  get replaying(): boolean {
    return this.#replay.length > 0;
  }

  async hear(): Promise<void> {
    while (this.#replay[0] && this.#replay[0].step <= this.#run.step && !this.#run.stopped)
      await this.#run.orders.replay(this.#replay.shift()!.logged);
    if (this.replaying) return this.#run.orders.fire(this.#recorded);
    for (const logged of [...this.#later.splice(0), ...this.#commands.take()]) await this.#run.orders.handle(logged);
    await this.#run.orders.fire();
  }

  /** @returns false when the source was closed */
  async wait(): Promise<boolean> {
    try {
      await this.#commands.wait();
      return true;
    } catch {
      return false;
    }
  }
}
