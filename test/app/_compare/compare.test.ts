import { describe, expect, it } from 'vitest';
import { Curve } from '~/app/_charts/curve';
import { draw } from '~/app/_charts/draw';
import type { Palette } from '~/app/_charts/palette';
import { SvgPen } from '~/app/_charts/svgPen';
import { xMap } from '~/app/_charts/xMap';
import { comparisonOf, withoutRuns } from '~/app/_compare/AttentionCompared';
import { type Aligned, type Alignment, axisOf, carried, endsOf, ownZoom } from '~/app/_compare/align';
import { differences } from '~/app/_compare/difference';
import { compareCharts, legendNames, ownSeries, sharedNames } from '~/app/_compare/lines';
import { type CompareView, compareDefaults, compareLink, fromCompareLink, withoutRun, withRun } from '~/app/_compare/link';
import type { Compared } from '~/app/_compare/useCompared';
import { type ChartPlan, noPlan } from '~/app/_live/chartPlan';
import { commonLoss, stepAtLoss } from '~/app/_live/equalLoss';
import type { SeriesRole } from '~/shared/series';
import type { Config } from '~/shared/setup';
import { configOf, publishedSetup, withConfig } from '~/test/support/setups';
import { builtinRecipes } from '~/trainer/recipes';

const curveOf = (values: number[], firstStep = 0): Curve => {
  const curve = new Curve('loss', 64, null);
  for (const [i, v] of values.entries()) curve.append(firstStep + i, v);
  return curve;
};
const run = (runId: string, values: number[], stepsPerEpoch = 10, anchors: Aligned['anchors'] = []): Aligned => ({
  runId,
  loss: curveOf(values),
  stepsPerEpoch,
  anchors,
});
const fast = run('fast01', [4, 2, 1, 0.5], 10, [
  { step: 0, at: 5_000 },
  { step: 4, at: 5_400 },
]);
const slow = run('slow01', [4, 3, 3, 2, 2, 1], 20, [
  { step: 0, at: 9_000 },
  { step: 6, at: 21_000 },
]);
const runs = [fast, slow];

