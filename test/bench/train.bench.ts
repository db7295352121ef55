/**
 * `npm run bench -- train [--backend B] [--tasks reverse,anomaly,text6,text12] [--steps N] [--vs-pytorch]`: the time of a training step, in the
 * sizes of setups.ts. If PyTorch has a GPU and with `--backend webgpu`, both sides use the GPU, PyTorch eager and compiled.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { type BackendName, openBackend, parseBackendName } from '~/trainer/backends';
import type { BenchResult } from './main';
import { pythonWithTorch } from './python';
import type { PeerOptions } from './train/peer';
import { type BenchTask, benchTasks, setupOf } from './train/setups';
import { watchingCost } from './train/watchingCost';

const folder = join(import.meta.dirname, 'train');
/** Short turns, so that other load on the machine affects all sides equally. */
const rounds = 24;
const secondsPerSide = 8;
const watchingSeconds = 40;

/** A process that runs steps on request; the sides of a comparison take turns, so that other load affects them equally. */
class Side {
  readonly ms: number[] = [];
  rssMb = 0;
  info: { device?: string; ops?: number } = {};
  readonly #lines: AsyncIterator<string>;

  constructor(
    readonly name: string,
    readonly threads: number | null,
    readonly process: ChildProcess,
  ) {
    this.#lines = createInterface({ input: process.stdout! })[Symbol.asyncIterator]();
  }

  async ready(): Promise<void> {
    this.info = (await this.#line()) as Side['info'];
  }

  /** @returns the times of these steps */
  async run(steps: number): Promise<number[]> {
    this.process.stdin!.write(`${steps}\n`);
    const { ms, rssMb } = (await this.#line()) as { ms: number[]; rssMb: number };
    this.rssMb = rssMb;
    return ms;
  }

  async #line(): Promise<unknown> {
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done) throw new Error(`${this.name} ended without an answer (see its message above)`);
      if (value.startsWith('{')) return JSON.parse(value); // libraries print messages on the same stream
    }
  }

  close(): void {
    this.process.stdin!.end();
  }
}

export async function bench(args: string[]): Promise<BenchResult> {
  const { values } = parseArgs({
    args,
    options: {
      backend: { type: 'string', default: process.env.HEADROOM_BACKEND ?? 'auto' },
      tasks: { type: 'string', default: 'reverse,anomaly' },
      steps: { type: 'string' },
      'vs-pytorch': { type: 'boolean', default: false },
    },
  });
  const steps = values.steps === undefined ? null : Number(values.steps);
  if (steps !== null && !(Number.isInteger(steps) && steps >= 1))
    throw new RangeError(`--steps: "${values.steps}" is not a whole number of at least 1`);
  const tasks = values.tasks.split(',').map((task) => {
    const known = benchTasks.find((name) => name === task);
    if (!known) throw new RangeError(`--tasks: "${task}" is none of ${benchTasks.join(', ')}`);
    return known;
  });
  const backend = values.backend === 'auto' ? (await openBackend('auto')).name : parseBackendName(values.backend);
  const python = values['vs-pytorch'] ? await pythonWithTorch() : null;
  const rows: BenchResult['rows'] = [];
  const notes: string[] = [processor()];
  for (const task of tasks) await measure(task, backend, python, steps, rows, notes);
  return { title: `Training steps, backend ${backend}`, rows, notes };
}

