import type { Trigger } from '~/shared/events';
import type { BlobRef } from '~/shared/ids';
import { gzipPiece } from '~/trainer/base/gzip';
import { blobRefOf } from '~/trainer/base/hash';
import type { Checkpoint } from '~/trainer/nn/checkpoint';
import { driftSignal } from '~/trainer/nn/signals';
import { encodePictures, encodeSnapshot } from '~/trainer/nn/snapshot';
import type { Learner, ModelShape, Probe, Task } from '~/trainer/types';
import type { Output } from './output';
import { probeOf } from './taskRules';

interface Parts {
  task: Task;
  shape: ModelShape;
  learner: Learner;
  probeSize: number;
}

interface Chosen {
  chosen: string | null;
  probe: Probe;
  /** The file of the probe's pictures; its bytes are sent with the first snapshot. */
  pictures: { ref: BlobRef; unsent: Uint8Array | null } | null;
}

/** Records attention and predictions of the probe examples; measures drift against the previous snapshot. */
export class SnapshotTaker {
  #probe: Chosen | null = null;
  #previous: Checkpoint['previous'];
  #lastStep = -1;

  constructor(
    private readonly parts: Parts,
    private readonly output: Output,
    previous: Checkpoint['previous'],
  ) {
    this.#previous = previous;
  }

  /** The snapshot that the next snapshot's drift is measured against. */
  get previous(): Checkpoint['previous'] {
    return this.#previous;
  }

  tookOneAt(step: number): boolean {
    return this.#lastStep === step;
  }

  /** The examples that a snapshot would record now. @param chosen as for `take` */
  probe(chosen: string | null): Probe {
    return this.#chosen(chosen).probe;
  }

  #chosen(chosen: string | null): Chosen {
    if (this.#probe && this.#probe.chosen === chosen) return this.#probe;
    const { task, probeSize } = this.parts;
    const probe = probeOf(task, probeSize, chosen);
    const file = encodePictures(probe);
    this.#probe = { chosen, probe, pictures: file && { ref: blobRefOf(file), unsent: file } };
    return this.#probe;
  }

  /**
   * @param chosen the examples, in the task's notation; null = the first of the validation set
   * @param remember whether the next snapshot's drift is measured against this one
   * @returns the drift, mean over examples and heads; NaN without a previous snapshot
   */
  async take(step: number, chosen: string | null, trigger: Trigger, commandId: string | null, remember = true): Promise<number> {
    const { shape, learner } = this.parts;
    const { probe, pictures } = this.#chosen(chosen);
    const attended = await learner.attend(probe.batch);
    const { layers, heads, seqLen } = shape;
    const before = this.#previous;
    const comparable = before?.probe === chosen && before.maps.length === attended.maps.length;
    const { blob, ...declared } = await encodeSnapshot({
      step,
      shape,
      probe,
      pictures: pictures?.ref.hash ?? null,
      attended,
      previous: comparable ? before.maps : null,
      gzip: gzipPiece,
    });
    const size = [probe.batch.size, layers, heads, seqLen, seqLen];
    if (remember) this.#previous = { probe: chosen, shape: size, maps: attended.maps };
    if (commandId === null) this.#lastStep = step;
    const named = pictures && { pictures: pictures.ref };
    this.output.emit(
      { type: 'snapshot', step, blob: blobRefOf(blob), ...named, trigger, commandId, ...declared },
      blob,
      pictures?.unsent,
    );
    if (pictures) pictures.unsent = null;
    const drift = declared.signals.find((s) => s.name === driftSignal.name)?.values;
    return drift ? drift.reduce((sum, v) => sum + v, 0) / drift.length : Number.NaN;
  }
}