describe('runs on one axis', () => {
  it('by step: as they are', () => {
    expect(axisOf('step', runs, null).place('slow01')!.of(3)).toBe(3);
  });
  it('by epoch: 10 steps of the one stand over 20 of the other', () => {
    const axis = axisOf('epoch', runs, null);
    expect([axis.map.of(axis.place('fast01')!.of(10)), axis.map.of(axis.place('slow01')!.of(20))]).toEqual([1, 1]);
    expect(axis.map.say(axis.place('slow01')!.of(10))).toBe('epoch 0.5');
  });
  it('by time: each from its own beginning, in ms', () => {
    const axis = axisOf('time', runs, null);
    // 4 steps in 400 ms; 6 steps in 12 s
    expect(axis.place('fast01')!.of(2)).toBe(200);
    expect(axis.place('slow01')!.of(3)).toBe(6_000);
  });
  it('by equal loss: both reach it at the same place; one that never does is left out', () => {
    const axis = axisOf('equal loss', runs, 2);
    // fast is at 2 by step 1, slow by step 3
    expect(axis.place('fast01')!.of(1)).toBe(axis.place('slow01')!.of(3));
    expect(axis.map.of(axis.place('slow01')!.of(3))).toBe(0);
    expect(axisOf('equal loss', runs, 0.6).place('slow01')).toBeNull();
  });
  it('the axis begins where its runs do: below 0 or far above it too, and a run that has no place on it says nothing', () => {
    const ends = (kind: Alignment, ...of: [first: number, step: number][]) =>
      endsOf(
        axisOf(kind, runs, null),
        of.map(([first, step], i) => ({ runId: runs[i]!.runId, first, view: { step } })),
      );
    expect(ends('step', [-100, -50])).toEqual([-100, -50]);
    expect(ends('step', [-150, 50], [0, 40])).toEqual([-150, 50]);
    expect(ends('step', [1e15, 1e15 + 9])).toEqual([1e15, 1e15 + 9]);
    // 10 and 20 steps an epoch, 1,000 positions an epoch.
    expect(ends('epoch', [0, 4], [-20, 6])).toEqual([-1000, 400]);
    expect(ends('equal loss', [-4, 4])).toEqual([0, 0]);
  });

  it('a logarithmic axis counts in steps, hundredths of an epoch and seconds; equal loss has places on both sides of 0', () => {
    const ticks = (kind: Alignment, to: number) => {
      const { map } = axisOf(kind, runs, 2, true);
      return map.ticks(map.of(0), map.of(to), 9).map((x) => map.tick(x));
    };
    expect(ticks('step', 5000)).toEqual(['0', '1', '10', '100', '1k']);
    expect(ticks('epoch', 20_000)).toEqual(['0', '0.01', '0.1', '1', '10']);
    expect(ticks('time', 700_000)).toEqual(['0', '1 s', '10 s', '1:00', '10:00']);
    expect(axisOf('equal loss', runs, 2, true).map.log).toBeUndefined();
  });
  it('every place leads back to its step, and a zoom to the steps of each run', () => {
    for (const kind of ['step', 'epoch', 'time', 'equal loss'] as const)
      for (const { runId } of runs) {
        const place = axisOf(kind, runs, 2).place(runId)!;
        for (const step of [0, 1, 3]) expect(place.back(place.of(step)), `${kind} ${runId} ${step}`).toBeCloseTo(step, 9);
      }
    const axis = axisOf('epoch', runs, null);
    // half an epoch to one: 5 to 10 of 10 steps, 10 to 20 of 20; the last step shown is in
    expect([ownZoom(axis.place('fast01'), [500, 1000]), ownZoom(axis.place('slow01'), [500, 1000])]).toEqual([
      [5, 11],
      [10, 21],
    ]);
    // 100 steps a second from 0: 640 to 1700 is 1061 steps, rounded outwards to multiples of 1024 / 16
    const live = (at: number) =>
      axisOf(
        'time',
        [
          run('live01', [], 10, [
            { step: 0, at: 0 },
            { step: 2000, at },
          ]),
        ],
        null,
      ).place('live01');
    expect([ownZoom(live(20_000), [6_450, 17_000]), ownZoom(live(20_010), [6_450, 17_000])]).toEqual([
      [640, 1728],
      [640, 1728],
    ]);
    expect([ownZoom(axis.place('fast01'), null), ownZoom(null, [1, 2])]).toEqual([null, null]);
  });
  it('by equal loss: the smoothed one, so that one lucky batch does not count', () => {
    const loss = new Curve('loss', 64, null);
    loss.average(0.5);
    for (const [i, v] of [4, 4, 0, 4, 2, 2].entries()) loss.append(i, v);
    // w = 0.5: 2/.5 = 4; 3/.75 = 4; 1.5/.875 = 1.714; 2.75/.9375 = 2.933; 2.375/.96875 = 2.452; 2.1875/.984375 = 2.222
    expect(loss.ema[2]).toBeCloseTo(1.714, 3);
    expect([stepAtLoss(loss, 1), stepAtLoss(loss, 1.8), stepAtLoss(loss, 4)]).toEqual([null, 2, 0]);
    expect(commonLoss([loss])).toBeCloseTo(1.714, 3);
  });
  it('a run that has not begun has no place by epoch, time or loss', () => {
    const queued: Aligned = { runId: 'queued', loss: null, stepsPerEpoch: 0, anchors: [] };
    expect((['epoch', 'time', 'equal loss'] as const).map((kind) => axisOf(kind, [queued], 1).place('queued'))).toEqual([
      null,
      null,
      null,
    ]);
  });
  it('the lowest loss that all have reached', () => {
    expect(commonLoss(runs.map((r) => r.loss))).toBe(1);
    expect(commonLoss([fast.loss, null])).toBe(commonLoss([fast.loss]));
    expect(commonLoss([null])).toBeNull();
    expect(stepAtLoss(slow.loss!, 3)).toBe(1);
    expect(stepAtLoss(slow.loss!, 0)).toBeNull();
  });
});

