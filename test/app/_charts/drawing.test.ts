import { describe, expect, it } from 'vitest';
import { moveByKey } from '~/app/_charts/cursorKeys';
import { Curve } from '~/app/_charts/curve';
import { growingEnd } from '~/app/_charts/domains';
import { ruleAt } from '~/app/_charts/draw';
import { chartCsv } from '~/app/_charts/exportChart';
import { heatColor, heatDomain, heatPixels } from '~/app/_charts/heat';
import { clusterMarks } from '~/app/_charts/marks';
import { piecesOf } from '~/app/_charts/pieces';
import { heightsOf, type Plot, pixelX, pixelY, stepAtPixel } from '~/app/_charts/plot';
import { readout, summary } from '~/app/_charts/readout';
import type { Mark, RuleSpec } from '~/app/_charts/types';
import { xMap } from '~/app/_charts/xMap';
import { createCursor } from '~/app/_live/cursor';
import { averageOf, curveOf, drawn, line, plain, plot, steps } from '~/test/support/chartParts';

describe('drawing', () => {
  it('pixels and steps are inverse', () => {
    const p = plot({ x: [10, 60] });
    expect([pixelX(p, 10), pixelX(p, 60), stepAtPixel(p, 50)]).toEqual([0, 100, 35]);
    expect([pixelY(p, 0), pixelY(p, 1), pixelY(plot({ log: true, y: [1, 100] }), 10)]).toEqual([50, 0, 25]);
  });

  it('the timeline and the sparklines have heights for the largest numbers, and none for what is not finite', () => {
    const most = Number.MAX_VALUE;
    expect(heightsOf([-most, 0, most, Number.NaN, Infinity], 2, 22)).toEqual([22, 12, 2, Number.NaN, Number.NaN]);
    expect(heightsOf([5, 5], 2, 22)).toEqual([12, 12]);
  });

  it('a line breaks over NaN and a value alone between gaps is a dot', () => {
    const { svg, reported } = drawn([line(curveOf([0, 0.5, Number.NaN, 1, Number.NaN, 0.5]))], plot({ x: [0, 5] }));
    expect(reported.nonFinite).toBe(2);
    const path = svg.split('\n').find((l) => l.includes('stroke="#11f"'))!;
    expect(path.match(/M/g)).toHaveLength(3); // 0-1, the lone 3, the lone 5
    expect(svg.match(/a1.\d+/g)!.length).toBeGreaterThanOrEqual(2); // two dots
    expect(svg).toContain('fill="#f00"'); // the gaps are marked
  });

  it('a series that is logged every 50 steps is one line, never dots; what is absent is no gap and counted nowhere', () => {
    const curve = curveOf([0, 0.5, 1, 0.5], 1200, 0, 50);
    const { svg, reported } = drawn([line(curve)], plot({ x: [0, 150] }));
    expect(reported).toEqual({ nonFinite: 0, offScale: 0, hiddenByLog: 0 });
    const strokes = svg.split('\n').filter((l) => l.includes('#11f'));
    expect(strokes[0]).toContain('M0 50L33.33 25L66.67 0L100 25');
    expect(strokes.filter((l) => !l.includes('stroke=')).length).toBe(1); // the dot at its end
  });

  it('zoomed in between two rows the line passes through, as a range has the rows around it', () => {
    const curve = new Curve('loss', 4, 80);
    for (const [step, value] of [
      [50, 0],
      [100, 1],
      [150, 9],
    ] as const)
      curve.append(step, value);
    expect(curve.count).toBe(2); // the row beyond the end, then no more
    const { svg } = drawn([line(curve)], plot({ x: [60, 80] }));
    expect(svg).toContain('M-50 50L200 0');
  });

  it('all 200 spikes of a million steps reach their height in the drawn envelope', () => {
    const curve = new Curve('loss', 1200, null);
    const spikes = Array.from({ length: 200 }, (_, i) => 2500 + i * 4983);
    const at = new Set(spikes);
    for (let s = 0; s < 1_000_000; s++) curve.append(s, at.has(s) ? 1 : 0.1);
    const p = plot({ width: 600, x: [0, 1_000_000] });
    const { svg } = drawn([line(curve)], p);
    const envelope = svg.split('\n')[0]!;
    const tops = new Set([...envelope.matchAll(/[ML]([\d.-]+) 0(?=[LMZ"])/g)].map((m) => Math.round(Number(m[1]))));
    const missed = spikes.filter((s) => ![-1, 0, 1].some((d) => tops.has(Math.round(pixelX(p, s)) + d)));
    expect(missed).toEqual([]);
  });

  it('on append no drawn extreme vanishes or moves by more than one pixel column, whatever merges underneath', () => {
    const seed = 29;
    let h = seed;
    const random = () => {
      h = (Math.imul(h, 1664525) + 1013904223) >>> 0;
      return h / 2 ** 32;
    };
    const width = 600;
    const curve = new Curve('loss', 2 * width, null);
    const extremes: { step: number; up: boolean }[] = [];
    /** Columns in which the envelope reaches the top and the bottom edge. */
    const reached = (p: Plot) => {
      const path = drawn([line(curve)], p)
        .svg.split('\n')
        .find((l) => l.includes('#11f'))!;
      const at = (y: string) =>
        new Set([...path.matchAll(new RegExp(`[ML]([\\d.-]+) ${y}(?=[LMZ"])`, 'g'))].map((m) => Math.floor(Number(m[1]))));
      return { top: at('0'), bottom: at('50') };
    };
    let axis = 0;
    let before = new Map<number, number>();
    for (let s = 0; s < 20_000; ) {
      for (const end = s + 1 + Math.floor(random() * 90); s < end; s++) {
        const extreme = random() < 0.002;
        const up = random() < 0.5;
        if (extreme) extremes.push({ step: s, up });
        curve.append(s, extreme ? Number(up) : 0.3 + 0.4 * random());
      }
      const end = growingEnd(s);
      // The axis stands still while it has room; when it grows everything is laid out anew.
      if (end !== axis) before = new Map();
      axis = end;
      if (s < 2 * width && curve.bucketSteps === 1) continue;
      const p = plot({ width, x: [0, end] });
      const { top, bottom } = reached(p);
      for (const { step, up } of extremes) {
        const own = Math.floor(pixelX(p, step));
        const column = [own, own - 1, own + 1].find((c) => (up ? top : bottom).has(c));
        expect(column, `seed ${seed}: the ${up ? 'high' : 'low'} of step ${step} at ${s} steps`).toBeDefined();
        const was = before.get(step);
        if (was !== undefined) expect(Math.abs(column! - was), `seed ${seed}: step ${step} at ${s} steps`).toBeLessThanOrEqual(1);
        before.set(step, column!);
      }
    }
    expect([extremes.length > 20, curve.bucketSteps]).toEqual([true, 32]);
  });

  it('a logarithmic x axis draws the first steps from finer curves, each step once', () => {
    const values = Array.from({ length: 5000 }, (_, i) => (i === 3 || i === 700 ? Number.NaN : 1 / (i + 1)));
    const whole = curveOf(values, 64);
    const early = [1024].map((end) => {
      const curve = new Curve('loss', 1200, end);
      for (let s = 0; s < end; s++) curve.append(s, values[s]!);
      return curve;
    });
    const map = xMap('step', 0, [], true);
    expect([map.of(0), map.of(9), map.stepOf(map.of(777))]).toEqual([0, 1, 777]);
    expect(map.ticks(map.of(0), map.of(5000), 6).map((x) => map.tick(x))).toEqual(['0', '1', '10', '100', '1k']);
    const p = plot({ map, x: [map.of(0), map.of(5000)], width: 600 });
    const pieces = piecesOf(line(whole, { early: () => early }), map, p.x);
    // buckets of 128 steps: the whole curve goes on with the ninth, at step 1024
    expect(pieces.map(({ curve, from, to }) => [curve.bucketSteps, from, to])).toEqual([
      [1, 0, 1023],
      [128, 8, 39],
    ]);
    expect(drawn([line(whole, { early: () => early })], p).reported.nonFinite).toBe(2);
  });

  it('what lies off the axis or has no logarithm is counted', () => {
    const values = [0.5, 3, -2, 0.5];
    expect(drawn([line(curveOf(values))], plot({ x: [0, 3] })).reported).toEqual({ nonFinite: 0, offScale: 2, hiddenByLog: 0 });
    const log = drawn([line(curveOf(values))], plot({ x: [0, 3], log: true, y: [0.1, 10] }), { ...plain, log: true });
    expect(log.reported).toEqual({ nonFinite: 0, offScale: 0, hiddenByLog: 1 });
  });

  it('a threshold that changes is a stair, and steps over it are marked', () => {
    const rule: RuleSpec = {
      label: 'clip',
      from: [
        { step: 0, value: 0.8 },
        { step: 2, value: 0.4 },
        { step: 3, value: null },
      ],
      marks: { line: 'loss' },
    };
    expect([0, 1, 2, 3].map((s) => ruleAt(rule, s))).toEqual([0.8, 0.8, 0.4, null]);
    const { svg } = drawn([line(curveOf([0.9, 0.5, 0.5, 0.9]))], plot({ x: [0, 4] }), plain, rule);
    expect(svg.match(/<rect [^>]*fill="#fa0"/g)).toHaveLength(2); // steps 0 and 2
    expect(svg).toContain('M0 10L50 10L50 30L75 30'); // y = 50 (1 - value)
  });

  it('raw stays visible behind the smoothed line', () => {
    const { svg } = drawn([line(averageOf([0, 1, 0, 1], 0.9), { smoothed: true })], plot({ x: [0, 3] }), {
      ...plain,
      smoothing: 0.9,
    });
    const strokes = svg.split('\n').filter((l) => l.includes('stroke="#11f"'));
    expect(strokes.map((s) => s.includes('stroke-opacity'))).toEqual([true, false]);
  });
});

describe('heat map', () => {
  it('a cell is the largest value of its steps on a log scale; zero, NaN and no steps differ', () => {
    const curves = [curveOf([1, 100, 0, Number.NaN]), null, curveOf([10])];
    expect(heatDomain(curves)).toEqual([1, 100]);
    const shown = plot({ width: 4, x: [-0.5, 3.5] });
    const pieces = curves.map((c) => piecesOf(line(c), shown.map, shown.x));
    const pixels = heatPixels(pieces, shown, 4, [1, 100], [1, 2, 3], [9, 8, 7]);
    const cell = (row: number, column: number) => [...pixels.slice((row * 4 + column) * 4, (row * 4 + column) * 4 + 4)];
    expect([0, 1, 2, 3].map((c) => cell(0, c))).toEqual([
      [...heatColor(0), 255],
      [...heatColor(1), 255],
      [1, 2, 3, 255],
      [9, 8, 7, 255],
    ]);
    expect([cell(1, 0), cell(2, 0), cell(2, 1)]).toEqual([
      [0, 0, 0, 0],
      [...heatColor(128 / 255), 255],
      [0, 0, 0, 0],
    ]);
  });
});

describe('heat map of a series that is logged now and then', () => {
  it('a value holds until the next row', () => {
    const shown = plot({ width: 4, x: [-0.5, 3.5] });
    const pieces = [piecesOf(line(curveOf([1, 100], 1200, 0, 2)), shown.map, shown.x)];
    const pixels = heatPixels(pieces, shown, 4, [1, 100], [1, 2, 3], [9, 8, 7]);
    const cells = [0, 1, 2, 3].map((c) => [...pixels.slice(c * 4, c * 4 + 4)]);
    expect(cells).toEqual([
      [...heatColor(0), 255],
      [...heatColor(0), 255],
      [...heatColor(1), 255],
      [0, 0, 0, 0],
    ]);
  });
});

describe('marks', () => {
  const mark = (step: number, kind: Mark['kind']): Mark => ({
    id: `${kind}${step}`,
    step,
    kind,
    label: '',
    detail: '',
    color: 'dim',
  });

  it('near ones share a glyph, that of the weightiest, at its own place', () => {
    const marks = [mark(10, 'checkpoint'), mark(14, 'alert'), mark(50, 'evaluation'), mark(500, 'note')];
    const clusters = clusterMarks(marks, (s) => s, 100, 11);
    expect(clusters.map((c) => [c.head.kind, c.x, c.marks.length])).toEqual([
      ['alert', 14, 2],
      ['evaluation', 50, 1],
    ]);
  });
});

describe('reading a chart', () => {
  it('the exact value once it is there, the bucket and its range until then', () => {
    const curve = curveOf([1, 3, 2, 6, 5, 7], 4); // two steps a bucket
    expect(readout(line(curve), 2, 0, false)).toEqual({
      value: '≈ 4',
      asOf: null,
      range: '2 to 6 in steps 2–3',
      smoothed: null,
    });
    expect(readout(line(curve, { exact: () => ({ step: 2, value: 2 }) }), 2, 0, false).value).toBe('2');
    expect(readout(line(null), 99, 0, false)).toEqual({ value: '–', asOf: null, range: null, smoothed: null });
  });

  it('between two rows the one before holds, and its step is said', () => {
    const sparse = curveOf([0.5, 0.25], 1200, 100, 50); // rows of steps 100 and 150
    const said = (step: number) => {
      const { value, asOf } = readout(line(sparse), step, 0, false);
      return [value, asOf];
    };
    expect([99, 100, 149, 150, 1e12].map(said)).toEqual([
      ['–', null],
      ['0.5', null],
      ['0.5', 100],
      ['0.25', null],
      ['0.25', 150],
    ]);
  });

  it('a curve of a zoomed range says nothing of steps beyond it: there the whole one does', () => {
    const zoomed = new Curve('loss', 1200, 10);
    for (let s = 0; s < 10; s++) zoomed.append(s, s);
    const both = line(zoomed, { whole: () => curveOf([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]) });
    expect(readout(both, 11, 0, false).value).toBe('11');
  });

  it('a summary in words for those who cannot see it', () => {
    expect(summary('Loss', [line(curveOf([2, 0.5, Number.NaN]))], false, 3, steps)).toBe(
      'Loss. train: latest NaN, lowest 0.5 near step 1, highest 2 near step 0, 1 value is NaN or infinite. 3 events are marked.',
    );
    expect(summary('Loss', [line(null)], false, 0, steps)).toBe('Loss. train: no values yet.');
    expect(summary('Loss', [line(null)], false, 1, steps)).toBe('Loss. train: no values yet. 1 event is marked.');
  });

  it('the table that is taken away says which steps a value stands for', () => {
    expect(chartCsv([line(curveOf([1, 3, 2], 2), { name: 'a,b' })], [])).toBe(
      'series,first_step,last_step,min,max,mean,last,non_finite\r\n"a,b",0,1,1,3,2,3,0\r\n"a,b",2,2,2,2,2,2,0\r\n',
    );
  });

  it('a name that a spreadsheet would execute is a text in it; a negative number stays one', () => {
    const [, first] = chartCsv([line(curveOf([-1], 2), { name: '=HYPERLINK("http://x")' })], []).split('\r\n');
    expect(first).toBe(`"'=HYPERLINK(""http://x"")",0,0,-1,-1,-1,-1,0`);
  });
});

describe('keys', () => {
  const press = (key: string, shiftKey = false) => ({ key, shiftKey, altKey: false, ctrlKey: false, metaKey: false });

  it('move the cursor by 1, 10, to the ends and from snapshot to snapshot', () => {
    const cursor = createCursor();
    cursor.head(100);
    const at = (key: string, shift = false) => {
      expect(moveByKey(press(key, shift), cursor, [0, 40, 80])).toBe(true);
      return [cursor.get().mode, cursor.get().step];
    };
    expect(at('ArrowLeft')).toEqual(['pinned', 99]);
    expect(at('ArrowLeft', true)).toEqual(['pinned', 89]);
    expect(at('PageUp')).toEqual(['pinned', 80]);
    expect(at('PageUp')).toEqual(['pinned', 40]);
    expect(at('PageDown')).toEqual(['pinned', 80]);
    expect(at('Home')).toEqual(['pinned', 0]);
    expect(at('ArrowLeft')).toEqual(['pinned', 0]);
    expect(at('End')).toEqual(['live', 100]);
    cursor.head(101);
    expect(cursor.get().step).toBe(101);
    expect(moveByKey(press('x'), cursor, [])).toBe(false);
  });

  it('an arrow goes from row to row where rows lie apart, and Home to the first', () => {
    const cursor = createCursor();
    cursor.head(10_001);
    cursor.rows(-50, 50);
    cursor.pin(1000);
    moveByKey(press('ArrowRight'), cursor, []);
    expect(cursor.get().step).toBe(1050);
    moveByKey(press('Home'), cursor, []);
    expect(cursor.get().step).toBe(-50);
    moveByKey(press('ArrowLeft'), cursor, []);
    expect(cursor.get().step).toBe(-50);
  });
});
