import { describe, expect, it } from 'vitest';
import { fillLegend } from '~/app/_charts/crosshair';
import { Curve } from '~/app/_charts/curve';
import { logTicks, settle, xDomain, yDomain } from '~/app/_charts/domains';
import { beginning, cut, formatDuration, formatTick, tickTexts } from '~/app/_charts/format';
import { spread, timeline, xMap } from '~/app/_charts/xMap';
import { createCursor } from '~/app/_live/cursor';
import { formatPercent, formatValue } from '~/shared/numbers';
import { averageOf, curveOf, line, plain, steps } from '~/test/support/chartParts';

describe('smoothing', () => {
  it('is the debiased average: s = w s + (1 - w) v, over 1 - w^n', () => {
    // w = 0.5: s1 = 0.5*1 = 0.5 -> 0.5/0.5 = 1; s2 = 0.25 + 0.5*2 = 1.25 -> 1.25/0.75; s3 = 0.625 + 0.5*4 = 2.625 -> 2.625/0.875 = 3
    expect([...averageOf([1, 2, 4], 0.5).ema.slice(0, 3)]).toEqual([1, 1.25 / 0.75, 3]);
  });

  it('leaves NaN and infinities out instead of spreading them', () => {
    // w = 0.5: after 1 comes 4 as the second finite value: s = 0.25 + 2 = 2.25 over 0.75
    expect([...averageOf([1, Number.NaN, 4, Number.POSITIVE_INFINITY], 0.5).ema.slice(0, 4)]).toEqual([
      1,
      Number.NaN,
      3,
      Number.NaN,
    ]);
  });

  it('a bucket of many steps holds the average of single steps at its last one, through every doubling', () => {
    const values = Array.from({ length: 5000 }, (_, i) => (i % 41 === 7 ? Number.NaN : Math.sin(i) + i / 500));
    const curve = averageOf(values, 0.98, 64);
    const exact = averageOf(values, 0.98, 8192);
    expect(curve.bucketSteps).toBe(128);
    for (let i = 0; i < curve.count; i++) {
      let last = Math.min(values.length, (i + 1) * 128) - 1;
      while (Number.isNaN(values[last])) last--;
      expect(curve.ema[i], `bucket ${i}`).toBe(exact.ema[last]);
    }
  });

  it('ends where rows are taken back or left out: only a new read can tell how it goes on', () => {
    const curve = averageOf([1, 2, 3, 4], 0.5);
    curve.cut(2);
    expect([curve.smoothing, ...curve.ema.slice(0, 3)]).toEqual([null, 1, 1.25 / 0.75, Number.NaN]);
    const torn = averageOf([1, 2], 0.5);
    torn.tear();
    torn.append(5, 9);
    expect([torn.smoothing, torn.holes, torn.ema[2]]).toEqual([null, true, Number.NaN]);
  });

  it('counts rows, not steps: of a series logged every 50 steps it is that of its values', () => {
    const curve = new Curve('loss', 1200, null);
    curve.average(0.5);
    for (const [i, v] of [1, 2, 4].entries()) curve.append(50 * i, v);
    expect([...curve.ema.slice(0, 3)]).toEqual([1, 1.25 / 0.75, 3]);
  });

  it('a weight outside 0 to 1 is refused', () => {
    expect(() => averageOf([1], 1)).toThrow('smoothing 1 must be from 0 up to, not including, 1');
  });
});

