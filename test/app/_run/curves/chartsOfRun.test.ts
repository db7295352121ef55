import { describe, expect, it } from 'vitest';
import { chartDefaults, chartParams, fromChartParams, smoothingWeight } from '~/app/_live/chartSettings';
import { clipRule, evaluationPoints, marksOf, timeAnchors } from '~/app/_live/runMarks';
import { matcher } from '~/app/_run/curves/seriesSearch';
import type { CommandRecord, RunView } from '~/shared/view';
import { publishedSetup } from '../../../support/setups';

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
} satisfies Parameters<typeof marksOf>[0];

describe('marks of a run', () => {
  it('a change shows old and new at the step where it took effect, a refusal why', () => {
    const marks = marksOf({
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
    const marks = marksOf({
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
          loss: 0.5,
          accuracy: 0.75,
          examples: 1,
          elapsedMs: 1,
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

  it('evaluations are points, one row per split that was evaluated', () => {
    const e = (split: 'validation' | 'test', step: number, loss: number) =>
      ({
        seq: 1,
        at: 0,
        type: 'evaluation',
        split,
        step,
        loss,
        accuracy: 1 - loss,
        trigger: 'epoch',
      }) as RunView['evaluations'][number];
    const points = evaluationPoints([e('validation', 20, 0.5), e('validation', 10, Number.NaN), e('test', 20, 0.25)], 'loss');
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

  it('the clip line follows every applied change and is off while clipping is not by norm', () => {
    const commands = [
      set(4, 'clipThreshold', 1, applied(5, 100, 5, 1)),
      set(6, 'clipMode', 'value', applied(7, 200, 'norm', 'value')),
      set(8, 'clipMode', 'norm', applied(9, 300, 'value', 'norm')),
      set(10, 'clipThreshold', 9, { status: 'refused', seq: 11, at: 0, step: 5, reason: 'invalid', message: '' }),
    ];
    expect(clipRule({ setup: publishedSetup('reverse'), commands }).from).toEqual([
      { step: 0, value: 5 },
      { step: 100, value: 1 },
      { step: 200, value: null },
      { step: 300, value: 1 },
    ]);
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
    } as const;
    expect(fromChartParams(new URLSearchParams(chartParams(c)))).toEqual(c);
    expect(chartParams(chartDefaults)).toEqual({});
    for (const [key, value] of Object.entries(c)) {
      const one = { ...chartDefaults, [key]: value };
      expect([key, fromChartParams(new URLSearchParams(chartParams(one)))]).toEqual([key, one]);
    }
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
