/** Synthetic step rows for the store's benches. */

import { cpus, loadavg } from 'node:os';
import type { Store } from '~/server/store';
import type { Entry, RunEvent } from '~/shared/events';
import { publishedSetup } from '~/test/support/setups';

/** f32: single-precision numbers, like most metrics; f64: all 64 bits used. */
export type ValueKind = 'f32' | 'f64';

/** A repeatable row source: loss-like noise, every value different. `rows(first, n)` is row-major [n, width]. */
export function rowSource(width: number, kind: ValueKind, seed = 1) {
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const pool = Array.from({ length: 4096 * width }, () => (kind === 'f32' ? Math.fround(next()) : next() + next() / 2 ** 32));
  return (firstStep: number, n: number): Float64Array<ArrayBuffer> => {
    const values = new Float64Array(n * width);
    for (let i = 0, at = (firstStep * width) % pool.length; i < values.length; i++, at++) values[i] = pool[at % pool.length]!;
    return values;
  };
}

export const seriesNames = (width: number): string[] => Array.from({ length: width }, (_, i) => `series${i}`);

export interface FillOptions {
  width: number;
  /** Steps per append. */
  batch: number;
  kind: ValueKind;
  /** Number of concurrent appends. */
  inFlight: number;
}

/** Appends a new run of `steps` steps. */
export async function fillRun(
  store: Store,
  runId: string,
  steps: number,
  { width, batch, kind, inFlight }: FillOptions,
): Promise<{ elapsedMs: number; ackMs: number[] }> {
  const source = rowSource(width, kind);
  const actor = { id: 'bench', name: 'bench', role: 'admin' as const };
  const trainer = { id: 'bench-trainer', name: 'bench', host: 'bench' };
  const append = (after: number, nextEvent: number, entries: Entry[]) =>
    store.append({ runId, after, attempt: 1, nextEvent, entries });
  const entry = (seq: number, event: RunEvent): Entry => ({ seq, attempt: 1, at: Date.now(), event });
  await append(0, 0, [
    entry(1, { type: 'run.created', setup: publishedSetup('reverse'), actor, parent: null }),
    entry(2, { type: 'run.assigned', attempt: 1, trainer, fromStep: 0, checkpoint: null }),
    entry(3, { type: 'series', stream: 'steps', columns: seriesNames(width).map((name) => ({ name })) }),
  ]);
  const ackMs: number[] = [];
  const waiting: Promise<void>[] = [];
  const startedAt = performance.now();
  for (let step = 0; step < steps; step += batch) {
    const n = Math.min(batch, steps - step);
    const event: RunEvent = { type: 'rows', stream: 'steps', steps: { first: step, count: n }, values: source(step, n) };
    const sentAt = performance.now();
    waiting.push(append(3 + step, step + n, [entry(4 + step, event)]).then(() => void ackMs.push(performance.now() - sentAt)));
    if (waiting.length >= inFlight) await waiting.shift();
  }
  await Promise.all(waiting);
  return { elapsedMs: performance.now() - startedAt, ackMs };
}

export function percentile(values: number[], p: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] ?? Number.NaN;
}

/** Description of the machine and its load, for the figures. */
export const machine = (loadBefore: number): string =>
  `${cpus().length} cores (${cpus()[0]?.model.trim()}), load average before ${loadBefore.toFixed(1)}, after ${loadavg()[0]!.toFixed(1)}, Node ${process.version}`;
