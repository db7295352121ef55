import { availableParallelism } from 'node:os';
import { recordedStep } from '~/trainer/backends/recordedStep';
import type { BackendOptions, LoadedBackend } from '~/trainer/backends/types';
import { graphRecorder } from './graph';
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
  const log = (why: string) => options.log?.(`tensorflow runs a step op by op, it does not fit in a graph: ${why}`);
  return { device, version, threads, compileStep: (fn) => recordedStep(graphRecorder(backend), fn, log) };
}