const by = (of: (step: number) => number) => ({ of, back: () => Number.NaN });

describe('a curve carried to another axis', () => {
  it('keeps every bucket when the axis is a stretched one', () => {
    const out = carried(
      curveOf([4, Number.NaN, 1, 0.5]),
      by((s) => s * 100 + 7),
    );
    expect([...out.steps.slice(0, out.count)]).toEqual([7, 107, 207, 307]);
    expect([...out.values.last.slice(0, 4)]).toEqual([4, Number.NaN, 1, 0.5]);
    expect([...out.values.nonFinite.slice(0, 4)]).toEqual([0, 1, 0, 0]);
  });
  it('carries the moving average with its buckets', () => {
    const curve = new Curve('loss', 64, null);
    curve.average(0.5);
    for (const [i, v] of [1, 2, 4].entries()) curve.append(i, v);
    expect([
      ...carried(
        curve,
        by((s) => s * 3),
      ).ema.slice(0, 3),
    ]).toEqual([1, 1.25 / 0.75, 3]);
  });
  it('loses no extreme, no row and no bucket when the pace changes', () => {
    const out = carried(
      curveOf([1, 9, 2, -7, 3, 4, 5, 6]),
      by((s) => (s < 4 ? s : 4 + (s - 4) * 10)),
    );
    expect([out.count, out.total, ...out.steps.slice(0, 8)]).toEqual([8, 8, 0, 1, 2, 3, 4, 14, 24, 34]);
    expect([Math.max(...out.values.max.slice(0, 8)), Math.min(...out.values.min.slice(0, 8))]).toEqual([9, -7]);
  });
  it('draws one line however the pace changes and whatever steps the run has no rows of', () => {
    const place = by((s) => (s < 4 ? s : 4 + (s - 4) * 10));
    const lines = (curve: Curve) => {
      const pen = new SvgPen();
      const plot = { left: 0, width: 100, height: 50, x: [0, 60], y: [0, 9], log: false, map: xMap('step', 0, []) } as const;
      const line = { name: 'a', label: 'a', color: 0, thin: true, curve: () => curve };
      draw(pen, plot, { lines: [line], points: [], rule: null }, { smoothing: 0, log: false, robust: false }, {
        series: ['#123'],
      } as unknown as Palette);
      return pen.markup().match(/M/g)!.length;
    };
    const curve = curveOf([1, 9, 2, 7, 3, 4, 5, 6]);
    expect(lines(carried(curve, place))).toBe(lines(curve));
    curve.append(12, 3);
    expect(lines(carried(curve, place))).toBe(1); // its end, with the dot, lies beyond the plot
  });
  it("a branch begins at its fork: its curve's first step is carried too", () => {
    expect(
      carried(
        curveOf([1, 2], 50),
        by((s) => s * 2),
      ).firstStep,
    ).toBe(100);
  });
});

