/**
 * Command lists: the first run of a step records every WebGPU call; from then on the recorded calls are sent again.
 *
 * tfjs spends 0.1 to 0.2 ms of JavaScript on each op (shader key, uniforms, bind group). This is the same in every step of one shape: only the
 * inputs differ, and they are written into buffers that the list owns.
 */
import { type DataType, engine, type Tensor, type TensorInfo } from '@tensorflow/tfjs-core';
import { runEagerly } from '~/trainer/backends/eagerStep';
import { NotRecordable, type StepRecorder } from '~/trainer/backends/recordedStep';
import { type Buffers, flush, type WebgpuBackend } from './device';

type Command =
  | { kind: 'dispatch'; pipeline: GPUComputePipeline; bindGroup: GPUBindGroup; groups: [number, number, number] }
  | { kind: 'copy'; from: GPUBuffer; fromOffset: number; to: GPUBuffer; toOffset: number; size: number };

interface Slot {
  buffer: GPUBuffer;
  shape: number[];
  dtype: DataType;
}

interface CommandList {
  commands: Command[];
  inputs: GPUBuffer[];
  outputs: Slot[];
  arena: Arena;
}

export const commandLists = (backend: WebgpuBackend): StepRecorder<CommandList> => ({
  record: (fn, inputs) => record(backend, fn, inputs),
  replay: (list, inputs) => replay(backend, list, inputs),
  opsOf: ({ commands }) => commands.length,
  free: ({ arena }) => arena.dispose(),
});

/** Runs `fn` on tensors without values; only constants are sent to the GPU. */
function record(backend: WebgpuBackend, fn: (inputs: Tensor[]) => Tensor[], inputs: Tensor[]): CommandList {
  flush(backend);
  const commands: Command[] = [];
  const arena = new Arena(backend.device);
  const encoder = noting(commands);
  const { queue, bufferManager } = backend;
  const refuse = () => {
    throw new NotRecordable('it reads a tensor back');
  };
  Object.assign(backend, {
    queue: { submit() {}, writeBuffer: queue.writeBuffer.bind(queue) },
    bufferManager: arena,
    ensureCommandEncoderReady: () => {
      backend.commandEncoder ??= encoder;
    },
    readSync: refuse,
    read: refuse,
  });
  try {
    const bufferOf = ({ dataId }: TensorInfo) => {
      backend.uploadToGPU(dataId);
      return backend.tensorMap.get(dataId).resource!;
    };
    const stand = inputs.map(({ shape, dtype }) =>
      engine().makeTensorFromTensorInfo(backend.makeTensorInfo(shape, dtype as 'float32')),
    );
    const inputBuffers = stand.map(bufferOf);
    try {
      const made = runEagerly(fn, stand);
      const outputs = made.map((output): Slot => ({ buffer: bufferOf(output), shape: output.shape, dtype: output.dtype }));
      for (const output of made) output.dispose();
      return { commands, inputs: inputBuffers, outputs, arena };
    } finally {
      for (const input of stand) input.dispose();
    }
  } catch (error) {
    arena.dispose();
    throw error;
  } finally {
    // Returns the tensors that the recording disposed to the arena, not to tfjs' own manager.
    flush(backend);
    Object.assign(backend, { queue, bufferManager });
    // Deleting the own properties uncovers the methods of the class.
    for (const method of ['ensureCommandEncoderReady', 'readSync', 'read'] as const)
      delete (backend as Partial<WebgpuBackend>)[method];
  }
}

/** A command encoder that records the calls of tfjs and our kernels to it and to its compute pass. */
function noting(commands: Command[]): GPUCommandEncoder {
  let pipeline: GPUComputePipeline;
  let bindGroup: GPUBindGroup;
  const pass = {
    setPipeline(next: GPUComputePipeline) {
      pipeline = next;
    },
    setBindGroup(_index: number, next: GPUBindGroup) {
      bindGroup = next;
    },
    dispatchWorkgroups(x: number, y = 1, z = 1) {
      commands.push({ kind: 'dispatch', pipeline, bindGroup, groups: [x, y, z] });
    },
    end() {},
  };
  return {
    beginComputePass: () => pass,
    copyBufferToBuffer(from: GPUBuffer, fromOffset: number, to: GPUBuffer, toOffset: number, size: number) {
      commands.push({ kind: 'copy', from, fromOffset, to, toOffset, size });
    },
    finish: () => null,
  } as unknown as GPUCommandEncoder;
}

function replay(backend: WebgpuBackend, list: CommandList, inputs: Tensor[]): Tensor[] {
  flush(backend);
  const encoder = backend.device.createCommandEncoder();
  for (const [at, buffer] of list.inputs.entries()) {
    const { values, resource } = backend.tensorMap.get(inputs[at]!.dataId);
    if (resource) encoder.copyBufferToBuffer(resource, 0, buffer, 0, buffer.size);
    else backend.queue.writeBuffer(buffer, 0, values! as Float32Array<ArrayBuffer>);
  }
  let pass: GPUComputePassEncoder | null = null;
  let last: GPUComputePipeline | null = null;
  for (const command of list.commands) {
    if (command.kind === 'copy') {
      pass?.end();
      pass = null;
      encoder.copyBufferToBuffer(command.from, command.fromOffset, command.to, command.toOffset, command.size);
      continue;
    }
    if (!pass) {
      pass = encoder.beginComputePass();
      last = null;
    }
    if (command.pipeline !== last) pass.setPipeline(command.pipeline);
    last = command.pipeline;
    pass.setBindGroup(0, command.bindGroup);
    pass.dispatchWorkgroups(...command.groups);
  }
  pass?.end();
  const outputs = list.outputs.map(({ buffer, shape, dtype }) => {
    const output = backend.makeTensorInfo(shape, dtype as 'float32');
    backend.uploadToGPU(output.dataId);
    encoder.copyBufferToBuffer(buffer, 0, backend.tensorMap.get(output.dataId).resource!, 0, buffer.size);
    return engine().makeTensorFromTensorInfo(output);
  });
  backend.queue.submit([encoder.finish()]);
  return outputs;
}

/** The buffers of one command list. Inside the list a buffer is reused once its tensor is disposed: commands run in order. */
class Arena implements Buffers {
  numBytesUsed = 0;
  numBytesAllocated = 0;
  readonly #free = new Map<number, GPUBuffer[]>();
  readonly #all: GPUBuffer[] = [];
  /** Written while recording (constants, uniforms): nothing may be computed into them later. */
  readonly #written = new Set<GPUBuffer>();

  constructor(readonly device: GPUDevice) {}

  acquireBuffer(size: number, usage: number, mappedAtCreation = false): GPUBuffer {
    const written = mappedAtCreation || (usage & GPUBufferUsage.UNIFORM) !== 0;
    const free = written ? undefined : this.#free.get(size)?.pop();
    if (free) return free;
    const buffer = this.device.createBuffer({ size, usage, mappedAtCreation });
    this.#all.push(buffer);
    this.numBytesAllocated += size;
    if (written) this.#written.add(buffer);
    return buffer;
  }

  releaseBuffer(buffer: GPUBuffer): void {
    if (this.#written.has(buffer)) return;
    const free = this.#free.get(buffer.size);
    if (free) free.push(buffer);
    else this.#free.set(buffer.size, [buffer]);
  }

  dispose(): void {
    for (const buffer of this.#all) buffer.destroy();
  }
}
