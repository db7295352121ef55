import { expect, it } from 'vitest';
import { bestOf, columnsOf, describeRow } from '~/app/_run/activity/evaluationTable';
import type { EvaluationMetric } from '~/shared/events';
import type { WithLists } from '~/shared/view';

const evaluated = (
  seq: number,
  split: string,
  metrics: EvaluationMetric[],
  more: { examples?: number; elapsedMs?: number } = {},
) =>
  ({
    seq,
    at: 1,
    type: 'evaluation',
    step: seq,
    split,
    metrics,
    trigger: 'cadence',
    commandId: null,
    ...more,
  }) as WithLists['evaluations'][number];
const accuracy = (value: number): EvaluationMetric => ({ name: 'accuracy', value, role: 'accuracy' });
const loss = (value: number): EvaluationMetric => ({ name: 'loss', value, role: 'loss' });
const bleu = (value: number): EvaluationMetric => ({ name: 'bleu', value, main: true, better: 'higher' });
const perplexity = (value: number): EvaluationMetric => ({ name: 'perplexity', value, main: true, better: 'lower' });

it('a column per metric, those that say how good the run is first', () => {
  expect(columnsOf([evaluated(1, 'val', [loss(1), accuracy(0.5)]), evaluated(2, 'wiki', [loss(2), bleu(30)])])).toEqual([
    'accuracy',
    'bleu',
    'loss',
  ]);
});

it('the best of each set goes by its main metric and its direction; of equals the first, NaN never', () => {
  const best = bestOf([
    evaluated(1, 'val', [accuracy(0.5), loss(9)]),
    evaluated(2, 'val', [accuracy(0.7), loss(1)]),
    evaluated(3, 'val', [accuracy(0.7), loss(0)]),
    evaluated(4, 'val', [accuracy(Number.NaN)]),
    evaluated(5, 'lm', [perplexity(20)]),
    evaluated(6, 'lm', [perplexity(12)]),
    evaluated(7, 'no metric that says which way is better', [{ name: 'x', value: 1 }]),
  ]);
  expect([...best]).toEqual([
    [2, 'accuracy'],
    [6, 'perplexity'],
  ]);
});

it('a row says all that is known, and nothing of what is not', () => {
  expect(describeRow(evaluated(1, 'val', [loss(0.5), accuracy(0.75)], { examples: 1000, elapsedMs: 119.6 }))).toBe(
    '1,000 examples in 120 ms; accuracy 75 %; loss 0.5',
  );
  expect(describeRow(evaluated(1, 'val', [loss(0.5)]))).toBe('loss 0.5');
});
