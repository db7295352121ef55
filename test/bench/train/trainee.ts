/** A learner that trains on random batches, bare or watched. */
import { Worker } from 'node:worker_threads';
import { randomBatch } from '~/test/support/examples';
import type { OpenedBackend } from '~/trainer/backends';
import { gzipPiece } from '~/trainer/base/gzip';
import { createLearner } from '~/trainer/nn/learner';
import { patternSignal } from '~/trainer/nn/signals';
import { encodeSnapshot } from '~/trainer/nn/snapshot';
import { Output } from '~/trainer/run/output';
import { type BenchTask, setupOf } from './setups';

export interface Trainee {
  /** Runs one update and reads back loss, accuracy and gradient norm. @returns its time, ms */
  step(): Promise<number>;
  /** Encodes attention maps and signals of a probe batch and sends them to the link. @returns its time, ms; null when bare */
  snapshot(): Promise<number | null>;
}

const probeSize = 8;

/** @param watched whether every step also measures every parameter's gradient norm, and sends its row to the link's thread as a run does */
export function trainee(task: BenchTask, backend: Pick<OpenedBackend, 'compileStep'>, watched: boolean): Trainee {
  const { shape, batchSize, hyper } = setupOf(task);
  const learner = createLearner({ shape, seed: 1, optimizer: 'adam', backend, paramGradNorms: watched });
  const batches = Array.from({ length: 16 }, (_, at) => randomBatch(shape, batchSize, at));
  const labels = { kind: 'numbers' as const, items: new Array<number>(shape.seqLen).fill(0) };
  const describe = { examples: Array.from({ length: probeSize }, () => ({ labels })), signals: [patternSignal('antiDiagonal')] };
  const probe = { batch: randomBatch(shape, probeSize, 99), describe };
  const link = watched ? linkThread() : null;
  const output = new Output(learner.params, {}, () => performance.now());
  let step = 0;
  let previous: Float32Array | null = null;
  return {
    async step() {
      const start = performance.now();
      const metrics = await learner.step(batches[step % batches.length]!, hyper, step);
      if (link) {
        const stepMs = performance.now() - start;
        const rest = { baseLearningRate: hyper.learningRate, epoch: 0, stepsPerSecond: 1000 / stepMs };
        output.row(step, { metrics, hyper, batchSize, stepMs, ...rest });
        for (const { event } of output.drain(false)) link.postMessage(event);
      }
      step++;
      return performance.now() - start;
    },
    async snapshot() {
      if (!link) return null;
      const start = performance.now();
      const attended = await learner.attend(probe.batch);
      const { blob, signals } = await encodeSnapshot({
        step,
        shape,
        attended,
        previous,
        probe,
        gzip: gzipPiece,
      });
      previous = attended.maps;
      link.postMessage({ step, signals, blob }, [blob.buffer as ArrayBuffer]);
      return performance.now() - start;
    },
  };
}

/** Replaces the link: receives messages on a separate thread. */
function linkThread(): Worker {
  const link = new Worker("require('node:worker_threads').parentPort.on('message', () => {})", { eval: true });
  link.unref();
  return link;
}
