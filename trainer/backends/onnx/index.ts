import { availableParallelism } from 'node:os';
import { copyRegisteredKernels, registerBackend, registerKernel, setBackend, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { recordedStep } from '~/trainer/backends/recordedStep';
import type { BackendOptions, LoadedBackend } from '~/trainer/backends/types';
import { noiseKernel } from '~/trainer/nn/noise';
import { NoiseSource } from './noise';
import { OnnxBackend } from './onnxBackend';
import { onnxRecorder } from './recorder';
import { loadRuntime } from './runtime';

let opened: { backend: OnnxBackend; noise: NoiseSource } | null = null;

/**
 * ONNX Runtime: native kernels that come inside an npm package, for the widest vectors of the processor; no compiler, no download.
 *
 * What is not part of a recorded step runs in plain JavaScript.
 */
export async function loadOnnx(options: BackendOptions): Promise<LoadedBackend> {
  const threads = options.threads ?? availableParallelism();
  const runtime = loadRuntime(threads);
  opened ??= register();
  const { backend, noise } = opened;
  await setBackend('onnx');
  const log = (why: string) => options.log?.(`onnx runs a step op by op, which is slow, because it does not record: ${why}`);
  return {
    device: `CPU, ONNX Runtime ${runtime.version}, ${threads === 1 ? '1 thread' : `up to ${threads} threads`}`,
    version: runtime.version,
    threads,
    compileStep: (fn) => recordedStep(onnxRecorder(backend, runtime, noise), fn, log),
  };
}

function register() {
  const backend = new OnnxBackend();
  const noise = new NoiseSource();
  registerBackend('onnx', () => backend);
  copyRegisteredKernels('cpu', 'onnx');
  registerKernel({
    kernelName: noiseKernel,
    backendName: 'onnx',
    kernelFunc: ({ inputs, attrs }) => {
      const { site, shape } = attrs as unknown as { site: number; shape: number[] };
      const seed = backend.valuesOf(inputs.seed as TensorInfo);
      return backend.makeTensorInfo(shape, 'float32', noise.fill(new Float32Array(util.sizeFromShape(shape)), seed, site));
    },
  });
  return { backend, noise };
}
