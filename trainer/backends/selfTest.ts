import { createLearner } from '~/trainer/nn/learner';
import { paramCount, paramSpecs } from '~/trainer/nn/params';
import type { Hyper, ModelShape } from '~/trainer/types';
import { BackendUnavailable, type LoadedBackend } from './types';

const shape: ModelShape = {
  ...{ input: 'onehot', inputDim: 3, seqLen: 4, positional: true, output: 'position', outputDim: 3 },
  ...{ modelDim: 8, layers: 1, heads: 2 },
};
const batch = { size: 2, inputs: Int32Array.of(0, 1, 1, 0, 2, 1, 0, 2), labels: Int32Array.of(0, 1, 1, 0, 2, 0, 1, 2) };
const hyper: Hyper = {
  ...{ learningRate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, momentum: 0 },
  ...{ clip: { mode: 'norm', threshold: 0.5 }, dropout: 0, inputDropout: 0 },
};
// PyTorch 2.13 in float64: the model of test/fixtures/reference.py with its i-th parameter sin(1 + i) / 2, three steps of Adam, the first one clipped.
const expectedSteps = [
  { loss: 1.226091951660435, gradNorm: 0.5577794756612703 },
  { loss: 1.1260960025581515, gradNorm: 0.30876678442322103 },
  { loss: 1.0843919633762038, gradNorm: 0.05513772673826069 },
];
const tolerance = 1e-4;

/**
 * Trains a tiny model for three steps on the current backend and compares losses and gradient norms with PyTorch's.
 *
 * @throws BackendUnavailable with the largest deviation when a number is off by more than 1e-4 or is not finite
 */
export async function selfTest({ compileStep }: LoadedBackend): Promise<void> {
  const learner = createLearner({ shape, seed: 0, optimizer: 'adam', backend: { compileStep } });
  try {
    const params = Float32Array.from({ length: paramCount(paramSpecs(shape)) }, (_, at) => Math.sin(1 + at) / 2);
    learner.load({ params, m: null, v: null, updates: 0 });
    let deviation = 0;
    for (const [step, expected] of expectedSteps.entries()) {
      const { loss, gradNorm } = await learner.step(batch, hyper, step);
      deviation = Math.max(deviation, Math.abs(loss - expected.loss), Math.abs(gradNorm - expected.gradNorm));
    }
    if (!(deviation <= tolerance)) {
      throw new BackendUnavailable(`the self-test failed: its numbers are off by ${deviation}, more than ${tolerance}`);
    }
  } finally {
    learner.dispose();
  }
}