async function measure(
  task: BenchTask,
  backend: BackendName,
  python: string | null,
  steps: number | null,
  rows: BenchResult['rows'],
  notes: string[],
): Promise<void> {
  const { shape, batchSize, hyper } = setupOf(task);
  const counts = backend === 'cpu' || backend === 'webgpu' ? [null] : [...new Set([1, availableParallelism()])];
  const ours = (name: string, threads: number | null, watched: boolean) => {
    const options: PeerOptions = { task, backend, threads, watched };
    const command = ['--import', 'tsx', join(folder, 'peer.ts'), JSON.stringify(options)];
    return new Side(name, threads, spawn(process.execPath, command, { stdio: ['pipe', 'pipe', 'inherit'] }));
  };
  const theirs = (threads: number, compile = false) => {
    const device = backend === 'webgpu' ? 'cuda' : 'cpu';
    const options = JSON.stringify({ threads, shape, batchSize, hyper, device, compile });
    return new Side(
      compile ? 'pytorch compiled' : 'pytorch',
      threads,
      spawn(python!, [join(folder, 'peer.py'), options], { stdio: ['pipe', 'pipe', 'inherit'] }),
    );
  };
  const opened: Side[] = [];
  try {
    const candidates = async (make: (threads: number | null) => Side): Promise<Side> => {
      const sides = counts.map(make);
      opened.push(...sides);
      for (const side of sides) await side.ready();
      return fastest(sides);
    };
    const bare = await candidates((threads) => ours('bare', threads, false));
    const peer = python ? await candidates((threads) => theirs(threads ?? 1)) : null;
    const watched = ours('watched', bare.threads, true);
    const compiled = peer && backend === 'webgpu' ? theirs(1, true) : null;
    const later = [watched, ...(compiled ? [compiled] : [])];
    opened.push(...later);
    for (const side of later) await side.ready();
    const peers = [...(peer ? [peer] : []), ...(compiled ? [compiled] : [])];
    const sides = [bare, watched, ...peers];
    await interleave(sides, steps);
    for (const side of sides) rows.push(row(task, batchSize, side));
    for (const other of peers) {
      const { median, low, high } = ratios(other, bare);
      notes.push(
        `${task}: ${median} of ${other.name}'s step rate, ${low} to ${high} over ${rounds} rounds, ${(quantile(other.ms, 0) / quantile(bare.ms, 0)).toFixed(2)} by the fastest steps (1.0 = as fast${backend === 'webgpu' ? '' : `; each side with its best of ${counts.join(' and ')} threads`})`,
      );
    }
    for (const side of opened) side.close();
    notes.push(`${task}: ${await watchingCost({ task, backend, threads: bare.threads, seconds: watchingSeconds })}`);
  } finally {
    for (const side of opened) side.close();
  }
}

/** Tries each side briefly, one step at a time in turns, and ends the slower ones. */
async function fastest(sides: Side[]): Promise<Side> {
  const ms: number[][] = sides.map(() => []);
  const start = performance.now();
  for (let round = 0; round < 20 && (round < 3 || performance.now() - start < 1000 * secondsPerSide); round++)
    for (const [at, side] of sides.entries()) ms[at]!.push(...(await side.run(1)));
  const medians = ms.map((times) => quantile(times, 0.5));
  const chosen = sides[medians.indexOf(Math.min(...medians))]!;
  for (const side of sides) if (side !== chosen) side.close();
  return chosen;
}

async function interleave(sides: Side[], steps: number | null): Promise<void> {
  const perRound: number[] = [];
  for (const [at, side] of sides.entries()) {
    const trial = quantile(await side.run(5), 0.5);
    perRound[at] = steps ? Math.ceil(steps / rounds) : Math.max(1, Math.round((1000 * secondsPerSide) / rounds / trial));
  }
  for (let round = 0; round < rounds; round++)
    for (const [at, side] of sides.entries()) side.ms.push(...(await side.run(perRound[at]!)));
}

/** Ratios of the rounds' medians (the two sides of a round run one after the other): the median, the smallest and the largest. */
function ratios(a: Side, b: Side): { median: string; low: string; high: string } {
  const medians = (side: Side) => chunks(side.ms, rounds).map((part) => quantile(part, 0.5));
  const [left, right] = [medians(a), medians(b)];
  const all = left.map((median, at) => median / right[at]!);
  return {
    median: quantile(all, 0.5).toFixed(2),
    low: Math.min(...all).toFixed(2),
    high: Math.max(...all).toFixed(2),
  };
}

/** Model and vector features of the processor, which influence the ratio: PyTorch uses the widest vectors available, WebAssembly always 128 bits. */
function processor(): string {
  const model = cpus()[0]?.model ?? 'unknown processor';
  let flags: string[] = [];
  try {
    flags = /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.trim().split(' ') ?? [];
  } catch {
    // Not Linux: only the model is known.
  }
  const sets = flags.filter((flag) => /^(fma|avx|avx2|avx512f|avx512_bf16|amx_tile|asimd|sve)$/.test(flag));
  return `${cpus().length} x ${model}${sets.length > 0 ? `, with ${sets.join(', ')}` : ''}`;
}

function chunks(values: number[], count: number): number[][] {
  const size = Math.round(values.length / count);
  return Array.from({ length: count }, (_, at) => values.slice(at * size, (at + 1) * size));
}

function quantile(values: number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]!;
}

function row(task: BenchTask, batchSize: number, side: Side): Record<string, string | number> {
  const median = quantile(side.ms, 0.5);
  return {
    task,
    side: side.name,
    fastestMs: quantile(side.ms, 0),
    medianMs: median,
    p95Ms: quantile(side.ms, 0.95),
    'steps/s': 1000 / median,
    'examples/s': (1000 * batchSize) / median,
    ...(side.info.ops !== undefined && { 'ops/step': side.info.ops }),
    rssMb: side.rssMb,
    device: side.info.device ?? '',
  };
}
