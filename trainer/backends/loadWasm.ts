import { createRequire } from 'node:module';
import { dirname, sep } from 'node:path';
import { setBackend } from '@tensorflow/tfjs-core';
import { eagerStep } from './eagerStep';
import { type BackendOptions, BackendUnavailable, type LoadedBackend } from './types';

/** WebAssembly with SIMD: the embedded default, no native code and no network (the .wasm files lie in node_modules). */
export async function loadWasm(options: BackendOptions): Promise<LoadedBackend> {
  const wasm = await import('@tensorflow/tfjs-backend-wasm');
  wasm.setWasmPaths(dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm')) + sep);
  if (options.threads !== undefined) wasm.setThreadsCount(options.threads);
  if (!(await setBackend('wasm'))) throw new BackendUnavailable('the WebAssembly module did not start');
  const threads = wasm.getThreadsCount();
  return { device: `CPU, WebAssembly, ${threads} threads`, version: wasm.version_wasm, threads, compileStep: eagerStep };
}
