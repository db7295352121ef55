import type { Tensor } from '@tensorflow/tfjs-core';

/** A function of tensors made fast by the backend. Outputs belong to the caller; inputs stay the caller's. */
export interface CompiledStep {
  /** `graph`: one session run per call; `eager`: op by op. Before the first call of a graph backend: `graph`. */
  readonly mode: 'graph' | 'eager';
  /** Ops in the last recorded graph; null where nothing is recorded. */
  readonly ops: number | null;
  run(inputs: Tensor[]): Tensor[];
  dispose(): void;
}

/**
 * Makes a step out of `fn`, a pure function from tensors to tensors.
 *
 * On `tensorflow` the ops of the first call (and of each new combination of input shapes) are recorded and replayed as one graph,
 * so `fn` must depend on nothing that changes but its inputs: a learning rate or a seed is a scalar tensor among them, not a number
 * in a closure. It may not read a tensor back. Elsewhere it runs as written, inside a tidy.
 */
export type CompileStep = (fn: (inputs: Tensor[]) => Tensor[]) => CompiledStep;
