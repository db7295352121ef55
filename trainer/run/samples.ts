/** Texts that the network generates between two updates, one forward pass at a time, so that commands are read in between. They do not change training. */
import type { Learner, Task } from '~/trainer/types';
import type { Output } from './output';
import type { State } from './runState';
import { Turns } from './turns';

type Written = Awaited<ReturnType<NonNullable<Task['sampling']>['write']>>;

interface Open {
  turns: Turns;
  outcome: { texts: Written } | { error: unknown } | null;
}

export class Samples {
  readonly #state: State;
  readonly #output: Output;
  readonly #task: Pick<Task, 'sampling'>;
  readonly #learner: Pick<Learner, 'attend'>;
  #open: Open | null = null;

  constructor(
    { task, learner }: { task: Pick<Task, 'sampling'>; learner: Pick<Learner, 'attend'> },
    state: State,
    output: Output,
  ) {
    this.#state = state;
    this.#output = output;
    this.#task = task;
    this.#learner = learner;
  }

  get waiting(): boolean {
    return this.#state.samplesDue;
  }

  /** Must be called after every update. */
  stepped(): void {
    const { sampling } = this.#task;
    if (sampling && this.#state.step % sampling.everySteps === 0) this.#state.samplesDue = true;
  }

  /** Schedules the last texts, unless the texts of this step are already written. */
  ended(): void {
    const { sampling } = this.#task;
    if (sampling && this.#state.step % sampling.everySteps !== 0) this.#state.samplesDue = true;
  }

  /** Runs one forward pass. */
  async slice(): Promise<void> {
    const { step } = this.#state;
    this.#open ??= this.#begin(step);
    const { turns, outcome } = this.#open;
    if (!outcome) return turns.once();
    this.#open = null;
    this.#state.samplesDue = false;
    if ('texts' in outcome) {
      for (const { name, text, caption } of outcome.texts) this.#output.sample(step, name, text, caption);
      return;
    }
    const why = outcome.error instanceof Error ? outcome.error.message : String(outcome.error);
    this.#output.emit({
      type: 'alert',
      step,
      level: 'warning',
      kind: 'sample-failed',
      message: `no text was written: ${why}`.slice(0, 2000),
    });
  }

  #begin(step: number): Open {
    const open: Open = { turns: new Turns(), outcome: null };
    const { sampling } = this.#task;
    const writing = sampling
      ? sampling.write((batch) => open.turns.take(() => this.#learner.attend(batch)), step)
      : Promise.resolve([]);
    writing.then(
      (texts) => {
        open.outcome = { texts };
      },
      (error: unknown) => {
        open.outcome = { error };
      },
    );
    return open;
  }
}
