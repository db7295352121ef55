import { describe, expect, it } from 'vitest';
import {
  betterEvaluation,
  evaluatedStep,
  headlineMetric,
  mainMetric,
  metricNamed,
  metricWithRole,
  newestOfEach,
} from '~/shared/evaluations';
import type { Evaluation, EvaluationMetric } from '~/shared/events';
import { mostSplits, type WithSeq } from '~/shared/view';

let seq = 0;
const evaluation = (split: string, ...metrics: EvaluationMetric[]): WithSeq<Evaluation> => ({
  type: 'evaluation',
  seq: ++seq,
  at: 0,
  step: seq,
  split,
  metrics,
  trigger: 'cadence',
  commandId: null,
});
const score = (value: number, more: Partial<EvaluationMetric> = {}) =>
  evaluation('dev', { name: 'score', value, main: true, ...more });

describe('the metrics of an evaluation', () => {
  const [plain, loss, accuracy, main]: EvaluationMetric[] = [
    { name: 'bleu', value: 30 },
    { name: 'nll', value: 2, role: 'loss' },
    { name: 'top1', value: 0.5, role: 'accuracy' },
    { name: 'total', value: 3, role: 'loss', main: true },
  ];

  it('are found by name, and by role with the main one first', () => {
    const e = evaluation('dev', plain!, loss!, accuracy!, main!);
    expect([metricNamed(e, 'top1'), metricNamed(e, 'none')]).toEqual([accuracy, undefined]);
    expect([metricWithRole(e, 'loss'), metricWithRole(e, 'accuracy')]).toEqual([main, accuracy]);
    expect([
      metricWithRole(evaluation('dev', plain!, loss!), 'loss'),
      metricWithRole(evaluation('dev', main!, plain!), 'accuracy'),
    ]).toEqual([loss, undefined]);
  });

  it('are headed by the main one, else an accuracy, else a loss, else the first', () => {
    const headline = (...metrics: EvaluationMetric[]) => headlineMetric(evaluation('dev', ...metrics)).name;
    expect([
      headline(plain!, loss!, accuracy!, main!),
      headline(plain!, loss!, accuracy!),
      headline(plain!, loss!),
      headline(plain!),
    ]).toEqual(['total', 'top1', 'nll', 'bleu']);
  });

  it('are compared by the main one, in its direction; an evaluation without one is not compared', () => {
    expect(mainMetric(evaluation('dev', plain!, main!))).toEqual({ name: 'total', value: 3, better: 'lower' });
    expect(mainMetric(evaluation('dev', plain!, accuracy!))).toBeNull();
  });
});

describe('the best of two evaluations', () => {
  it('is the better one by its main metric, the earlier of equals; NaN, and one without a main metric, is never it', () => {
    const [low, high] = [score(1), score(2)];
    expect([betterEvaluation(high, low), betterEvaluation(low, high), betterEvaluation(low, score(1))]).toEqual([low, low, low]);
    expect([
      betterEvaluation(low, score(Number.NaN)),
      betterEvaluation(null, score(Number.NaN)),
      betterEvaluation(null, low),
    ]).toEqual([low, null, low]);
    expect(betterEvaluation(low, evaluation('dev', { name: 'score', value: 0 }))).toBe(low);
    const rising = score(3, { better: 'higher' });
    expect(betterEvaluation(score(2, { better: 'higher' }), rising)).toBe(rising);
  });

  it('is the new one where another metric is the main one now', () => {
    const renamed = score(9, { name: 'other' });
    expect(betterEvaluation(score(1), renamed)).toBe(renamed);
  });
});

describe('the newest evaluation of each set', () => {
  it('is the one with the highest seq, however they are ordered, and they stand in the order of the log', () => {
    const [a1, b1, a2, c1] = ['a', 'b', 'a', 'c'].map((split) => evaluation(split, { name: 'score', value: 1 })) as [
      WithSeq<Evaluation>,
      ...WithSeq<Evaluation>[],
    ];
    expect(newestOfEach([a2!, c1!, a1, b1!])).toEqual([b1, a2, c1]);
    expect(newestOfEach([a1, b1!, a2!, a2!])).toEqual([b1, a2]);
  });

  it('is kept for the newest sets only', () => {
    const all = Array.from({ length: mostSplits + 3 }, (_, i) => evaluation(`set ${i}`, { name: 'score', value: 1 }));
    expect(newestOfEach(all)).toEqual(all.slice(3));
  });
});

it('an evaluation is of the parameters at their own step, where it names one', () => {
  expect([evaluatedStep({ step: 9, parametersStep: 0 }), evaluatedStep({ step: 9 })]).toEqual([0, 9]);
});
