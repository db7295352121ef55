import { availableParallelism } from 'node:os';
import type { BackendOptions, LoadedBackend } from '~/trainer/backends/types';
import { graphStep } from './graph';
import { registerNoise, registerSquaredNorms } from './kernels';
import { registerTensorflow } from './load';

/** libtensorflow: CUDA where the library and the machine have it, else its CPU kernels. */
export async function loadTensorflow(options: BackendOptions): Promise<LoadedBackend> {
  const threads = options.threads ?? availableParallelism();
  // Read by libtensorflow when its first session or context starts; setting them later has no effect.
  process.env.TF_NUM_INTRAOP_THREADS ??= String(threads);
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  const { backend } = await registerTensorflow();
  registerNoise(backend);
  registerSquaredNorms(backend);
  const version = backend.binding.TF_Version;
  const device = backend.isUsingGpuDevice
    ? `GPU (CUDA), libtensorflow ${version}`
    : `CPU, libtensorflow ${version}, ${threads} threads`;
  return { device, version, threads, compileStep: (fn) => graphStep(backend, fn, options.log ?? (() => {})) };
}
