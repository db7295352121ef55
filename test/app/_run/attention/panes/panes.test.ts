import { describe, expect, it } from 'vitest';
import { Curve } from '~/app/_charts/curve';
import { decodeComparison, encodeComparison } from '~/app/_live/comparison';
import { nearestIndex } from '~/app/_live/recorded';
import { type RunAxis, stepBeside } from '~/app/_run/attention/panes/align';
import { seeded } from '~/test/support/seeded';

const axis = (losses: number[], stepsPerEpoch = 100, capacity = 1000): RunAxis => {
  const loss = new Curve('loss', capacity, null);
  for (const [step, v] of losses.entries()) loss.append(step, v);
  return { lastStep: losses.length, stepsPerEpoch, loss };
};
/** Falls from ln 10 at the given pace, with noise as training has it. */
const falling = (steps: number, pace: number, seed: number) => {
  const random = seeded(seed);
  return Array.from({ length: steps }, (_, s) => 2.3 * Math.exp(-s / pace) * (1 + 0.1 * (random() - 0.5)));
};

describe('steps that stand beside each other', () => {
  const fast = axis(falling(2000, 150, 1), 100);
  const slow = axis(falling(4000, 600, 2), 200);

  it('by step: the same, up to the last one there is, and then it says so', () => {
    expect(stepBeside('step', slow, 1200, fast)).toEqual({ step: 1200, problem: null });
    expect(stepBeside('step', slow, 3000, fast)).toEqual({ step: 2000, problem: 'it has 2,000 steps' });
  });

  it('by epoch: as many epochs in, whatever an epoch takes', () => {
    expect(stepBeside('epoch', slow, 300, fast)).toEqual({ step: 150, problem: null });
    expect(stepBeside('epoch', fast, 150, slow)).toEqual({ step: 300, problem: null });
    expect(stepBeside('epoch', fast, 2000, { ...slow, lastStep: 500 })).toEqual({ step: 500, problem: 'it has 2.5 epochs' });
    expect(stepBeside('epoch', fast, 7, { ...slow, stepsPerEpoch: 0 }).problem).toBe('its epochs are not known: same step');
  });

  it('by equal loss: the snapshot shown is within one snapshot of where the other run first was as low; forward never goes back', () => {
    const cadence = 20;
    const recorded = Array.from({ length: 201 }, (_, n) => ({ step: n * cadence }));
    for (const losses of [
      [falling(2000, 150, 3), falling(4000, 600, 4)],
      [falling(2000, 300, 5), falling(4000, 100, 6)],
    ] as const) {
      const [from, to] = [axis([...losses[0]], 100, 4000), axis([...losses[1]], 100, 4000)];
      let before = -1;
      for (let step = 0; step <= 900; step += 13) {
        const lowest = Math.min(...losses[0].slice(0, step + 1));
        const truth = losses[1].findIndex((v) => v <= lowest);
        const { step: beside, problem } = stepBeside('equal loss', from, step, to);
        expect(problem, `step ${step}`).toBeNull();
        const shown = recorded[nearestIndex(recorded, beside)]!.step;
        expect(Math.abs(shown - truth), `step ${step}`).toBeLessThanOrEqual(cadence);
        expect(beside, `step ${step}`).toBeGreaterThanOrEqual(before);
        before = beside;
      }
    }
  });

  it('a loss that the other never had is said, and its last step shown', () => {
    const poor = axis([2.3, 2.2, 2.1, Number.NaN, 2.1]);
    expect(stepBeside('equal loss', fast, 1000, poor)).toEqual({
      step: 5,
      problem: expect.stringMatching(/^its loss never was as low as 0\.00\d+$/),
    });
    expect(stepBeside('equal loss', poor, 4, fast).problem).toBeNull();
    expect(stepBeside('equal loss', fast, 3, { lastStep: 0, stepsPerEpoch: 0, loss: null })).toEqual({
      step: 0,
      problem: 'no loss: same step',
    });
  });

  it('the same run stands beside itself at the same step, however aligned', () => {
    for (const align of ['step', 'epoch', 'equal loss'] as const)
      expect(stepBeside(align, fast, 777, fast)).toEqual({ step: 777, problem: null });
  });
});

describe('a comparison in a link', () => {
  const pane = { run: null, at: 'linked', source: { example: 0 }, head: null } as const;
  it('comes back; fewer than two or more than four panes, or anything unknown, is refused', () => {
    const comparison = {
      panes: [pane, { run: 'abcdef', at: { step: 0 }, source: 'mean' as const, head: { layer: 0, head: 0 } }],
      align: 'equal loss' as const,
      scale: 'lift' as const,
      minus: [1, 0] as [number, number],
      lead: { run: 'abcdef', step: 0, own: 0 },
    };
    expect(decodeComparison(encodeComparison({ ...comparison, panes: [...comparison.panes] }))).toEqual(comparison);
    for (const panes of [[], [pane], Array(5).fill(pane)])
      expect(decodeComparison(JSON.stringify({ ...comparison, panes }))).toBeNull();
    for (const bad of [
      '',
      '{',
      'null',
      JSON.stringify({ ...comparison, align: 'time' }),
      JSON.stringify({ ...comparison, more: 1 }),
    ])
      expect(decodeComparison(bad), bad).toBeNull();
  });
});
