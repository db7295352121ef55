import { setBackend } from '@tensorflow/tfjs-core';
import { eagerStep } from './eagerStep';
import type { LoadedBackend } from './types';

/** tfjs in plain JavaScript: no native code, always loads, about twenty times slower than wasm. */
export async function loadCpu(): Promise<LoadedBackend> {
  const { version_cpu } = await import('@tensorflow/tfjs-backend-cpu');
  await setBackend('cpu');
  return { device: 'CPU, plain JavaScript', version: version_cpu, threads: null, compileStep: eagerStep };
}
