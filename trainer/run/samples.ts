/** Texts that the network generates between two updates, one forward pass at a time, so that commands are read in between. They do not change training. */
import type { Learner, Task } from '~/trainer/types';
import type { Output } from './output';
import type { State } from './runState';
import { InTurns, type Turns } from './turns';

type Written = Awaited<ReturnType<NonNullable<Task['sampling']>['write']>>;

export class Samples {
  #open: InTurns<Written> | null = null;

  constructor(
    private readonly parts: { task: Pick<Task, 'sampling'>; learner: Pick<Learner, 'attend'> },
    private readonly state: State,
    private readonly output: Output,
  ) {}

  get waiting(): boolean {
    return this.state.samplesDue;
  }

  /** Must be called after every update. */
  stepped(): void {
    const { sampling } = this.parts.task;
    if (sampling && this.state.step % sampling.everySteps === 0) this.state.samplesDue = true;
  }

  /** Schedules the last texts, unless the texts of this step are already written. */
  ended(): void {
    const { sampling } = this.parts.task;
    if (sampling && this.state.step % sampling.everySteps !== 0) this.state.samplesDue = true;
  }

  /** Runs one forward pass. */
  async slice(): Promise<void> {
    const { step } = this.state;
    this.#open ??= new InTurns((turns) => this.#write(step, turns));
    const { turns, outcome } = this.#open;
    if (!outcome) return turns.once();
    this.#open = null;
    this.state.samplesDue = false;
    if (outcome.ok) {
      for (const { name, text, caption } of outcome.value) this.output.sample(step, name, text, caption);
      return;
    }
    const message = `no text was written: ${outcome.why}`.slice(0, 2000);
    this.output.emit({ type: 'alert', step, level: 'warning', kind: 'sample-failed', message });
  }

  async #write(step: number, turns: Turns): Promise<Written> {
    const { task, learner } = this.parts;
    return task.sampling?.write((batch) => turns.take(() => learner.attend(batch)), step) ?? [];
  }
}