describe('a link to the page', () => {
  const there = (view: CompareView) => fromCompareLink(new URLSearchParams(compareLink(view).split('?')[1]));
  const plain: CompareView = {
    runs: ['run001', 'run002'],
    choices: compareDefaults,
    zoom: null,
    attention: null,
  };
  it('carries every field, alone and together, and nothing that stands at its default', () => {
    expect(compareLink(plain)).toBe('/compare?runs=run001,run002');
    const changed: CompareView['choices'] = {
      x: 'equal loss',
      level: '0.5',
      smoothSteps: 200,
      log: true,
      logX: true,
      robust: true,
      search: 'val/',
      open: ['val'],
      gradients: 'lines',
      plan: { own: [{ id: 'own 1', title: 'Both', series: ['loss', 'val/loss'], range: [0, null] }], hidden: [], order: [] },
    };
    const all: CompareView = { ...plain, choices: changed, zoom: [10, 2000] };
    for (const view of [
      plain,
      all,
      { ...plain, zoom: all.zoom },
      { ...plain, runs: [] },
      ...Object.entries(changed).map(([key, value]) => ({ ...plain, choices: { ...plain.choices, [key]: value } })),
    ])
      expect(there(view)).toEqual(view);
  });
  it('a run that is left out leaves its position free: the others keep theirs, and the next run takes it', () => {
    const left = withoutRun(['run001', 'run002', 'run003'], 'run002');
    expect(compareLink({ ...plain, runs: left })).toBe('/compare?runs=run001,,run003');
    expect(there({ ...plain, runs: left }).runs).toEqual(['run001', '', 'run003']);
    expect(withRun(left, 'run004')).toEqual(['run001', 'run004', 'run003']);
    expect(withRun(['run001'], 'run004')).toEqual(['run001', 'run004']);
    expect(withoutRun(left, 'run003')).toEqual(['run001']);
    expect(withoutRun(withoutRun(left, 'run001'), 'run003')).toEqual([]);
  });
  it('nonsense leaves the defaults; a run is taken once, ten at most', () => {
    const ids = Array.from({ length: 12 }, (_, i) => `run${100 + i}`);
    expect(
      fromCompareLink(new URLSearchParams(`runs=${ids[0]},${ids.join(',')}&x=foot&smooth=-1&zoom=9-3&log=yes&attention={`)),
    ).toEqual({ ...plain, runs: ids.slice(0, 10) });
  });
});

describe('settings that differ', () => {
  const specs = new Map(builtinRecipes.map(({ spec }) => [spec.name, spec]));
  const a = publishedSetup('reverse');
  const { clip, schedule } = configOf(a);
  const b = { ...withConfig(a, { clip: { ...clip, threshold: 1 }, schedule: { ...schedule, maxSteps: 500 } }), name: 'other' };

  it('only what differs is listed, by the titles of the recipe', () => {
    expect(differences([a, b], specs)).toEqual([
      { path: 'config.schedule.maxSteps', label: 'Reaches 0 at (step)', values: ['the last step', '500'] },
      { path: 'config.clip.threshold', label: 'Clip value', values: ['5', '1'] },
    ]);
    expect(differences([a, a], specs)).toEqual([]);
  });

  it('null for a setting that a recipe lacks; the recipes themselves are compared too', () => {
    const rows = differences([a, publishedSetup('anomaly')], specs);
    expect(rows[0]).toEqual({ path: 'recipe', label: 'Recipe', values: ['Reverse', 'Odd one out'] });
    expect(rows.find((d) => d.path === 'config.task.setSize')).toMatchObject({ values: [null, '10'] });
  });

  it('settings of a recipe that is not known here stand under their paths, as scripts have them', () => {
    const script = (config: Config) => ({ ...a, recipe: null, config });
    expect(differences([script({ lr: 0.1, deep: { layers: 2 } }), script({ lr: 0.2, deep: { layers: 2 } })], new Map())).toEqual([
      { path: 'config.lr', label: 'lr', values: ['0.1', '0.2'] },
    ]);
  });

  it('a run whose settings are not known says nothing about them, and makes no difference', () => {
    const imported = { ...a, recipe: null, config: {} };
    expect(differences([a, imported], specs)).toEqual([]);
    expect(differences([a, imported, b], specs).map((d) => d.values)).toEqual([
      ['the last step', null, '500'],
      ['5', null, '1'],
    ]);
  });

  it('names that objects have anyway are settings', () => {
    const script = (value: number) => ({
      ...a,
      recipe: null,
      config: JSON.parse(`{"__proto__":${value},"constructor":{"toString":${value}}}`) as Config,
    });
    expect(differences([script(1), script(2)], specs).map((d) => [d.label, ...d.values])).toEqual([
      ['__proto__', '1', '2'],
      ['constructor.toString', '1', '2'],
    ]);
  });
});

