import type { LoggedCommand } from '~/shared/commands';
import type { Assignment } from '~/shared/protocol';
import type { CommandSource } from '~/trainer/types';
import type { Run } from './run';

export type Replay = NonNullable<Assignment['resume']>['replay'];

/** Hands a run its commands: first the commands of the recorded run, at the steps at which they took effect there, then new ones. */
export class Inbox {
  readonly #replay: Replay;
  /** Held commands whose condition is ignored during the replay: the record says when they took effect, or that they did not. */
  readonly #recorded: Set<number>;
  /** New commands that arrived during the replay. */
  #later: LoggedCommand[] = [];

  constructor(
    private readonly run: Run,
    private readonly commands: CommandSource,
    replay: Replay,
  ) {
    // Sorted by step only: within one step the given order is the order in which they took effect.
    this.#replay = [...replay].sort((a, b) => a.step - b.step);
    this.#recorded = new Set(replay.map((r) => r.logged.seq));
    const lastReplayed = Math.max(0, ...replay.map((r) => r.logged.seq));
    if (!this.replaying) return;
    for (const logged of commands.take()) {
      // Commands are answered in log order, so a conditional command before the last replayed one had already been answered with "scheduled".
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
    while (this.#replay[0] && this.#replay[0].step <= this.run.step && !this.run.stopped)
      await this.run.orders.replay(this.#replay.shift()!.logged);
    if (this.replaying) return this.run.orders.fire(this.#recorded);
    for (const logged of [...this.#later.splice(0), ...this.commands.take()]) await this.run.orders.handle(logged);
    await this.run.orders.fire();
  }

  /** @returns false when the source was closed */
  async wait(): Promise<boolean> {
    try {
      await this.commands.wait();
      return true;
    } catch {
      return false;
    }
  }
}
