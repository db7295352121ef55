/** Opens one of the tfjs backends, by name, or the best one that loads and computes correctly. */

import { type BackendName, backendName, backendNames } from '~/shared/backends';
import { selfTest } from './selfTest';
import { type BackendOptions, BackendUnavailable, type LoadedBackend, type OpenedBackend, type PassedOver } from './types';

export type { BackendName } from '~/shared/backends';
export * from './types';

/** Each backend's library is imported only when it is tried. */
const loaders: Record<BackendName, (options: BackendOptions) => Promise<LoadedBackend>> = {
  tensorflow: async (options) => (await import('./tensorflow/index')).loadTensorflow(options),
  webgpu: async (options) => (await import('./webgpu/index')).loadWebgpu(options),
  onnx: async (options) => (await import('./onnx/index')).loadOnnx(options),
  wasm: async (options) => (await import('./wasm/index')).loadWasm(options),
  cpu: async () => (await import('./cpu')).loadCpu(),
};

/**
 * Loads a backend, makes it tfjs' current one and checks it with a self-test.
 *
 * @param choice with a name, that backend is used or the call fails; `auto` takes the first of `backendNames` that loads and passes, and reports the
 *   others in `tried`. The caller reads the environment (`HEADROOM_BACKEND`).
 * @throws BackendUnavailable naming the fix, when the named backend (or, with `auto`, every one) cannot be used here;
 *   RangeError for a `threads` that is no positive integer
 */
export async function openBackend(choice: 'auto' | BackendName = 'auto', options: BackendOptions = {}): Promise<OpenedBackend> {
  const { threads, log = () => {} } = options;
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1)) {
    throw new RangeError(`threads: ${threads} is not a whole number of at least 1; leave it out for the default`);
  }
  const candidates = choice === 'auto' ? backendNames : [parseBackendName(choice)];
  const tried: PassedOver[] = [];
  for (const name of candidates) {
    try {
      const backend = await loaders[name](options);
      if (backend.software && choice === 'auto') throw new BackendUnavailable(`${backend.device}: no real GPU, slower than wasm`);
      await selfTest(backend);
      log(`backend ${name}: ${backend.device}`);
      return { name, tried, ...backend };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (choice !== 'auto') throw new BackendUnavailable(`backend ${name} cannot be used here: ${reason}`, { cause: error });
      log(`backend ${name} passed over: ${reason}`);
      tried.push({ backend: name, reason });
    }
  }
  throw new BackendUnavailable(`no backend works here: ${tried.map((t) => `${t.backend}: ${t.reason}`).join('; ')}`);
}

/** Parses a backend name from a flag, an environment variable or a config. */
export function parseBackendName(name: string): BackendName {
  const found = backendName.safeParse(name);
  if (!found.success) throw new RangeError(`backend: "${name}" is none of auto, ${backendNames.join(', ')}`);
  return found.data;
}
