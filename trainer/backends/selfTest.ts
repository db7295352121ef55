import {
  log,
  matMul,
  mul,
  oneHot,
  scalar,
  softmax,
  sub,
  sum,
  type Tensor2D,
  tensor1d,
  tensor2d,
  tidy,
  transpose,
} from '@tensorflow/tfjs-core';
import { BackendUnavailable } from './types';

// Expected numbers: PyTorch 2.13 in float64, cross_entropy(x @ w, [0, 2, 1, 2]) with x[i][j] = sin(1 + 5i + j) and w[i][j] = cos(2 + 3i + j).
const labels = [0, 2, 1, 2];
const expectedLoss = 1.1767443878969395;
const expectedGradient = [
  -0.288907934, 0.176550378, 0.112357556, -0.298500806, 0.159034771, 0.139466035, -0.033653414, -0.004696671, 0.038350085,
  0.262134772, -0.164110016, -0.098024756, 0.316917457, -0.172641368, -0.144276089,
];
const tolerance = 1e-5;

/**
 * Computes a small classification loss and its gradient on the current backend and compares them with PyTorch's.
 *
 * @throws BackendUnavailable with the largest deviation when a number is off by more than 1e-5 or is not finite
 */
export async function selfTest(): Promise<void> {
  const result = tidy(() => {
    const x = tensor2d(
      Float32Array.from({ length: 20 }, (_, at) => Math.sin(1 + at)),
      [4, 5],
    );
    const w = tensor2d(
      Float32Array.from({ length: 15 }, (_, at) => Math.cos(2 + at)),
      [5, 3],
    );
    const target = oneHot(tensor1d(labels, 'int32'), 3) as Tensor2D;
    const p = softmax(matMul(x, w));
    const loss = mul(sum(mul(target, log(p))), scalar(-1 / labels.length));
    const gradient = mul(matMul(transpose(x), sub(p, target)), scalar(1 / labels.length));
    return [loss, gradient];
  });
  const actual = [...(await result[0]!.data()), ...(await result[1]!.data())];
  for (const tensor of result) tensor.dispose();
  const deviation = Math.max(...[expectedLoss, ...expectedGradient].map((e, i) => Math.abs(e - actual[i]!)));
  if (!(deviation <= tolerance)) {
    throw new BackendUnavailable(`the self-test failed: its numbers are off by ${deviation}, more than ${tolerance}`);
  }
}
