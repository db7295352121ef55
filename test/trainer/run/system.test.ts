import { expect, it } from 'vitest';
import type { Rows } from '~/shared/series';
import { type Machine, SystemMetrics, thisMachine } from '~/trainer/run/system';

const machine = (gpu: number | null) => {
  let busy = 0;
  let all = 0;
  return {
    cores: () => ({ busy, all }),
    memory: () => ({ free: 1e9, total: 4e9 }),
    process: () => 250e6,
    disk: () => ({ free: 25e9, total: 100e9 }),
    gpu: () => gpu,
    work(share: number) {
      busy += 1000 * share;
      all += 1000;
    },
  } satisfies Machine & { work(share: number): void };
};

it('declares the stream with its first row, and has one every ten seconds at most, at steps that go on', () => {
  let now = 0;
  const m = machine(512e6);
  const system = new SystemMetrics(m, () => now);
  now = 9_999;
  expect(system.after(5)).toEqual([]);
  m.work(0.3);
  now = 10_000;
  const [declared, row, ...others] = system.after(6);
  expect(declared).toEqual({
    type: 'series',
    stream: 'system',
    columns: [
      { name: 'system/CPU', unit: '%', group: 'system' },
      { name: 'system/memory', unit: '%', group: 'system' },
      { name: 'system/memory of the trainer', unit: 'MB', group: 'system' },
      { name: 'system/disk', unit: '%', group: 'system' },
      { name: 'system/GPU memory', unit: 'MB', group: 'system' },
    ],
  });
  // 300 of 1,000 ms busy; 3 of 4 GB, 75 of 100 GB in use.
  expect(row).toMatchObject({
    type: 'rows',
    stream: 'system',
    steps: { first: 6, count: 1 },
    values: Float64Array.of(30, 75, 250, 75, 512),
  });
  expect(others).toEqual([]);
  now = 20_000;
  expect(system.after(6)).toEqual([]);
  m.work(1);
  const [again, none] = system.after(7);
  expect([(again as Rows).values[0], none]).toEqual([100, undefined]);
});

it('says nothing of a GPU that nobody knows of; this machine has shares between 0 and 100', () => {
  let now = 0;
  const system = new SystemMetrics(
    thisMachine('.', () => null),
    () => now,
  );
  now = 10_000;
  const [declared, row] = system.after(1);
  expect(declared).toMatchObject({ columns: { length: 4 } });
  for (const i of [0, 1, 3]) expect((row as Rows).values[i]).toBeGreaterThanOrEqual(0);
  for (const i of [0, 1, 3]) expect((row as Rows).values[i]).toBeLessThanOrEqual(100);
  expect((row as Rows).values[2]).toBeGreaterThan(1);
});
