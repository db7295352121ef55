import { type NamedAttrMap, registerKernel, type TensorInfo } from '@tensorflow/tfjs-core';
import type { WebgpuBackend } from './device';
import { acrossThreads, rowThreads, Shaders } from './shaders';

type Inputs = Record<string, TensorInfo | undefined>;

/** Threads of an elementwise workgroup. */
const flat = 256;

/** What kernels are made with. */
export function kernelTools(backend: WebgpuBackend) {
  const shaders = new Shaders(backend);
  const out = (shape: number[]) => backend.makeTensorInfo(shape, 'float32');
  const define = (kernelName: string, kernelFunc: (inputs: Inputs, attrs: NamedAttrMap) => TensorInfo | TensorInfo[]) =>
    registerKernel({
      kernelName,
      backendName: 'webgpu',
      kernelFunc: ({ inputs, attrs }) => kernelFunc(inputs as Inputs, attrs ?? {}),
    });
  /** One thread per element i of `count`. */
  const elementwise = (
    name: string,
    count: number,
    outputs: Record<string, TensorInfo>,
    inputs: Inputs,
    body: string,
    more: { constants?: Record<string, number | string>; globals?: string } = {},
  ) =>
    shaders.run({
      name,
      constants: { COUNT: count, ...more.constants },
      globals: more.globals ?? '',
      outputs,
      inputs: present(inputs),
      body: `let i = group * ${flat}u + lane; if (i >= COUNT) { return; } ${body}`,
      threads: flat,
      groups: Math.ceil(count / flat),
    });
  /** One workgroup per row of `width` numbers; `start` is the index of the row's first number. */
  const perRow = (
    name: string,
    [rows, width]: [number, number],
    outputs: Record<string, TensorInfo>,
    inputs: Inputs,
    body: string,
    constants: Record<string, number | string> = {},
  ) =>
    shaders.run({
      name,
      constants: { ROWS: rows, WIDTH: width, ...constants },
      globals: acrossThreads,
      outputs,
      inputs: present(inputs),
      body: `if (group >= ROWS) { return; } let start = group * WIDTH; ${body}`,
      threads: rowThreads,
      groups: rows,
    });
  return { backend, shaders, out, define, elementwise, perRow };
}

export type KernelTools = ReturnType<typeof kernelTools>;

/** WGSL that does `body` for each number j of a row, at index i; a workgroup's threads share them. */
export const each = (body: string) => `for (var j = lane; j < WIDTH; j += ${rowThreads}u) { let i = start + j; ${body} }`;

const present = (inputs: Inputs) =>
  Object.fromEntries(Object.entries(inputs).filter(([, tensor]) => tensor)) as Record<string, TensorInfo>;
