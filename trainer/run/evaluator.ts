import type { Split } from '~/trainer/base/splits';
import type { Batch, Evaluated, Learner, Task } from '~/trainer/types';

/** Small enough that a command is read soon, and a divisor of the published set sizes, so that all batches have one shape. */
const batchSize = 100;

export interface Result extends Evaluated {
  /** Time spent evaluating, without interruptions. */
  elapsedMs: number;
}

/** Evaluates a split one batch at a time. */
export class Evaluator {
  #open: { split: Split; batches: Iterator<Batch>; next: IteratorResult<Batch>; sum: Result } | null = null;

  constructor(
    private readonly task: Task,
    private readonly learner: Learner,
    private readonly clock: () => number,
  ) {}

  /** Ends the evaluation that has begun, without a result. */
  drop(): void {
    this.#open = null;
  }

  /**
   * Evaluates the next batch of the current split, or the first batch of `split`.
   * @returns the means over all examples after the last batch, null before
   */
  async slice(split: Split): Promise<Result | null> {
    const startedMs = this.clock();
    if (!this.#open) {
      const batches = this.task.evaluationBatches(split, batchSize)[Symbol.iterator]();
      this.#open = { split, batches, next: batches.next(), sum: { loss: 0, accuracy: 0, examples: 0, elapsedMs: 0 } };
    }
    const open = this.#open;
    if (open.split !== split) throw new Error(`evaluating ${open.split}, asked for a slice of ${split}`);
    if (open.next.done) throw new Error(`the ${split} set is empty`);
    const { loss, accuracy, examples } = await this.learner.evaluate([open.next.value]);
    const { sum } = open;
    sum.loss += loss * examples;
    sum.accuracy += accuracy * examples;
    sum.examples += examples;
    open.next = open.batches.next();
    sum.elapsedMs += this.clock() - startedMs;
    if (!open.next.done) return null;
    this.#open = null;
    const said = this.task.sizes[split];
    if (sum.examples !== said) throw new Error(`the ${split} set has ${sum.examples} examples; its recipe says ${said}`);
    return { ...sum, loss: sum.loss / sum.examples, accuracy: sum.accuracy / sum.examples };
  }
}
