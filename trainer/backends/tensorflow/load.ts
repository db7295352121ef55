/** Finds a build of libtensorflow's Node addon that loads, and registers it with tfjs. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import util from 'node:util';
import {
  findBackend,
  type KernelBackend,
  registerBackend,
  setBackend,
  type Tensor,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import { BackendUnavailable } from '~/trainer/backends/types';
import { type Setup, setupFolder } from './paths';
import type { OpAttr } from './protobuf';

const require = createRequire(import.meta.url);

/** tfjs-node's backend object, as far as we use it. */
export interface NodeBackend extends KernelBackend {
  binding: TensorflowBinding;
  isUsingGpuDevice: boolean;
  getInputTensorIds(tensors: TensorInfo[]): number[];
  createOutputTensor(metadata: OutputMetadata): Tensor;
  executeSingleOutput(op: string, attrs: OpAttr[], inputs: TensorInfo[]): Tensor;
  executeMultipleOutputs(op: string, attrs: OpAttr[], inputs: TensorInfo[], outputs: number): Tensor[];
}

/** A tensor that the addon made. */
export interface OutputMetadata {
  id: number;
  shape: number[];
  dtype: number;
}

/** The native addon. Tensors cross as ids; attribute and dtype numbers are TensorFlow's enums. */
export interface TensorflowBinding {
  TF_Version: string;
  TF_FLOAT: number;
  TF_INT32: number;
  TF_BOOL: number;
  isUsingGpuDevice(): boolean;
  loadSavedModel(folder: string, tags: string): number;
  deleteSavedModel(id: number): void;
  runSavedModel(
    id: number,
    inputIds: number[],
    inputNames: string,
    outputNames: string,
  ): { id: number; shape: number[]; dtype: number }[];
}

/**
 * Registers the `tensorflow` backend and makes it current.
 *
 * In order: the installed @tensorflow/tfjs-node-gpu, the installed @tensorflow/tfjs-node, the build of `npm run setup:tensorflow`.
 *
 * @throws BackendUnavailable with the error of each of the three
 */
export async function registerTensorflow(): Promise<{ backend: NodeBackend; source: string }> {
  restoreIsNullOrUndefined();
  const reasons: string[] = [];
  const sources: [name: string, load: () => void][] = [
    ['@tensorflow/tfjs-node-gpu', () => require('@tensorflow/tfjs-node-gpu')],
    ['@tensorflow/tfjs-node', () => require('@tensorflow/tfjs-node')],
    ['npm run setup:tensorflow', loadSetup],
  ];
  for (const [source, load] of sources) {
    try {
      load();
      const backend = findBackend('tensorflow') as NodeBackend | null;
      if (!backend) throw new Error('it registered with another copy of @tensorflow/tfjs-core; run npm dedupe');
      await setBackend('tensorflow');
      return { backend, source };
    } catch (error) {
      reasons.push(`${source}: ${shortReason(error as NodeJS.ErrnoException, source)}`);
    }
  }
  throw new BackendUnavailable(
    `no TensorFlow library loads (${reasons.join('; ')}). In a clone, npm run setup:tensorflow builds one`,
  );
}

/** Loads tfjs-node's kernels from the set-up folder without the tfjs union package: they need tfjs-core only. */
function loadSetup(): void {
  const root = join(setupFolder, 'package');
  const addon = join(root, 'tfjs_binding.node');
  if (!existsSync(join(setupFolder, 'setup.json'))) throw new Error('not set up');
  const { gpu } = JSON.parse(readFileSync(join(setupFolder, 'setup.json'), 'utf8')) as Setup;
  const { NodeJSKernelBackend } = require(join(root, 'dist/nodejs_kernel_backend.js')) as {
    NodeJSKernelBackend: new (binding: TensorflowBinding, packageName: string) => NodeBackend;
  };
  const binding = require(addon) as TensorflowBinding;
  require(join(root, 'dist/register_all_kernels.js'));
  registerBackend(
    'tensorflow',
    () => new NodeJSKernelBackend(binding, gpu ? '@tensorflow/tfjs-node-gpu' : '@tensorflow/tfjs-node'),
    3,
  );
}

/** tfjs-node calls `util.isNullOrUndefined`, which Node 23 removed. */
function restoreIsNullOrUndefined(): void {
  const legacy = util as unknown as { isNullOrUndefined?: (value: unknown) => boolean };
  legacy.isNullOrUndefined ??= (value) => value === null || value === undefined;
}

function shortReason(error: NodeJS.ErrnoException, source: string): string {
  if (error.code === 'MODULE_NOT_FOUND' && error.message.includes(source)) return 'not installed';
  return error.message.split('\n')[0] ?? '';
}
