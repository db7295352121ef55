/** Metrics of the trainer's machine: a row of the stream "system" every ten seconds, at the current step of training. */
import { statfsSync } from 'node:fs';
import { cpus, freemem, totalmem } from 'node:os';
import type { TrainerEvent } from '~/shared/events';
import type { Series } from '~/shared/series';

export interface Machine {
  /** Total busy time and total time of all cores, ms. */
  cores(): { busy: number; all: number };
  memory(): { free: number; total: number };
  /** Memory of this process, bytes. */
  process(): number;
  /** Space on the disk with the data folder, bytes. */
  disk(): { free: number; total: number } | null;
  /** Bytes that the backend holds on a GPU; null if unknown. */
  gpu(): number | null;
}

const stream = 'system';
const group = 'system';
const everyMs = 10_000;

export class SystemMetrics {
  #declared: Series[] | null = null;
  #cores: ReturnType<Machine['cores']>;
  #at: number;
  #lastStep = Number.NEGATIVE_INFINITY;

  /** @param now ms, any origin */
  constructor(
    private readonly machine: Machine,
    private readonly now: () => number,
  ) {
    this.#cores = machine.cores();
    this.#at = now();
  }

  /** Must be called regularly. @param step step of the run's newest row @returns events to send, usually none */
  after(step: number): TrainerEvent[] {
    if (this.now() - this.#at < everyMs || step <= this.#lastStep) return [];
    this.#at = this.now();
    this.#lastStep = step;
    const read = this.#read();
    const events: TrainerEvent[] = [];
    if (!this.#declared) {
      this.#declared = read.map(({ name, unit }) => ({ name: `system/${name}`, unit, group }));
      events.push({ type: 'series', stream, columns: this.#declared });
    }
    const values = Float64Array.from(this.#declared, (c) => read.find((r) => c.name === `system/${r.name}`)?.value ?? Number.NaN);
    events.push({ type: 'rows', stream, steps: { first: step, count: 1 }, times: Float64Array.of(Date.now()), values });
    return events;
  }

  #read(): { name: string; unit: string; value: number }[] {
    const { machine } = this;
    const before = this.#cores;
    const cores = machine.cores();
    this.#cores = cores;
    const spent = cores.all - before.all;
    const { free, total } = machine.memory();
    const disk = machine.disk();
    const gpu = machine.gpu();
    return [
      { name: 'CPU', unit: '%', value: spent > 0 ? (100 * (cores.busy - before.busy)) / spent : 0 },
      { name: 'memory', unit: '%', value: (100 * (total - free)) / total },
      { name: 'memory of the trainer', unit: 'MB', value: machine.process() / 1e6 },
      ...(disk ? [{ name: 'disk', unit: '%', value: (100 * (disk.total - disk.free)) / disk.total }] : []),
      ...(gpu === null ? [] : [{ name: 'GPU memory', unit: 'MB', value: gpu / 1e6 }]),
    ];
  }
}

/** This machine. */
export const thisMachine = (dataFolder: string, gpu: () => number | null): Machine => ({
  cores() {
    let busy = 0;
    let all = 0;
    for (const { times } of cpus()) {
      const sum = times.user + times.nice + times.sys + times.irq + times.idle;
      busy += sum - times.idle;
      all += sum;
    }
    return { busy, all };
  },
  memory: () => ({ free: freemem(), total: totalmem() }),
  process: () => process.memoryUsage.rss(),
  disk() {
    try {
      const { bavail, bsize, blocks } = statfsSync(dataFolder);
      return { free: bavail * bsize, total: blocks * bsize };
    } catch {
      return null;
    }
  },
  gpu,
});
