import { type Tensor, tidy } from '@tensorflow/tfjs-core';
import type { CompiledStep } from '~/trainer/nn/compileStep';

/** The step as written, op by op: the only way on backends without graphs, and the fallback on the others. */
export function eagerStep(fn: (inputs: Tensor[]) => Tensor[]): CompiledStep {
  return { mode: 'eager', ops: null, run: (inputs) => runEagerly(fn, inputs), dispose() {} };
}

/** Runs `fn` in its own tidy. Outputs are new tensors even where `fn` returns an input. */
export function runEagerly(fn: (inputs: Tensor[]) => Tensor[], inputs: Tensor[]): Tensor[] {
  return tidy(() => fn(inputs).map((out) => (inputs.includes(out) ? out.clone() : out)));
}
