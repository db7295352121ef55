import { describe, expect, it } from 'vitest';
import { Curve } from '~/app/_charts/curve';
import { chartDefaults, chartParams, fromChartParams, seriesChoice, smoothingWeight } from '~/app/_live/chartSettings';
import { clipRule, evaluationPoints, happeningsOf, timeAnchors } from '~/app/_live/runMarks';
import { groupSeries, nameInGroup } from '~/app/_run/curves/grouping';
import { mainCharts, metricCharts, noSuchSeries, ownCharts } from '~/app/_run/curves/mainCharts';
import { matcher, wordsOf } from '~/app/_run/curves/seriesSearch';
import type { ControlSpec } from '~/shared/controls';
import type { EvaluationMetric } from '~/shared/events';
import type { Series } from '~/shared/series';
import type { CommandRecord, WithLists } from '~/shared/view';

const ada = { id: 'u1', name: 'Ada', role: 'operator' } as const;
const set = (seq: number, control: string, value: number | string, outcome: CommandRecord['outcome']): CommandRecord => ({
  seq,
  at: 0,
  actor: ada,
  command: { kind: 'set', id: `command${seq}`, runId: 'run001', control, value },
  outcome,
});
const applied = (seq: number, step: number, before: number | string, after: number | string) =>
  ({ status: 'applied', seq, at: 0, step, before, after, message: '' }) as const;
const nothing = {
  commands: [],
  evaluations: [],
  checkpoints: [],
  snapshots: [],
  alerts: [],
  statuses: [],
  notes: [],
  controls: { values: [], actions: [] },
} satisfies Parameters<typeof happeningsOf>[0];