describe('y axis', () => {
  it('holds every finite value, and zero when the curve comes near it', () => {
    const [lo, hi] = yDomain([curveOf([0.1, 2, Number.NaN, Number.POSITIVE_INFINITY])], [], 0, 10, plain);
    expect(lo).toBe(0);
    expect(hi).toBeGreaterThanOrEqual(2);
    expect(hi).toBeLessThan(2.6);
  });

  it('looks only at the steps shown', () => {
    const [, hi] = yDomain([curveOf([100, 1, 1, 1, 2])], [], 1, 4, plain);
    expect(hi).toBeLessThan(3);
  });

  it('robust leaves out single outliers, never by default', () => {
    const curve = curveOf(Array.from({ length: 1000 }, (_, i) => (i === 500 ? 1e6 : 1 + (i % 10) / 10)));
    expect(yDomain([curve], [], 0, 1000, plain)[1]).toBeGreaterThanOrEqual(1e6);
    expect(yDomain([curve], [], 0, 1000, { ...plain, robust: true })[1]).toBeLessThan(3);
  });

  it('log takes only values above 0; without any it is 0.1 to 1', () => {
    const [lo] = yDomain([curveOf([-1, 0, 0.01, 1])], [], 0, 10, { ...plain, log: true });
    expect(lo).toBeGreaterThan(0);
    expect(lo).toBeLessThanOrEqual(0.01);
    expect(yDomain([curveOf([-1, 0])], [], 0, 10, { ...plain, log: true })).toEqual([0.1, 1]);
    expect(logTicks(0.001, 10, 4)).toEqual([0.001, 0.01, 0.1, 1, 10]);
    expect(logTicks(0.5, 20, 4)).toEqual([1, 3, 10]);
  });

  it('has two different finite ends for any numbers', () => {
    const { MAX_VALUE: most, MIN_VALUE: least } = Number;
    for (const values of [[-most, most], [most], [-most], [least], [0, least], [least, most]])
      for (const log of [false, true]) {
        const [lo, hi] = yDomain([curveOf(values)], [], 0, 10, { ...plain, log });
        expect([values, log, Number.isFinite(hi - lo), hi > lo, !log || lo > 0]).toEqual([values, log, true, true, true]);
      }
  });

  it('a share never passes 0 and 100 %', () => {
    const [lo, hi] = yDomain([curveOf([0.05, 1])], [], 0, 10, { ...plain, bounds: [0, 1] });
    expect([lo, hi < 1.03]).toEqual([0, true]);
  });

  it('holds what is seen of a line whose rows lie outside the steps shown', () => {
    // Rows of steps 0 and 100, values 0 and 10: between steps 40 and 60 the line goes from 4 to 6.
    const [lo, hi] = yDomain([curveOf([0, 10], 1200, 0, 100)], [], 40, 60, plain);
    expect([lo > 3 && lo <= 4, hi >= 6 && hi < 7]).toEqual([true, true]);
  });

  it('does not twitch: what fits and fills most of the span keeps it', () => {
    expect(settle([0, 10], [0, 9], false)).toEqual([0, 10]);
    expect(settle([0, 10], [0, 11], false)).toEqual([0, 11]);
    expect(settle([0, 10], [0, 5], false)).toEqual([0, 5]);
  });
});

