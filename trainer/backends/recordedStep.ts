import type { Tensor } from '@tensorflow/tfjs-core';
import type { CompiledStep } from '~/trainer/nn/compileStep';
import { runEagerly } from './eagerStep';

/** The step does something that a recording cannot hold; it then runs op by op. */
export class NotRecordable extends Error {}

/** How a backend records steps. A recording holds the memory of a whole step. */
export interface StepRecorder<Recording> {
  /** @throws NotRecordable naming what cannot be recorded */
  record(fn: (inputs: Tensor[]) => Tensor[], inputs: Tensor[]): Recording;
  replay(recording: Recording, inputs: Tensor[]): Tensor[];
  opsOf(recording: Recording): number;
  free(recording: Recording): void;
}

/** Only the most recently used shapes of a step keep their recording. */
const recordingsPerStep = 4;

/**
 * A step that records itself on its first call with given input shapes and dtypes, and replays the recording from that call on, so that it gives
 * the same bits whether it is the first step of the process or not.
 *
 * @param fn see CompileStep: pure, and no reading back of a tensor
 * @param log called once, with the reason, when the step cannot be recorded
 */
export function recordedStep<Recording>(
  recorder: StepRecorder<Recording>,
  fn: (inputs: Tensor[]) => Tensor[],
  log: (why: string) => void,
): CompiledStep {
  const recordings = new Map<string, Recording>();
  let mode: CompiledStep['mode'] = 'graph';
  let ops: number | null = null;
  return {
    get mode() {
      return mode;
    },
    get ops() {
      return mode === 'graph' ? ops : null;
    },
    run(inputs) {
      if (mode === 'eager') return runEagerly(fn, inputs);
      const key = inputs.map((input) => `${input.dtype}[${input.shape}]`).join();
      let recording = recordings.get(key);
      if (recording) recordings.delete(key);
      else {
        try {
          recording = recorder.record(fn, inputs);
        } catch (error) {
          if (!(error instanceof NotRecordable)) throw error;
          mode = 'eager';
          log(error.message);
          return runEagerly(fn, inputs);
        }
        ops = recorder.opsOf(recording);
      }
      recordings.set(key, recording);
      for (const [oldest, old] of recordings) {
        if (recordings.size <= recordingsPerStep) break;
        recordings.delete(oldest);
        recorder.free(old);
      }
      return recorder.replay(recording, inputs);
    },
    dispose() {
      for (const recording of recordings.values()) recorder.free(recording);
      recordings.clear();
    },
  };
}
