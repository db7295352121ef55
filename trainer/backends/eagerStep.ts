import { type Tensor, tidy } from '@tensorflow/tfjs-core';
import type { CompiledStep } from '~/trainer/nn/compileStep';

/** The step as written, op by op: all that backends without graphs can do, and the fallback of those with. */
export function eagerStep(fn: (inputs: Tensor[]) => Tensor[]): CompiledStep {
  return { mode: 'eager', ops: null, run: (inputs) => runEagerly(fn, inputs), dispose() {} };
}

/** Runs `fn` in a tidy of its own. Outputs are new tensors even where `fn` hands an input through. */
export function runEagerly(fn: (inputs: Tensor[]) => Tensor[], inputs: Tensor[]): Tensor[] {
  return tidy(() => fn(inputs).map((out) => (inputs.includes(out) ? out.clone() : out)));
}