describe('marks of a run', () => {
  it('a change shows old and new at the step where it took effect, a refusal why', () => {
    const { marks } = happeningsOf({
      ...nothing,
      commands: [
        set(9, 'learningRate', 1, { status: 'refused', seq: 10, at: 0, step: 12, reason: 'conflict', message: 'changed by Bo' }),
        set(4, 'clipThreshold', 1, applied(5, 7, 5, 1)),
        set(11, 'clipThreshold', 2, { status: 'requested' }),
      ],
    });
    expect(marks.map(({ step, kind, label, detail, line }) => ({ step, kind, label, detail, line }))).toEqual([
      { step: 7, kind: 'command', label: 'clipThreshold 5 → 1', detail: 'Ada', line: true },
      { step: 12, kind: 'refused', label: 'learningRate 1 refused', detail: 'Ada: changed by Bo', line: undefined },
    ]);
  });

  it('alerts, checkpoints, evaluations, statuses and snapshots on demand are marked; cadence snapshots are the scrubber’s', () => {
    const placed = { seq: 1, at: 0 };
    const blob = { hash: 'a'.repeat(64), bytes: 1 };
    const shot = {
      ...placed,
      type: 'snapshot',
      blob,
      commandId: null,
      layers: 1,
      heads: 1,
      examples: 1,
      queries: 1,
      keys: 1,
    } as const;
    const { marks } = happeningsOf({
      ...nothing,
      alerts: [
        { ...placed, step: 3, level: 'error', kind: 'not-finite', message: 'loss is NaN' },
        { ...placed, step: null, level: 'info', kind: 'disk', message: '' },
      ],
      snapshots: [
        { ...shot, step: 4, trigger: 'command' },
        { ...shot, step: 5, trigger: 'cadence' },
      ],
      statuses: [
        { ...placed, status: 'running', step: 0, message: '' },
        { ...placed, status: 'paused', step: 9, message: 'by Ada' },
      ],
      evaluations: [
        {
          ...placed,
          type: 'evaluation',
          step: 6,
          split: 'test',
          metrics: [
            { name: 'loss', value: 0.5, role: 'loss' },
            { name: 'accuracy', value: 0.75, role: 'accuracy' },
          ],
          trigger: 'end',
          commandId: null,
          parametersStep: 2,
        },
      ],
    });
    expect(marks.map((m) => [m.step, m.kind, m.label, m.detail])).toEqual([
      [3, 'alert', 'not-finite', 'loss is NaN'],
      [4, 'snapshot', 'snapshot on demand', ''],
      [6, 'evaluation', 'test accuracy 75 %, loss 0.5', 'parameters of step 2'],
      [9, 'status', 'paused', 'by Ada'],
    ]);
  });

  const evaluated = (split: string, step: number, ...metrics: EvaluationMetric[]) =>
    ({
      seq: step,
      at: 1,
      type: 'evaluation',
      split,
      step,
      metrics,
      trigger: 'epoch',
      commandId: null,
    }) as WithLists['evaluations'][number];
  const loss = (value: number, name = 'loss'): EvaluationMetric => ({ name, value, role: 'loss' });

  it('evaluations are points, one row per split that was evaluated, in the order of steps', () => {
    const points = evaluationPoints(
      [evaluated('validation', 20, loss(0.5)), evaluated('validation', 10, loss(Number.NaN)), evaluated('test', 20, loss(0.25))],
      (m) => m.role === 'loss',
    );
    expect(points.map((p) => [p.label, p.points.map((v) => [v.step, v.value])])).toEqual([
      [
        'validation',
        [
          [10, Number.NaN],
          [20, 0.5],
        ],
      ],
      ['test', [[20, 0.25]]],
    ]);
  });

  it('any split and any metric names are data; several metrics of one role are told apart', () => {
    const points = evaluationPoints(
      [evaluated('__proto__', 1, loss(1, 'nll'), loss(2, 'constructor')), evaluated('wiki/long', 1, loss(3, 'nll'))],
      (m) => m.role === 'loss',
    );
    expect(points.map((p) => [p.label, p.points[0]!.value])).toEqual([
      ['__proto__ nll', 1],
      ['__proto__ constructor', 2],
      ['wiki/long nll', 3],
    ]);
    expect(new Set(points.map((p) => p.name)).size).toBe(3);
  });

  const control = (name: string, role: ControlSpec['role']) => ({ name, role }) as ControlSpec;
  const clipping = (values: ControlSpec[], now: Record<string, number | string>, commands: CommandRecord[] = []) => ({
    controls: { values, actions: [] },
    values: Object.fromEntries(Object.entries(now).map(([name, value]) => [name, { value, changedBy: null, changedAtStep: 0 }])),
    commands,
  });
  const before = Number.MIN_SAFE_INTEGER;

  it('the clip line follows every applied change and is off while clipping is not by norm', () => {
    const commands = [
      set(4, 'optimizer.clip', 1, applied(5, 100, 5, 1)),
      set(6, 'how', 'value', applied(7, 200, 'norm', 'value')),
      set(8, 'how', 'norm', applied(9, 300, 'value', 'norm')),
      set(10, 'optimizer.clip', 9, { status: 'refused', seq: 11, at: 0, step: 5, reason: 'invalid', message: '' }),
    ];
    const view = clipping(
      [control('optimizer.clip', 'clipThreshold'), control('how', 'clipMode')],
      { 'optimizer.clip': 1, how: 'norm' },
      commands,
    );
    expect(clipRule(view, [{ name: 'norm', role: 'gradNorm' }], null)).toEqual({
      label: 'clip',
      from: [
        { step: before, value: 5 },
        { step: 100, value: 1 },
        { step: 200, value: null },
        { step: 300, value: 1 },
      ],
      marks: { line: 'norm' },
    });
  });

  it('a series with the role tells the threshold of every step; NaN is off', () => {
    const curve = new Curve('clip', 16, null);
    for (const [step, value] of [
      [0, 2],
      [10, 2],
      [20, Number.NaN],
      [30, 4],
    ] as const)
      curve.append(step, value);
    expect(clipRule(clipping([], {}), [], curve)!.from).toEqual([
      { step: 0, value: 2 },
      { step: 20, value: null },
      { step: 30, value: 4 },
    ]);
  });

  it('a run that clips nothing has no clip line, whatever its controls and series are called', () => {
    const view = clipping([control('clipThreshold', undefined)], { clipThreshold: 5 });
    expect(clipRule(view, [{ name: 'gradNorm' }, { name: 'clipThreshold' }], null)).toBeNull();
  });

  it('time is known where an entry says so', () => {
    const at = (step: number, ms: number) => ({ step, at: ms, seq: 1 });
    const anchors = timeAnchors({
      evaluations: [],
      snapshots: [at(20, 3000)] as never,
      checkpoints: [],
      statuses: [
        { ...at(0, 500), status: 'starting', message: '' },
        { ...at(0, 1000), status: 'running', message: '' },
      ],
      createdAt: 1,
      updatedAt: 4000,
      step: 30,
    });
    expect(anchors).toEqual([
      { step: 0, at: 1000 },
      { step: 20, at: 3000 },
      { step: 0, at: 1000 },
      { step: 30, at: 4000 },
    ]);
  });
});

