import { expect, it } from 'vitest';
import type { Condition } from '~/shared/commands';
import { describeCondition, type Measured, neverMet } from '~/shared/conditions';

const measured: Measured = {
  series: [
    { name: 'acc', role: 'accuracy' },
    { name: 'percent', role: 'accuracy', unit: '%' },
    { name: 'loss', role: 'loss' },
    { name: 'lr', role: 'learningRate' },
    { name: 'grad/w', role: 'gradNormOf' },
    { name: 'delta' },
  ],
  evaluations: [
    {
      split: 'dev',
      metrics: [
        { name: 'acc', value: 0.5, role: 'accuracy' },
        { name: 'bleu', value: 30 },
      ],
    },
    { split: 'test', metrics: [{ name: 'acc', value: 30 }] },
  ],
};
const series = (name: string, comparison: '<' | '>', value: number): Condition => ({ kind: 'series', name, comparison, value });
const result = (split: string, metric: string, comparison: '<' | '>', value: number): Condition => ({
  kind: 'evaluation',
  split,
  metric,
  comparison,
  value,
});
const above = 'an accuracy is never above 1; give a number below 1';
const below = 'an accuracy is never below 0; give a number above 0';

it.each([
  [series('acc', '>', 1), above],
  [series('acc', '>', 0.99), null],
  [series('acc', '<', 1), null],
  [series('acc', '<', 2), null],
  [series('acc', '<', 0), below],
  [series('acc', '<', 0.01), null],
  [series('acc', '>', 0), null],
  [series('acc', '>', -1), null],
  [series('percent', '>', 90), null],
  [series('loss', '>', 90), null],
  [series('percent', '<', -1), below],
  [series('loss', '<', -1), null],
  [series('delta', '<', -1), null],
  [series('lr', '<', 0), 'a learning rate is never below 0; give a number above 0'],
  [series('lr', '<', 1e-9), null],
  [series('lr', '>', 10), null],
  [series('grad/w', '<', -0.5), 'a gradient norm is never below 0; give a number above 0'],
  [series('nosuch', '>', 90), null],
  [result('dev', 'acc', '>', 1), above],
  [result('dev', 'acc', '<', 0), below],
  [result('dev', 'bleu', '>', 40), null],
  [result('dev', 'nosuch', '>', 40), null],
  [result('test', 'acc', '>', 40), null],
  [{ kind: 'step', step: 1 }, null],
] satisfies [Condition, string | null][])('%j by the role of its number: %j', (condition, message) => {
  expect(neverMet(measured, condition)).toBe(message);
});

it('each is said in words', () => {
  expect(
    ([{ kind: 'step', step: 7 }, result('dev', 'acc', '>', 0.5), series('loss', '<', 2)] as Condition[]).map(describeCondition),
  ).toEqual(['at step 7', 'when dev acc > 0.5', 'when loss < 2']);
});