describe('x axis', () => {
  it('step, epoch and time go there and back', () => {
    const anchors = [
      { step: 0, at: 1000 },
      { step: 100, at: 11_000 },
      { step: 100, at: 61_000 },
      { step: 200, at: 71_000 },
    ];
    for (const kind of ['step', 'epoch', 'relative', 'wall'] as const) {
      const map = xMap(kind, 50, anchors);
      for (const s of [0, 37, 150, 200]) expect(map.stepOf(map.of(s)), `${kind} ${s}`).toBeCloseTo(s, 6);
    }
    expect(xMap('epoch', 50, []).of(125)).toBe(2.5);
    expect(xMap('relative', 50, anchors).of(150)).toBe(65_000); // 61 s - 1 s, then half of 10 s
  });

  it('a series of the run is an axis: its values at its rows, straight lines between', () => {
    const tokens = xMap(
      'series',
      0,
      [
        { step: 0, at: 0 },
        { step: 10, at: 80_000 },
        { step: 20, at: 240_000 },
      ],
      false,
      'tokens',
    );
    expect([tokens.of(5), tokens.of(15), tokens.stepOf(160_000), tokens.label, tokens.say(10)]).toEqual([
      40_000,
      160_000,
      15,
      'tokens',
      'tokens 80000',
    ]);
  });

  it('begins where the run does: below 0, or far above', () => {
    const cursor = createCursor();
    cursor.head(100, true);
    cursor.rows(-1, 1);
    expect(xDomain(cursor, [], steps)).toEqual({ from: -1, to: 100, x: [-1, 100] });
    cursor.head(2_000_000_010, true);
    cursor.rows(2_000_000_000, 1);
    expect(xDomain(cursor, [], steps).x).toEqual([2_000_000_000, 2_000_000_010]);
  });

  it('of a growing run has room for at most a sixteenth more, and moves in jumps; that of an ended run ends at its last step', () => {
    const cursor = createCursor();
    const ends = (heads: number[], over = false) =>
      heads.map((head) => {
        cursor.head(head, over);
        return xDomain(cursor, [], steps).to;
      });
    expect(ends([0, 1, 15, 31, 33, 1000, 1001, 1025])).toEqual([1, 1, 15, 31, 34, 1024, 1024, 1088]);
    expect(ends([0, 33, 1001], true)).toEqual([1, 33, 1001]);
  });

  it('a clock axis marks midnights as dates on both sides of a change of summer time', () => {
    const before = process.env.TZ;
    process.env.TZ = 'Europe/Berlin';
    try {
      // 29 March 2026: the clocks go from 2:00 to 3:00.
      const at = (day: number) => new Date(2026, 2, day).getTime();
      const wall = xMap('wall', 0, [
        { step: 0, at: at(26) },
        { step: 1, at: at(32) },
      ]);
      const ticks = wall.ticks(at(26), at(32), 6);
      expect(ticks).toEqual([26, 27, 28, 29, 30, 31, 32].map(at));
      expect(ticks.map((t) => wall.tick(t, 0))).toEqual(
        ticks.map((t) => new Date(t).toLocaleDateString(undefined, { month: 'numeric', day: 'numeric' })),
      );
    } finally {
      if (before === undefined) delete process.env.TZ;
      else process.env.TZ = before;
    }
  });

  it('a time in a wrong unit is shown as a number, and its axis has a few ticks', () => {
    const ns = 1_700_000_000_000_000_000;
    const wall = xMap('wall', 0, [
      { step: 0, at: ns },
      { step: 10, at: 2 * ns },
    ]);
    expect([wall.tick(ns), wall.say(0)]).toEqual(['1.7e18', '1.7e18']);
    expect(wall.ticks(ns, 2 * ns, 6).length).toBeLessThanOrEqual(7);
    const relative = xMap('relative', 0, [
      { step: 0, at: ns },
      { step: 10, at: 2 * ns },
    ]);
    expect(relative.ticks(0, ns, 6).length).toBeLessThanOrEqual(7);
  });

  it('ticks stay whole and apart at steps of 2^53', () => {
    const top = Number.MAX_SAFE_INTEGER;
    const ticks = steps.ticks(top - 100, top, 8);
    expect([ticks.length >= 3, ticks.every(Number.isSafeInteger)]).toEqual([true, true]);
    expect(new Set(ticks.map(steps.tick)).size).toBe(ticks.length);
  });

  it('time goes on at the last pace after the last recorded event', () => {
    const t = timeline([
      { step: 0, at: 0 },
      { step: 10, at: 100 },
      { step: 20, at: 300 },
    ]);
    expect([t.of(5), t.of(15), t.of(30)]).toEqual([50, 200, 500]);
  });

  it('ticks are round', () => {
    expect(spread(0, 100, 5)).toEqual([0, 20, 40, 60, 80, 100]);
    expect(spread(0.13, 0.48, 4)).toEqual([0.2, 0.3, 0.4]);
    expect(steps.ticks(0, 3, 10)).toEqual([0, 1, 2, 3]);
    // One tick alone would not tell the scale.
    expect(steps.ticks(0, 4448, 2)).toEqual([0, 2000, 4000]);
    expect(spread(9.1, 11.9, 2)).toEqual([10, 11]);
    expect(xMap('relative', 1, [{ step: 0, at: 0 }]).ticks(0, 14_000, 1)).toEqual([0, 10_000]);
    expect(xMap('relative', 1, [{ step: 0, at: 0 }]).ticks(0, 90_000, 3)).toEqual([0, 30_000, 60_000, 90_000]);
  });
});

