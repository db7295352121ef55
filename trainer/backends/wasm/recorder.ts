/**
 * Job lists: the first run of a step records its kernels instead of running them; from then on the recorded kernels run one after another, without
 * tfjs and without allocating anything but the outputs.
 *
 * While a step is recorded, tensors have addresses past the memory's end: each input in its own range, all others in one range. A list has
 * one block of memory for the others; the addresses of inputs and outputs are filled in at every step.
 */
import { engine, type Tensor, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { runEagerly } from '~/trainer/backends/eagerStep';
import { NotRecordable, type StepRecorder } from '~/trainer/backends/recordedStep';
import type { Job, KernelPool } from './pool';
import type { WasmBackend } from './wasmBackend';

/** WebAssembly's memory ends at 2^32. Range n begins at (n + 1) * range; the last one holds every tensor that is not an input. */
const range = 2 ** 36;
/** Bytes of working memory that a list may keep; larger steps run op by op, where memory is freed immediately. */
const mostMemory = 2 ** 30;

/** Jobs whose argument `at` is `offset` bytes into an input or output. */
interface Fill {
  job: Job;
  at: number;
  slot: number;
  offset: number;
}

interface JobList {
  jobs: Job[];
  inputs: Fill[];
  outputs: Fill[];
  shapes: number[][];
  /** Working memory and constants, to be freed. */
  memory: number[];
}

export class Recorder implements StepRecorder<JobList> {
  /** Kernels that do all their work in jobs. */
  readonly recordable = new Set(['Reshape']);
  #arena: Arena | null = null;

  constructor(
    readonly backend: WasmBackend,
    readonly pool: KernelPool,
  ) {}

  opsOf({ jobs }: JobList): number {
    return jobs.length;
  }

  free({ memory }: JobList): void {
    for (const address of memory) this.backend.wasm._free(address);
  }

  /** Called by a kernel that is about to work outside of the jobs. */
  refuse(what: string): void {
    if (this.#arena) throw new NotRecordable(what);
  }

  /** While recording: a tensor that is part of an input, without a copy. */
  viewOfInput(address: number, shape: number[]): TensorInfo | null {
    if (!this.#arena?.isInput(address)) return null;
    const dataId = { id: this.backend.dataIdNextNumber++ };
    this.backend.dataIdMap.set(dataId, { id: dataId.id, memoryOffset: address, shape, dtype: 'float32', refCount: 1 });
    return { dataId, shape, dtype: 'float32' };
  }

  /** While recording: working memory for the next job. */
  space(floats: number): number | null {
    if (!this.#arena) return null;
    const address = this.#arena.allocate(4 * floats);
    this.#arena.free(address);
    return address;
  }

  record(fn: (inputs: Tensor[]) => Tensor[], inputs: Tensor[]): JobList {
    const { backend, pool } = this;
    const arena = new Arena(inputs.length);
    const jobs: Job[] = [];
    const constants: number[] = [];
    const { runKernel } = engine();
    const move = backend.move.bind(backend);
    const stopRecording = () => {
      pool.noted = null;
      this.#arena = null;
      // Deleting the own properties uncovers the methods of the classes.
      for (const method of ['move', 'disposeData', 'readSync', 'read'] as const) delete (backend as Partial<WasmBackend>)[method];
      delete (engine() as unknown as { runKernel?: unknown }).runKernel;
    };
    Object.assign(backend, {
      move: (...args: Parameters<WasmBackend['move']>) => {
        const [dataId, values, shape, dtype, refCount] = args;
        if (values != null) {
          move(...args);
          constants.push(backend.dataIdMap.get(dataId).memoryOffset);
          return;
        }
        const memoryOffset = arena.allocate(util.sizeFromShape(shape) * util.bytesPerElement(dtype));
        backend.dataIdMap.set(dataId, { id: backend.dataIdNextNumber++, memoryOffset, shape, dtype, refCount });
      },
      disposeData: (dataId: object, force = false) => {
        if (!backend.dataIdMap.has(dataId)) return true;
        const place = backend.dataIdMap.get(dataId);
        place.refCount--;
        if (!force && place.refCount > 0) return false;
        arena.free(place.memoryOffset);
        backend.dataIdMap.delete(dataId);
        return true;
      },
      readSync: () => this.refuse('reading a tensor back'),
      read: () => this.refuse('reading a tensor back'),
    });
    Object.assign(engine(), {
      runKernel: (name: string, ...rest: unknown[]) => {
        if (!this.recordable.has(name)) throw new NotRecordable(name);
        return (runKernel as (...args: unknown[]) => unknown).call(engine(), name, ...rest);
      },
    });
    pool.noted = jobs;
    this.#arena = arena;
    const outputs: { address: number; shape: number[] }[] = [];
    try {
      const stand = inputs.map(({ shape, dtype }, slot) => {
        const dataId = { id: backend.dataIdNextNumber++ };
        backend.dataIdMap.set(dataId, { id: dataId.id, memoryOffset: arena.input(slot), shape, dtype, refCount: 1 });
        return engine().makeTensorFromTensorInfo({ dataId, shape, dtype });
      });
      try {
        for (const output of runEagerly(fn, stand)) {
          const address = backend.dataIdMap.get(output.dataId).memoryOffset;
          outputs.push({ address, shape: output.shape });
          if (!arena.isBlock(address) || output.dtype !== 'float32') throw new NotRecordable('an output that no kernel made');
          output.dispose();
        }
      } finally {
        for (const input of stand) input.dispose();
      }
      if (arena.bytes > mostMemory) throw new NotRecordable(`${arena.bytes} bytes of working memory`);
    } catch (error) {
      stopRecording();
      for (const address of constants) backend.wasm._free(address);
      throw error;
    }
    stopRecording();
    const base = backend.wasm._malloc(arena.bytes + 16);
    const list: JobList = {
      jobs,
      inputs: [],
      outputs: [],
      shapes: outputs.map(({ shape }) => shape),
      memory: [base, ...constants],
    };
    for (const job of jobs)
      for (const [at, value] of job.args.entries()) {
        if (value < range) continue;
        const slot = arena.slotOf(value);
        if (slot !== null) list.inputs.push({ job, at, slot, offset: value - arena.input(slot) });
        else {
          const output = outputs.findIndex(({ address }) => arena.inSameBlock(address, value));
          if (output < 0) job.args[at] = base + arena.offsetOf(value);
          else list.outputs.push({ job, at, slot: output, offset: value - outputs[output]!.address });
        }
      }
    return list;
  }

  replay({ jobs, inputs, outputs, shapes }: JobList, given: Tensor[]): Tensor[] {
    const { backend, pool } = this;
    const addressOf = ({ dataId }: TensorInfo) => backend.dataIdMap.get(dataId).memoryOffset;
    const made = shapes.map((shape) => backend.makeOutput(shape, 'float32'));
    const fill = (fills: Fill[], addresses: number[]) => {
      for (const { job, at, slot, offset } of fills) job.args[at] = addresses[slot]! + offset;
    };
    fill(inputs, given.map(addressOf));
    fill(outputs, made.map(addressOf));
    for (const job of jobs) pool.do(job);
    return made.map((info) => engine().makeTensorFromTensorInfo(info));
  }
}

/** Addresses while recording. A block is reused for the same size once its tensor is disposed: jobs run in order. */
class Arena {
  bytes = 0;
  readonly #start: number;
  readonly #sizes = new Map<number, number>();
  readonly #free = new Map<number, number[]>();

  constructor(readonly inputs: number) {
    this.#start = (inputs + 1) * range;
  }

  input(slot: number): number {
    return (slot + 1) * range;
  }
  isInput(address: number): boolean {
    return this.slotOf(address) !== null;
  }
  slotOf(address: number): number | null {
    const slot = Math.floor(address / range) - 1;
    return slot >= 0 && slot < this.inputs ? slot : null;
  }
  isBlock(address: number): boolean {
    return this.#sizes.has(address);
  }
  offsetOf(address: number): number {
    return address - this.#start;
  }
  inSameBlock(block: number, address: number): boolean {
    return address >= block && address < block + this.#sizes.get(block)!;
  }

  allocate(bytes: number): number {
    const size = Math.max(16, Math.ceil(bytes / 16) * 16);
    const free = this.#free.get(size)?.pop();
    if (free !== undefined) return free;
    const address = this.#start + this.bytes;
    this.bytes += size;
    this.#sizes.set(address, size);
    return address;
  }

  /** Does nothing for an address that is not a block (an input, a part of one, a constant). */
  free(address: number): void {
    const size = this.#sizes.get(address);
    if (size === undefined) return;
    const free = this.#free.get(size);
    if (free) free.push(address);
    else this.#free.set(size, [address]);
  }
}
