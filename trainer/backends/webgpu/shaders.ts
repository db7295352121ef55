/** Runs our own compute shaders on tfjs' device and in tfjs' command queue. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { WebgpuBackend } from './device';

export interface Shader {
  /** For profilers and error messages. */
  name: string;
  /** Numbers (u32) are passed to the shader when it runs, so that one shader works for all sizes; text is WGSL of a constant, compiled in. */
  constants: Record<string, number | string>;
  outputs: Record<string, TensorInfo>;
  inputs: Record<string, TensorInfo>;
  /** Declarations outside of `main`. */
  globals?: string;
  /** Body of `main`: `group` is the workgroup's number, `lane` the thread's in it. */
  body: string;
  /** Threads of a workgroup. */
  threads: number;
  /** How many workgroups, along up to three dimensions; one number alone may exceed the device's limit. */
  groups: number | [number, number, number];
}

/** tfjs submits after this many dispatches, so that the GPU starts early. */
const dispatchesPerSubmit = 15;

export class Shaders {
  readonly #pipelines = new Map<string, { pipeline: GPUComputePipeline; layout: GPUBindGroupLayout }>();

  constructor(readonly backend: WebgpuBackend) {}

  run(shader: Shader): void {
    const { backend } = this;
    const outputs = Object.values(shader.outputs);
    const tensors = [...outputs, ...Object.values(shader.inputs)];
    for (const { dataId } of tensors) {
      backend.uploadToGPU(dataId);
      backend.commandQueueOwnedIds.add(dataId);
    }
    const { pipeline, layout } = this.#pipeline(shader, outputs.length, tensors.length);
    const buffers = [...tensors.map(({ dataId }) => backend.tensorMap.get(dataId).resource!), this.#sizes(shader)];
    const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
    const bindGroup = backend.device.createBindGroup({ layout, entries });
    backend.ensureCommandEncoderReady();
    backend.computePassEncoder ??= backend.commandEncoder!.beginComputePass();
    backend.computePassEncoder.setPipeline(pipeline);
    backend.computePassEncoder.setBindGroup(0, bindGroup);
    backend.computePassEncoder.dispatchWorkgroups(...this.#groups(shader.groups));
    if (++backend.dispatchCountInPass < dispatchesPerSubmit) return;
    backend.endComputePassEncoder();
    backend.submitQueue();
  }

  #sizes({ constants }: Shader): GPUBuffer {
    const { backend } = this;
    const sizes = sizesOf(constants).map(([, size]) => size);
    const values = new Uint32Array(4 * Math.max(1, Math.ceil(sizes.length / 4)));
    values.set(sizes);
    const buffer = backend.bufferManager.acquireBuffer(values.byteLength, GPUBufferUsage.COPY_DST | GPUBufferUsage.UNIFORM);
    backend.queue.writeBuffer(buffer, 0, values);
    backend.uniformPendingDisposal.push(buffer);
    return buffer;
  }

  #groups(groups: Shader['groups']): [number, number, number] {
    if (typeof groups !== 'number') return groups;
    const most = this.backend.device.limits.maxComputeWorkgroupsPerDimension;
    const y = Math.ceil(groups / most);
    return [Math.ceil(groups / y), y, 1];
  }

  #pipeline(shader: Shader, outputs: number, bindings: number) {
    const code = source(shader);
    let made = this.#pipelines.get(code);
    if (!made) {
      const { device } = this.backend;
      const layout = device.createBindGroupLayout({
        entries: Array.from({ length: bindings + 1 }, (_, binding) => ({
          binding,
          visibility: GPUShaderStage.COMPUTE,
          buffer: { type: binding < outputs ? 'storage' : binding < bindings ? 'read-only-storage' : 'uniform' },
        })),
      });
      const pipeline = device.createComputePipeline({
        label: shader.name,
        layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
        compute: { module: device.createShaderModule({ code, label: shader.name }), entryPoint: 'main' },
      });
      made = { pipeline, layout };
      this.#pipelines.set(code, made);
    }
    return made;
  }
}

const sizesOf = (constants: Shader['constants']) =>
  Object.entries(constants).filter((entry): entry is [string, number] => typeof entry[1] === 'number');

function source({ constants, outputs, inputs, globals = '', body, threads, groups }: Shader): string {
  const constant = ([name, value]: [string, number | string]) => (typeof value === 'number' ? '' : `const ${name} = ${value};`);
  const sizes = sizesOf(constants);
  const size = ([name]: [string, number], at: number) => `let ${name} = sizes[${at >> 2}][${at % 4}];`;
  const bindings = [...Object.entries(outputs), ...Object.entries(inputs)];
  const binding = ([name, { dtype }]: [string, TensorInfo], at: number) =>
    `@group(0) @binding(${at}) var<storage, ${name in outputs ? 'read_write' : 'read'}> ${name}: array<${dtype === 'float32' ? 'f32' : 'i32'}>;`;
  const group = typeof groups === 'number' ? 'let group = groupAt.y * groupCount.x + groupAt.x;' : 'let group = groupAt;';
  return `${Object.entries(constants).map(constant).join('\n')}
${bindings.map(binding).join('\n')}
@group(0) @binding(${bindings.length}) var<uniform> sizes: array<vec4u, ${Math.max(1, Math.ceil(sizes.length / 4))}>;
${globals}
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) groupAt: vec3u, @builtin(num_workgroups) groupCount: vec3u, @builtin(local_invocation_index) lane: u32) {
${group}
${sizes.map(size).join(' ')}
${body}
}`;
}

export const rowThreads = 64;

/** For kernels of one workgroup per row: \`total(x, lane)\`, the sum over the workgroup's threads in a fixed order, and \`most(x, lane)\`. */
export const acrossThreads = `
var<workgroup> across: array<f32, ${rowThreads}>;
fn total(x: f32, lane: u32) -> f32 {
  across[lane] = x;
  workgroupBarrier();
  for (var half = ${rowThreads / 2}u; half > 0u; half /= 2u) {
    if (lane < half) { across[lane] += across[lane + half]; }
    workgroupBarrier();
  }
  let sum = across[0];
  workgroupBarrier();
  return sum;
}
fn most(x: f32, lane: u32) -> f32 {
  across[lane] = x;
  workgroupBarrier();
  for (var half = ${rowThreads / 2}u; half > 0u; half /= 2u) {
    if (lane < half && !(across[lane] >= across[lane + half])) { across[lane] = across[lane + half]; }
    workgroupBarrier();
  }
  let largest = across[0];
  workgroupBarrier();
  return largest;
}`;