describe('the charts of a run', () => {
  const series = (name: string, more: Partial<Series> = {}): Series => ({ name, ...more });
  const titles = (all: Series[], evaluations: WithLists['evaluations'] = []) =>
    mainCharts(all, evaluations).map((c) => [c.title, ...c.lines.map((l) => l.name)]);
  const bleu = (value: number) =>
    ({
      seq: 1,
      at: 1,
      type: 'evaluation',
      split: 'val',
      step: 5,
      metrics: [{ name: 'bleu', value }],
      trigger: 'epoch',
      commandId: null,
    }) as WithLists['evaluations'][number];

  it('are chosen by roles, never by names', () => {
    expect(
      titles([
        series('accuracy'),
        series('loss'),
        series('optimizer.lr', { role: 'learningRate' }),
        series('perte', { role: 'loss' }),
        series('plan', { role: 'baseLearningRate' }),
        series('|g|', { role: 'gradNorm' }),
      ]),
    ).toEqual([
      ['Loss', 'perte'],
      ['Gradient norm', '|g|'],
      ['Learning rate', 'plan', 'optimizer.lr'],
    ]);
  });

  it('show nothing of what the run lacks; a main series and the metrics of evaluations have their own', () => {
    expect(titles([])).toEqual([]);
    expect(titles([series('reward', { main: true, better: 'higher' })])).toEqual([['reward', 'reward']]);
    expect(metricCharts([bleu(30), bleu(31)]).map((c) => [c.title, c.points.map((p) => [p.label, p.points.length])])).toEqual([
      ['bleu', [['val', 2]]],
    ]);
  });

  it('a chart of somebody’s own names the series that the run does not have', () => {
    const plan = {
      own: [{ id: 'x', title: 'Mine', series: ['a', 'b', 'c'], range: [null, null] }],
      hidden: [],
      order: [],
    } as const;
    const [mine] = ownCharts(plan, [], [series('b')]);
    expect([mine?.lines.map((l) => l.name), mine?.missing]).toEqual([['b'], ['a', 'c']]);
    expect(noSuchSeries(['a', 'c'])).toBe('There is no series a, c here.');
    expect(noSuchSeries(['a', 'b', 'c', 'd', 'e'])).toBe('There is no series a, b, c and 2 more here.');
  });

  it('an accuracy is a share in percent unless its unit says otherwise', () => {
    const percent = (unit?: string) => mainCharts([series('acc', { role: 'accuracy', ...(unit && { unit }) })], [])[0]!.percent;
    expect([percent(), percent('%')]).toEqual([true, false]);
  });

  it('the others are in groups: those of no group first, then by what they say or by prefix, the machine last', () => {
    const groups = groupSeries([
      series('system/cpu'),
      series('val/loss'),
      series('mine'),
      series('norm/a', { group: 'gradient norm per parameter' }),
      series('val/deep/bleu'),
      series('val/acc'),
      series('/odd'),
      series('__proto__/x'),
    ]);
    expect(groups.map((g) => [g.name, g.members.map((s) => s.name)])).toEqual([
      ['', ['mine', '/odd']],
      ['val', ['val/loss', 'val/acc']],
      ['gradient norm per parameter', ['norm/a']],
      ['val/deep', ['val/deep/bleu']],
      ['__proto__', ['__proto__/x']],
      ['system', ['system/cpu']],
    ]);
    expect(nameInGroup('val/loss', 'val')).toBe('loss');
    expect(nameInGroup('norm/a', 'gradient norm per parameter')).toBe('norm/a');
  });

  it('a search finds a series by its key, by what it is called on screen, and by its group', () => {
    const norm = series('g17', { role: 'gradNormOf', of: 'transformer.layers.0.linear1.weight', group: 'gradient norms' });
    const found = (search: string) => wordsOf(norm).some(matcher(search).test);
    expect(['g17', 'L1 linear', 'gradient n', 'transformer'].map(found)).toEqual([true, true, true, false]);
  });
});

describe('chart choices', () => {
  it('survive the address bar, field by field', () => {
    const c = {
      smoothSteps: 200,
      log: true,
      logX: true,
      robust: true,
      x: 'epoch',
      search: 'norm|a,b&c',
      open: ['gradient norm, per parameter', 'throughput'],
      gradients: 'lines',
      plan: {
        own: [{ id: 'own 1', title: 'a&b', series: ['x', 'y,z'], range: [null, 0.5] }],
        hidden: ['loss'],
        order: ['own 1', 'loss'],
      },
    } as const;
    expect(fromChartParams(new URLSearchParams(chartParams(c)))).toEqual(c);
    expect(chartParams(chartDefaults)).toEqual({});
    for (const [key, value] of Object.entries(c)) {
      const one = { ...chartDefaults, [key]: value };
      expect([key, fromChartParams(new URLSearchParams(chartParams(one)))]).toEqual([key, one]);
    }
  });

  it('any series may be the x axis', () => {
    const tokens = { ...chartDefaults, x: seriesChoice('tokens seen/a&b=c') };
    expect(fromChartParams(new URLSearchParams(chartParams(tokens)))).toEqual(tokens);
    expect(fromChartParams(new URLSearchParams('x=series:')).x).toBe('step');
  });

  it('nonsense in the address leaves the defaults', () => {
    expect(fromChartParams(new URLSearchParams('smooth=-3&x=foot&log=yes&gradients=7'))).toEqual(chartDefaults);
  });

  it('smoothing over n steps weighs the newest value 1/n', () => {
    expect([0, 1, 10, 1000].map(smoothingWeight)).toEqual([0, 0, 0.9, 0.999]);
  });

  it('a search is a regular expression; what is none is looked for as it stands, and said', () => {
    expect(['loss', 'gradNorm/a'].map(matcher('^GRAD').test)).toEqual([false, true]);
    const broken = matcher('a[');
    expect([broken.error, broken.test('x a[0]'), broken.test('a')]).toEqual([
      'not a regular expression: searched as plain text',
      true,
      false,
    ]);
  });
});
