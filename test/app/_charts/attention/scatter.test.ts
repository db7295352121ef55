import { describe, expect, it } from 'vitest';
import { axisRange, brushed, thinned, trailsOf } from '~/app/_charts/attention/scatter';
import { hiddenBut, shownHeads } from '~/app/_charts/attention/selection';
import { seeded } from '~/test/support/seeded';

const steps = [0, 20, 40, 60];
const heads = 3;
const layers = [{ heads }, { heads }];
const signal = (seed: number) => {
  const random = seeded(seed);
  return { steps, values: Float64Array.from({ length: steps.length * 2 * heads }, () => random()) };
};
const [x, y] = [signal(1), signal(2)];

describe('the scatter of heads', () => {
  it('a trail ends where the head stands at the step shown, and holds every recorded step before it', () => {
    for (const [n, step] of steps.entries())
      for (const { id, points } of trailsOf(x, y, layers, step)) {
        const h = id[0] * heads + id[1];
        expect(points).toHaveLength(n + 1);
        expect(points.at(-1)).toEqual([x.values[n * 6 + h], y.values[n * 6 + h]]);
      }
  });

  it('a step that lacks a signal, as drift at the first one, is no point of the trail', () => {
    const gap = { steps, values: Float64Array.from(x.values, (v, n) => (n < 6 ? Number.NaN : v)) };
    expect(trailsOf(gap, y, layers, 20)[0]!.points).toEqual([[x.values[6], y.values[6]]]);
    expect(trailsOf(gap, y, layers, 0)[0]!.points).toEqual([]);
    expect(
      brushed(trailsOf(gap, y, layers, 0), [
        [0, 0],
        [1, 1],
      ]),
    ).toEqual([]);
  });

  it('the heads selected are exactly those inside the brush, whichever corner it began at', () => {
    const trails = trailsOf(x, y, layers, 60);
    for (let seed = 0; seed < 50; seed++) {
      const random = seeded(seed);
      const [a, b] = [[random(), random()] as const, [random(), random()] as const];
      const inside = trails.filter(({ points }) => {
        const [px, py] = points.at(-1)!;
        return (px - a[0]) * (px - b[0]) <= 0 && (py - a[1]) * (py - b[1]) <= 0;
      });
      const chosen = brushed(trails, [a, b]);
      expect(chosen, `seed ${seed}`).toEqual(inside.map((t) => t.id));
      if (chosen.length > 0) expect(shownHeads(layers, hiddenBut(chosen, layers))).toEqual(chosen);
    }
    expect(hiddenBut([], layers)).toEqual(new Set());
  });

  it('axes hold all points; a long way is thinned without losing its ends', () => {
    const trails = trailsOf(x, y, layers, 60);
    const [low, high] = axisRange(trails, 0, null);
    for (const v of x.values) expect(v > low && v < high).toBe(true);
    expect(axisRange(trails, 0, [0, 1])).toEqual([0, 1]);
    expect(axisRange([], 1, null)).toEqual([0, 1]);
    const long = Array.from({ length: 1001 }, (_, i) => i);
    expect(thinned(long, 5)).toEqual([0, 250, 500, 750, 1000]);
    expect(thinned([1, 2], 5)).toEqual([1, 2]);
  });
});
