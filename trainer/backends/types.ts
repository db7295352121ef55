/** The interface of every backend; the code that runs on it (model, optimizer) is written with tfjs ops and does not depend on a backend. */
import type { BackendName } from '~/shared/backends';
import type { CompileStep } from '~/trainer/nn/compileStep';

export interface BackendOptions {
  /** Threads for one op, >= 1. Left out: the backend's own measured default. `cpu` and `webgpu` have no such setting. */
  threads?: number;
  /** Called with one line per backend that was passed over and one for the choice; default: no log. */
  log?: (line: string) => void;
}

/** A backend that was tried and not chosen, with a reason that a person can act on. */
export interface PassedOver {
  backend: BackendName;
  reason: string;
}

/** What a backend module returns once its library is loaded and is the current tfjs backend. */
export interface LoadedBackend {
  /** For people: "CPU, libtensorflow 2.21.0, 2 threads" or the GPU's name. */
  device: string;
  version: string;
  /** Threads for one op; null where this does not apply. */
  threads: number | null;
  /** A GPU interface emulated by the CPU: correct, but slower than wasm. `auto` skips it; it is used when chosen by name. */
  software?: boolean;
  compileStep: CompileStep;
}

export interface OpenedBackend extends LoadedBackend {
  name: BackendName;
  /** Backends tried before this one and why they were passed over; empty when the backend was chosen by name. */
  tried: PassedOver[];
}

/** A backend cannot be used here; the message says why and what to do about it. */
export class BackendUnavailable extends Error {
  override name = 'BackendUnavailable';
}
