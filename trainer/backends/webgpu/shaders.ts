/** Runs compute shaders of ours on tfjs' device and in tfjs' command queue. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { WebgpuBackend } from './device';

export interface Shader {
  /** For profilers and error messages. */
  name: string;
  /** Sizes, as WGSL constants: u32 where whole, f32 where given as text. */
  constants: Record<string, number | string | boolean>;
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

/** tfjs submits after so many dispatches, so that the GPU starts early. */
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
    const bindGroup = backend.device.createBindGroup({
      layout,
      entries: tensors.map(({ dataId }, binding) => ({
        binding,
        resource: { buffer: backend.tensorMap.get(dataId).resource! },
      })),
    });
    backend.ensureCommandEncoderReady();
    backend.computePassEncoder ??= backend.commandEncoder!.beginComputePass();
    backend.computePassEncoder.setPipeline(pipeline);
    backend.computePassEncoder.setBindGroup(0, bindGroup);
    backend.computePassEncoder.dispatchWorkgroups(...this.#groups(shader.groups));
    if (++backend.dispatchCountInPass < dispatchesPerSubmit) return;
    backend.endComputePassEncoder();
    backend.submitQueue();
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
        entries: Array.from({ length: bindings }, (_, binding) => ({
          binding,
          visibility: GPUShaderStage.COMPUTE,
          buffer: { type: binding < outputs ? 'storage' : 'read-only-storage' },
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

function source({ constants, outputs, inputs, globals = '', body, threads, groups }: Shader): string {
  const constant = ([name, value]: [string, number | string | boolean]) =>
    `const ${name}${typeof value === 'number' ? ': u32' : ''} = ${value}${typeof value === 'number' ? 'u' : ''};`;
  const binding = ([name, { dtype }]: [string, TensorInfo], at: number) =>
    `@group(0) @binding(${at}) var<storage, ${name in outputs ? 'read_write' : 'read'}> ${name}: array<${dtype === 'float32' ? 'f32' : 'i32'}>;`;
  const group = typeof groups === 'number' ? 'let group = groupAt.y * groupCount.x + groupAt.x;' : 'let group = groupAt;';
  return `${Object.entries(constants).map(constant).join('\n')}
${[...Object.entries(outputs), ...Object.entries(inputs)].map(binding).join('\n')}
${globals}
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) groupAt: vec3u, @builtin(num_workgroups) groupCount: vec3u, @builtin(local_invocation_index) lane: u32) {
${group}
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