it('a text is not cut within a character', () => {
  expect([cut('ab😀d', 4), cut('ab😀def', 4), beginning('ab😀', 3), beginning('ab😀', 4)]).toEqual(['ab…', 'ab…', 'ab', 'ab😀']);
});

describe('numbers', () => {
  it('in a legend name the place of a measurement as the axis does: a position that several runs share is no step', () => {
    const slot = { dataset: { measured: 'test' }, textContent: '' };
    const list = { querySelectorAll: (of: string) => (of === '[data-measured]' ? [slot] : []) } as unknown as HTMLUListElement;
    const points = [{ name: 'test', label: 'test', color: 0, points: [{ step: 4141, value: 0.5 }] }];
    const shared = { ...steps, places: true as const, say: (at: number) => `${at - 4000} steps from equal loss` };
    fillLegend(list, [], points, null, false, steps);
    expect(slot.textContent).toBe('0.5 (4,141)');
    fillLegend(list, [], points, null, false, shared);
    expect(slot.textContent).toBe('0.5 (141 steps from equal loss)');
  });
  it('in a legend have their step where the run, after going back, is not as far as the step shown', () => {
    const slot = { dataset: { reads: 'loss' }, textContent: '' };
    const list = { querySelectorAll: (of: string) => (of === '[data-reads]' ? [slot] : []) } as unknown as HTMLUListElement;
    const said = (step: number | null) => {
      fillLegend(list, [line(curveOf([4, 2, 1], 3))], [], step, false, steps);
      return slot.textContent;
    };
    // At step 3, after three updates, the newest row is that of step 2.
    expect([null, 0, 2, 3, 4, 1000].map(said)).toEqual(['1', '4', '1', '1', '1 (2)', '1 (2)']);
  });
  it('of an axis have as many digits as tell its ticks apart', () => {
    expect(tickTexts([12.9207, 12.92072, 12.92074], formatTick)).toEqual(['12.9207', '12.92072', '12.92074']);
    expect(tickTexts([0.5, 0.50001], formatPercent)).toEqual(['50 %', '50.001 %']);
    expect(tickTexts([1000, 2000, 2500], formatTick)).toEqual(['1k', '2k', '2.5k']);
    // Closer than numbers can be told apart: each is there once.
    expect(spread(1, 1 + 4e-16, 5)).toEqual([1]);
  });
  it('are written short and whole', () => {
    expect([0, 1.5, 0.00001234, 1234567, -0.25, Number.NaN, Number.NEGATIVE_INFINITY].map((v) => formatValue(v))).toEqual([
      '0',
      '1.5',
      '1.234e−5',
      '1.2346e6',
      '−0.25',
      'NaN',
      '−∞',
    ]);
    expect([0, 1500, 2_500_000, 0.00049, 0.02].map((v) => formatTick(v))).toEqual(['0', '1.5k', '2.5M', '4.9e−4', '0.02']);
    expect([1e9, 3e12, 1_000_020, -20_000].map((v) => formatTick(v))).toEqual(['1G', '3T', '1,000,020', '−20k']);
    expect(formatPercent(0.98765)).toBe('98.77 %');
    expect([500, 42_000, 125_000, 3_725_000, 273_600_000].map(formatDuration)).toEqual([
      '0.5 s',
      '42 s',
      '2:05',
      '1:02:05',
      '3 d 04:00',
    ]);
  });
});
