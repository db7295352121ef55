import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { backend as currentBackend, setBackend } from '@tensorflow/tfjs-core';
import { recordedStep } from '~/trainer/backends/recordedStep';
import { type BackendOptions, BackendUnavailable, type LoadedBackend } from '~/trainer/backends/types';
import { withSharedMemory } from './memory';
import { KernelPool } from './pool';
import { Recorder } from './recorder';
import { registerWasmKernels } from './register';
import type { WasmBackend } from './wasmBackend';

/** tfjs' module and ours divide work into four parts: more threads than parts would only wait. */
const maxThreads = 4;

let opened: LoadedBackend | null = null;

/**
 * WebAssembly with SIMD: the embedded default, no native code and no network (the .wasm files are in node_modules and in this folder).
 *
 * tfjs' module is single-threaded in Node.js and slow where training needs it; kernels.wasm replaces those kernels and adds threads. The first
 * call decides the number of threads, because a module is loaded once per process.
 */
export async function loadWasm(options: BackendOptions): Promise<LoadedBackend> {
  if (opened) {
    await setBackend('wasm');
    return opened;
  }
  const wasm = await import('@tensorflow/tfjs-backend-wasm');
  const folder = dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'));
  const simd = 'tfjs-backend-wasm-simd.wasm';
  wasm.setWasmPaths(
    {
      'tfjs-backend-wasm.wasm': join(folder, 'tfjs-backend-wasm.wasm'),
      [simd]: withSharedMemory(join(folder, simd)),
      'tfjs-backend-wasm-threaded-simd.wasm': join(folder, 'tfjs-backend-wasm-threaded-simd.wasm'),
    },
    true,
  );
  if (!(await setBackend('wasm')))
    throw new BackendUnavailable('the WebAssembly module did not start; it needs a processor with SIMD');
  const threads = Math.min(options.threads ?? availableParallelism(), maxThreads);
  const backend = currentBackend() as WasmBackend;
  refuseWithoutMemory(backend);
  const pool = new KernelPool(backend.wasm.asm.memory, threads);
  const recorder = new Recorder(backend, pool);
  registerWasmKernels(backend, pool, recorder);
  const device = `CPU, WebAssembly${pool.fma ? ' with FMA' : ''}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
  opened = { device, version: wasm.version_wasm, threads, compileStep: (fn) => recordedStep(recorder, fn, () => {}) };
  return opened;
}

/** Where memory ends, tfjs works on from address 0 until something is out of bounds. */
function refuseWithoutMemory({ wasm }: WasmBackend): void {
  wasm._malloc = (bytes) => {
    const address = bytes < 2 ** 32 ? wasm.asm.malloc(bytes) >>> 0 : 0;
    if (address === 0 && bytes > 0)
      throw new Error(
        `wasm: no memory for ${bytes} more bytes, WebAssembly has 4 GiB in all; a smaller batch or more accumulation takes less, and onnx has no such limit`,
      );
    return address;
  };
}
