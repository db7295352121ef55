/** Runs the kernels of kernels.wasm on the tfjs memory, each in four parts that this thread and the free workers take. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';

/** PARTS of kernels.c. */
const parts = 4;
/** How often a thread checks the ticket before it goes to sleep: about 50 us, the time between two kernels of a small step. */
const looks = 4_000;
/** Indices into `control`, i32. */
const place = { ticket: 0, done: 1, kernel: 2, wake: 4, sleepers: 5, waiting: 6 } as const;
const argumentsAt = 64;
/** The largest number of arguments that a kernel takes after `part`; a kernel ignores the rest. */
const maxArguments = 14;

type Kernel = (part: number, ...args: number[]) => void;

/** A kernel and its arguments after `part`: addresses in bytes, sizes, numbers. */
export interface Job {
  kernel: { at: number; run: Kernel };
  args: number[];
}

/**
 * A job is kernel and arguments in `control`, and a ticket: job number * 8 + next part. A thread claims a part by compare-and-swap on the ticket, so a
 * late worker finds no part left, and a worker with an old ticket cannot claim one. The arguments are read only after a claim, and the next job is
 * written after all parts are done.
 */
const workerSource = `
const { workerData } = require('node:worker_threads');
const { module, memory, shared, names, place, parts, looks, argumentsAt } = workerData;
const { exports } = new WebAssembly.Instance(module, { env: { memory } });
const kernels = names.map((name) => exports[name]);
const control = new Int32Array(shared, 0, 16);
const args = new Float64Array(shared, argumentsAt);
for (;;) {
  let ticket = Atomics.load(control, place.ticket);
  for (let look = 0; (ticket & 7) >= parts; look++) {
    if (look >= looks) {
      const wake = Atomics.load(control, place.wake);
      Atomics.add(control, place.sleepers, 1);
      if ((Atomics.load(control, place.ticket) & 7) >= parts) Atomics.wait(control, place.wake, wake);
      Atomics.sub(control, place.sleepers, 1);
      look = 0;
    }
    ticket = Atomics.load(control, place.ticket);
  }
  if (Atomics.compareExchange(control, place.ticket, ticket, ticket + 1) !== ticket) continue;
  kernels[control[place.kernel]](ticket & 7, ${Array.from({ length: maxArguments }, (_, at) => `args[${at}]`).join(', ')});
  Atomics.add(control, place.done, 1);
  if (Atomics.load(control, place.waiting)) Atomics.notify(control, place.done);
}`;

/** The fastest build of the kernels that this Node.js and processor run. */
function loadKernels(): { module: WebAssembly.Module; fma: boolean } {
  const file = (name: string) => readFileSync(join(import.meta.dirname, name));
  // Node.js 20 knows relaxed SIMD, but only with this flag; later versions ignore the flag.
  setFlagsFromString('--experimental-wasm-relaxed-simd');
  const relaxed = file('kernelsFma.wasm');
  const fma = WebAssembly.validate(relaxed);
  return { module: new WebAssembly.Module(fma ? relaxed : file('kernels.wasm')), fma };
}

export class KernelPool {
  readonly #kernels: Map<string, Job['kernel']>;
  /** If not null, jobs are appended here instead of run. */
  noted: Job[] | null = null;
  readonly #shared = new SharedArrayBuffer(argumentsAt + 8 * maxArguments);
  readonly #control = new Int32Array(this.#shared, 0, 16);
  readonly #args = new Float64Array(this.#shared, argumentsAt);
  #job = 0;

  /** Products and sums are rounded once (relaxed SIMD): faster, with other last bits. */
  readonly fma: boolean;

  /** @param memory shared memory of the tfjs module @param threads number of threads including this one, >= 1 */
  constructor(
    memory: WebAssembly.Memory,
    readonly threads: number,
  ) {
    const { module, fma } = loadKernels();
    this.fma = fma;
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    const names = Object.keys(exports);
    this.#kernels = new Map(names.map((name, at) => [name, { at, run: exports[name] as Kernel }]));
    this.#control[place.ticket] = parts;
    for (let worker = 1; worker < threads; worker++) {
      const workerData = { module, memory, shared: this.#shared, names, place, parts, looks, argumentsAt };
      new Worker(workerSource, { eval: true, workerData }).unref();
    }
  }

  run(name: string, ...args: number[]): void {
    const job = { kernel: this.#kernels.get(name)!, args };
    if (this.noted) this.noted.push(job);
    else this.do(job);
  }

  do({ kernel: { at, run }, args }: Job): void {
    if (this.threads === 1) {
      for (let part = 0; part < parts; part++) run(part, ...args);
      return;
    }
    const control = this.#control;
    control[place.kernel] = at;
    this.#args.set(args);
    Atomics.store(control, place.done, 0);
    this.#job = (this.#job + 1) & 0xfff_ffff;
    Atomics.store(control, place.ticket, this.#job << 3);
    if (Atomics.load(control, place.sleepers) > 0) {
      Atomics.add(control, place.wake, 1);
      Atomics.notify(control, place.wake);
    }
    for (;;) {
      const ticket = Atomics.load(control, place.ticket);
      if ((ticket & 7) >= parts) break;
      if (Atomics.compareExchange(control, place.ticket, ticket, ticket + 1) !== ticket) continue;
      run(ticket & 7, ...args);
      Atomics.add(control, place.done, 1);
    }
    this.#awaitDone();
  }

  #awaitDone(): void {
    const control = this.#control;
    for (let look = 0; look < looks; look++) if (Atomics.load(control, place.done) === parts) return;
    Atomics.store(control, place.waiting, 1);
    for (;;) {
      const done = Atomics.load(control, place.done);
      if (done === parts) break;
      Atomics.wait(control, place.done, done);
    }
    Atomics.store(control, place.waiting, 0);
  }
}