describe('the charts of a comparison', () => {
  /** A run whose series have these names and roles. */
  const compared = (runId: string, columns: { name: string; role?: SeriesRole }[]): Compared =>
    ({
      runId,
      view: { streams: [{ columns }], evaluations: [], setup: { name: runId } },
      series: new Map(columns.flatMap(({ name, role }) => (role ? [[role, name]] : []))),
    }) as unknown as Compared;
  const ours = compared('ours', [{ name: 'train/perte', role: 'loss' }, { name: 'ppl' }, { name: 'own' }]);
  const theirs = compared('theirs', [{ name: 'loss', role: 'loss' }, { name: 'ppl' }]);
  const both = [ours, theirs];

  it('a name means the series of its role in each run, whatever it is called there; else the series of that name', () => {
    const own = ownSeries(both);
    expect(both.map((run) => own(run, 'train/perte'))).toEqual(['train/perte', 'loss']);
    expect(both.map((run) => own(run, 'ppl'))).toEqual(['ppl', 'ppl']);
    expect(both.map((run) => own(run, 'own'))).toEqual(['own', undefined]);
    expect(sharedNames(both)).toEqual(['ppl']);
  });

  it('are those of the roles and of common names, changed, hidden and put in order as on the page of a run', () => {
    const plan: ChartPlan = {
      own: [
        { id: 'loss', title: 'Loss and perplexity', series: ['loss', 'ppl'], range: [0, null] },
        { id: 'own 1', title: 'Mine', series: ['own'], range: [null, null] },
      ],
      hidden: ['series ppl'],
      order: ['own 1'],
    };
    expect(compareCharts(both, ['ppl'], noPlan).map((c) => [c.title, ...c.series])).toEqual([
      ['Loss', 'train/perte'],
      ['ppl', 'ppl'],
    ]);
    expect(compareCharts(both, ['ppl'], plan).map((c) => [c.title, ...c.series])).toEqual([
      ['Mine', 'own'],
      ['Loss and perplexity', 'loss', 'ppl'],
    ]);
  });
});

it('legends leave out the parts with which the names of all runs begin or end', () => {
  const short = (...names: string[]) => [...legendNames(new Map(names.map((name, i) => [`run${i}`, name]))).values()];
  expect(short('Reverse: batchSize 64, lr 0.001', 'Reverse: batchSize 64, lr 0.003')).toEqual(['lr 0.001', 'lr 0.003']);
  expect(short('Reverse: batchSize 64, lr 0.001', 'Reverse: batchSize 128, lr 0.001')).toEqual(['batchSize 64', 'batchSize 128']);
  expect(short('a: x 1, y 1', 'a: x 2, y 2', 'b: x 1, y 1')).toEqual(['a: x 1, y 1', 'a: x 2, y 2', 'b: x 1, y 1']);
  expect(short('Reverse', 'Reverse: lr 1')).toEqual(['Reverse', 'Reverse: lr 1']);
  expect(short('the same (run1)', 'the same (run2)')).toEqual(['the same (run1)', 'the same (run2)']);
  expect(short('Reverse: lr 1')).toEqual(['Reverse: lr 1']);
});

describe('panes of attention', () => {
  const runsOf = (c: ReturnType<typeof comparisonOf> | null) => c?.panes.map((p) => p.run);
  it('are of the runs that have snapshots, and at least two', () => {
    expect(runsOf(comparisonOf(['cc', 'dd'], ['aa', 'bb', 'cc', 'dd']))).toEqual(['cc', 'dd']);
    expect(runsOf(comparisonOf(['cc'], ['aa', 'bb', 'cc']))).toEqual(['cc', 'aa']);
    expect(runsOf(comparisonOf(['aa'], ['aa']))).toEqual(['aa', 'aa']);
  });
  it('go with the run that is left out', () => {
    const three = {
      ...comparisonOf(['aa', 'bb', 'cc'], []),
      minus: [0, 1] as [number, number],
      lead: { run: 'aa', step: 5, own: 5 },
    };
    expect(withoutRuns(three, ['aa', 'bb', 'cc'])).toBe(three);
    const two = withoutRuns(three, ['bb', 'cc']);
    expect([runsOf(two), two?.minus, two?.lead]).toEqual([['bb', 'cc'], null, null]);
    expect(withoutRuns(three, ['cc'])).toBeNull();
  });
});
