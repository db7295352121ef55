/** ONNX Runtime. Its public call is asynchronous and a step is not, so this uses the addon inside its package; the version is fixed for that. */
import { createRequire } from 'node:module';
import type { DataType } from '@tensorflow/tfjs-core';
import { backends } from '~/shared/backends';
import { BackendUnavailable } from '~/trainer/backends/types';

type OrtTensor = object;

/** A loaded graph, as the addon gives it. */
export interface Session {
  loadModel(buffer: ArrayBufferLike, offset: number, length: number, options: object): void;
  /** Writes the outputs into the arrays of `fetches`. */
  run(feeds: Record<string, OrtTensor>, fetches: Record<string, OrtTensor>, options: object): unknown;
  dispose(): void;
}

interface Package {
  Tensor: new (dtype: DataType, values: ArrayLike<number>, shape: readonly number[]) => OrtTensor;
}

export interface Runtime {
  version: string;
  /** @param small its work is too little for more than one thread */
  session(model: Uint8Array, small: boolean): Session;
  /** A view of the values, not a copy. */
  tensor(values: ArrayLike<number>, shape: readonly number[], dtype: DataType): OrtTensor;
}

/** @throws BackendUnavailable where the package is not installed or does not load */
export function loadRuntime(threads: number): Runtime {
  const load = createRequire(import.meta.url);
  let parts: [Package, { binding: { InferenceSession: new () => Session } }, { version: string }];
  try {
    parts = [load('onnxruntime-node'), load('onnxruntime-node/dist/binding.js'), load('onnxruntime-node/package.json')];
  } catch (error) {
    const [line] = (error as Error).message.split('\n');
    throw new BackendUnavailable(`onnxruntime-node does not load (${line}); ${backends.onnx.help}`, { cause: error });
  }
  const [{ Tensor }, { binding }, { version }] = parts;
  return {
    version,
    session(model, small) {
      const session = new binding.InferenceSession();
      session.loadModel(model.buffer, model.byteOffset, model.byteLength, {
        ...{
          intraOpNumThreads: small ? 1 : threads,
          interOpNumThreads: 1,
          executionMode: 'sequential',
          graphOptimizationLevel: 'all',
        },
        ...{ enableCpuMemArena: true, enableMemPattern: false, logSeverityLevel: 3 },
      });
      return session;
    },
    tensor: (values, shape, dtype) => new Tensor(dtype, values, shape),
  };
}
