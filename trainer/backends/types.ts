/** The one interface every backend has; what runs on it (model, optimiser) is written with tfjs ops and knows no backend. */
import type { Tensor } from '@tensorflow/tfjs-core';

/** Best first: the order in which `auto` tries them. */
export const backendNames = ['tensorflow', 'webgpu', 'wasm', 'cpu'] as const;
export type BackendName = (typeof backendNames)[number];

export interface BackendOptions {
  /** Threads for one op, >= 1. Left out: the backend's own measured default. `cpu` and `webgpu` have no such setting. */
  threads?: number;
  /** Told one line per backend that was passed over and one for the choice; silent when left out. */
  log?: (line: string) => void;
}

/** A backend that was tried and not taken, with the reason in words a person can act on. */
export interface PassedOver {
  backend: BackendName;
  reason: string;
}

/** A function of tensors made fast by the backend. Outputs belong to the caller; inputs stay the caller's. */
export interface CompiledStep {
  /** `graph`: recorded once and replayed; `eager`: op by op. Before the first call of a backend that records: `graph`. */
  readonly mode: 'graph' | 'eager';
  /** Ops (`tensorflow`) or GPU commands (`webgpu`) in the last recording; null where nothing is recorded. */
  readonly ops: number | null;
  run(inputs: Tensor[]): Tensor[];
  dispose(): void;
}

/**
 * Makes a step out of `fn`, a pure function from tensors to tensors.
 *
 * On `tensorflow` and `webgpu` the ops of the first call (and of each new combination of input shapes) are recorded and replayed as one,
 * so `fn` must depend on nothing that changes but its inputs: a learning rate or a seed is a scalar tensor among them, not a number
 * in a closure. It may not read a tensor back. Elsewhere it runs as written, inside a tidy.
 */
export type CompileStep = (fn: (inputs: Tensor[]) => Tensor[]) => CompiledStep;

/** What a backend module gives once its library is loaded and set as the current tfjs backend. */
export interface LoadedBackend {
  /** For people: "CPU, libtensorflow 2.21.0, 2 threads" or the GPU's name. */
  device: string;
  version: string;
  /** Threads for one op; null where the notion does not apply. */
  threads: number | null;
  /** A GPU interface served by the CPU: right, but slower than wasm. `auto` passes it over; asked for by name it is used. */
  software?: boolean;
  compileStep: CompileStep;
}

export interface OpenedBackend extends LoadedBackend {
  name: BackendName;
  /** Backends tried before this one and why they were passed over; empty when one was asked for by name. */
  tried: PassedOver[];
}

/** A backend cannot be used here; the message says why and what to do about it. */
export class BackendUnavailable extends Error {
  override name = 'BackendUnavailable';
}
