import type { Occasion } from '~/shared/events';
import type { Checkpoint } from './checkpoint';
import { blobRefOf } from './hash';
import type { Output } from './output';
import { encodeSnapshot } from './snapshot';
import type { Learner, ModelShape, Probe, Task } from './types';

interface Parts {
  task: Task;
  shape: ModelShape;
  learner: Learner;
  runId: string | null;
  probeSize: number;
}

/** Records attention and predictions of the probe examples, each time measured against the time before. */
export class SnapshotTaker {
  readonly #parts: Parts;
  readonly #output: Output;
  #probe: { chosen: string | null; probe: Probe } | null = null;
  #previous: Checkpoint['previous'];
  #lastStep = -1;

  constructor(parts: Parts, output: Output, previous: Checkpoint['previous']) {
    this.#parts = parts;
    this.#output = output;
    this.#previous = previous;
  }

  /** What the next snapshot's drift is measured against. */
  get previous(): Checkpoint['previous'] {
    return this.#previous;
  }

  tookOneAt(step: number): boolean {
    return this.#lastStep === step;
  }

  /** The examples that a snapshot records now. @param chosen as for `take` */
  probe(chosen: string | null): Probe {
    const { task, probeSize } = this.#parts;
    if (this.#probe?.chosen !== chosen || !this.#probe) this.#probe = { chosen, probe: task.probe(probeSize, chosen) };
    return this.#probe.probe;
  }

  /**
   * @param chosen the examples, in the task's notation; null = the first of the validation set
   * @param remember whether the next one's drift is measured against this one
   * @returns the drift, mean over examples and heads; NaN when there was nothing to measure against
   */
  async take(
    step: number,
    chosen: string | null,
    occasion: Occasion,
    commandId: string | null,
    remember = true,
  ): Promise<number> {
    const { task, shape, learner, runId } = this.#parts;
    const probe = this.probe(chosen);
    const attended = await learner.attend(probe.batch);
    const { layers, heads, seqLen } = shape;
    const examples = probe.batch.size;
    const before = this.#previous;
    const comparable = before?.probe === chosen && before.maps.length === attended.maps.length;
    const { blob, signals } = encodeSnapshot({
      task: task.kind,
      runId,
      step,
      shape,
      probe,
      attended,
      previous: comparable ? before.maps : null,
    });
    if (remember) this.#previous = { probe: chosen, shape: [examples, layers, heads, seqLen, seqLen], maps: attended.maps };
    this.#lastStep = step;
    const sizes = { layers, heads, examples, queries: seqLen, keys: seqLen };
    this.#output.emit({ type: 'snapshot', step, blob: blobRefOf(blob), occasion, commandId, ...sizes, signals }, blob);
    const { drift } = signals;
    return drift ? drift.reduce((sum, v) => sum + v, 0) / drift.length : Number.NaN;
  }
}
