import type { Tensor } from '@tensorflow/tfjs-core';

/** A function of tensors, made fast by the backend. The caller owns inputs and outputs. */
export interface CompiledStep {
  /** `graph`: recorded once and replayed; `eager`: op by op. On a backend that records, `graph` also before the first call. */
  readonly mode: 'graph' | 'eager';
  /** Ops (`tensorflow`, `onnx`), GPU commands (`webgpu`) or jobs (`wasm`) in the last recording; null where nothing is recorded. */
  readonly ops: number | null;
  run(inputs: Tensor[]): Tensor[];
  dispose(): void;
}

/**
 * Makes a step from `fn`, a pure function from tensors to tensors.
 *
 * `tensorflow`, `webgpu`, `onnx` and `wasm` record the ops of the first call (and of each new combination of input shapes) and replay them, so `fn`
 * must depend on nothing that changes except its inputs: a learning rate or a seed is a scalar tensor among them, not a number in a closure. It
 * may not read a tensor back. `cpu` runs it as written, inside a tidy.
 */
export type CompileStep = (fn: (inputs: Tensor[]) => Tensor[]) => CompiledStep;
