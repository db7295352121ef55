/** Which snapshots and checkpoints go when they outgrow their quota. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkpointsToThin, snapshotsToThin } from '~/server/retention/thin';
import type { ListItems } from '~/shared/view';

interface Recorded {
  snapshots: readonly ListItems['snapshots'][];
  marks: Parameters<typeof snapshotsToThin>[1];
}
const toThin = ({ snapshots, marks }: Recorded, quota: number) => snapshotsToThin(snapshots, marks, quota);
const snapshotAt = (step: number, bytes = 10, trigger = 'cadence') =>
  ({ seq: step + 1, step, trigger, blob: { hash: 'a'.repeat(64), bytes } }) as unknown as ListItems['snapshots'];
const view = (snapshots: readonly ListItems['snapshots'][], alerts: number[] = [], notes: number[] = []): Recorded => ({
  snapshots,
  marks: { alerts: alerts.map((step) => ({ step })), notes: notes.map((step) => ({ anchor: { step } })) },
});
const steps = (taken: readonly ListItems['snapshots'][]) => taken.map((s) => s.step);
const every = (n: number, by: number) => Array.from({ length: n }, (_, i) => snapshotAt(i * by));

describe('thinning snapshots', () => {
  it('takes nothing while they fit', () => {
    expect(toThin(view(every(10, 5)), 100)).toEqual([]);
  });

  it('of evenly spaced ones every second goes first', () => {
    // 9 x 10 bytes; to 9/10 of 60 = 54 means 5 may stay: 0, 20, 40, 60, 80
    expect(steps(toThin(view(every(9, 10)), 60))).toEqual([10, 30, 50, 70]);
  });

  it('the denser part is thinned before the sparser', () => {
    const dense = [...every(11, 1), snapshotAt(110), snapshotAt(210), snapshotAt(310)];
    // 14 x 10 bytes; 9/10 of 90 = 81: 8 stay. Odd steps leave gaps of 2; then 2 is the first that leaves one of 4
    expect(steps(toThin(view(dense), 90))).toEqual([1, 2, 3, 5, 7, 9]);
  });

  it('the first, the last, and those of alerts, notes, commands, best and final parameters stay, whatever the quota', () => {
    const all = every(20, 10).map((s, i) =>
      i === 3
        ? snapshotAt(30, 10, 'command')
        : i === 5
          ? snapshotAt(50, 10, 'best')
          : i === 7
            ? snapshotAt(70, 10, 'end')
            : i === 8
              ? snapshotAt(80, 10, 'alert')
              : s,
    );
    const taken = new Set(steps(toThin(view(all, [114], [150]), 1)));
    expect(steps(all).filter((s) => !taken.has(s))).toEqual([0, 30, 50, 70, 80, 110, 150, 190]);
  });

  it('what stays fits, is spread evenly, and a second thinning finds nothing to do', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(5000), { minLength: 3, maxLength: 200 }), fc.integer({ min: 3, max: 150 }), (at, fit) => {
        const all = at.sort((a, b) => a - b).map((s) => snapshotAt(s));
        const quota = fit * 10;
        const taken = new Set(toThin(view(all), quota));
        const kept = all.filter((s) => !taken.has(s));
        expect(kept.length * 10).toBeLessThanOrEqual(Math.max(quota, 20));
        expect([kept[0], kept.at(-1)]).toEqual([all[0], all.at(-1)]);
        expect(toThin(view(kept), quota)).toEqual([]);
      }),
      { seed: 7, endOnFailure: true },
    );
  });
});

describe('thinning checkpoints', () => {
  const hash = (i: number) => i.toString(16).padStart(64, '0');
  const checkpointAt = (i: number, change: Partial<ListItems['checkpoints']> = {}) =>
    ({
      seq: i + 1,
      step: 10 * i,
      trigger: 'cadence',
      blob: { hash: hash(i), bytes: 10 },
      ...change,
    }) as unknown as ListItems['checkpoints'];
  const nothing = { alerts: [], notes: [], named: new Set<string>(), best: [] };
  const kept = (all: ListItems['checkpoints'][], marks: typeof nothing, quota: number) => {
    const taken = new Set(checkpointsToThin(all, marks, quota));
    return all.filter((c) => !taken.has(c)).map((c) => c.step);
  };

  it('the first, the newest five and evenly spaced ones stay', () => {
    // 25 x 10 bytes; 9/10 of 150 = 135: 13 stay. Of the middle (10 .. 190) every second one goes, then the first two that leave
    // a gap of 40: 20 and 60.
    const all = Array.from({ length: 25 }, (_, i) => checkpointAt(i));
    expect(kept(all, nothing, 250)).toHaveLength(25);
    expect(kept(all, nothing, 150)).toEqual([0, 40, 80, 100, 120, 140, 160, 180, 200, 210, 220, 230, 240]);
  });

  it('marked ones stay, whatever the quota', () => {
    const triggers = new Map([3, 5, 6, 7, 8].map((i, n) => [i, (['command', 'alert', 'best', 'end', 'shutdown'] as const)[n]!]));
    const all = Array.from({ length: 40 }, (_, i) =>
      checkpointAt(i, { trigger: triggers.get(i) ?? 'cadence', ...(i === 20 && { reference: 's3://there' }) }),
    );
    // An alert at 104 (the loss is NaN from there on), a note at 150, a branch from 170, the best evaluation at 190 and row at 223
    const marks = {
      alerts: [{ step: 104 }, { step: null }],
      notes: [{ anchor: { step: 150 } }],
      named: new Set([hash(17)]),
      best: [{ step: 190 }, { step: 223 }, null],
    };
    expect(kept(all, marks as unknown as typeof nothing, 1)).toEqual([
      0, 30, 50, 60, 70, 80, 100, 150, 170, 190, 200, 220, 350, 360, 370, 380, 390,
    ]);
  });
});
