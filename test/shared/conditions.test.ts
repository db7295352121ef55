import { expect, it } from 'vitest';
import type { Condition } from '~/shared/commands';
import { boundsOf, describeCondition, type Measured, neverMet, seldomMet } from '~/shared/conditions';
import { controls } from '~/test/support/synthetic';

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

const bounded: Measured = {
  ...measured,
  series: [...measured.series, { name: 'epoch', role: 'epoch' }, { name: 'clip', role: 'clipThreshold' }],
  controls: [
    { ...controls.values[0]!, usual: [1e-5, 0.01] },
    { ...controls.values[1]!, max: 1000 },
  ],
  values: { learningRate: { value: 0.001 }, clipThreshold: { value: 5 } },
  epochs: 10,
};
it.each([
  [series('epoch', '>', 1e9), 'the run ends after 10 epochs; give a number below that', null],
  [series('epoch', '>', 10), 'the run ends after 10 epochs; give a number below that', null],
  [series('epoch', '>', 9.99), null, null],
  [series('epoch', '<', 10), null, null],
  [series('acc', '>', 10), 'an accuracy is never above 1; give a number below 1', null],
  [series('epoch', '<', 0), 'an epoch is never below 0; give a number above 0', null],
  [series('lr', '>', 10), null, 'Learning rate: × 10,000 of now; usually 0.00001 to 0.01'],
  [series('lr', '>', 0.001), null, null],
  // A schedule takes it there.
  [series('lr', '<', 1e-9), null, null],
  [series('clip', '>', 1000), 'Clip at is at most 1000; give a number below that', 'Clip at: × 200 of now'],
  [series('clip', '>', 100), null, null],
  [series('clip', '>', 0.001), null, null],
  [series('clip', '<', 2000), null, null],
  [series('loss', '>', 1e9), null, null],
  [series('nosuch', '>', 1e9), null, null],
  [result('dev', 'bleu', '>', 1e9), null, null],
  [{ kind: 'step', step: 1e9 }, null, null],
] satisfies [Condition, string | null, string | null][])(
  '%j by what the run declares: never %j, seldom %j',
  (condition, never, seldom) => {
    expect([neverMet(bounded, condition), seldomMet(bounded, condition)]).toEqual([never, seldom]);
  },
);

it('a run whose length people can change may come to any epoch; beyond the present end that is said', () => {
  const length = { ...controls.values[0]!, name: 'epochs', role: 'epochs', label: 'Epochs', max: 30 } as const;
  const longer: Measured = { ...bounded, controls: [length], values: { epochs: { value: 20 } } };
  const about = (condition: Condition) => [neverMet(longer, condition), seldomMet(longer, condition)];
  const beyond = 'Epochs: the run ends after 20 unless it is raised';
  expect([10, 19, 20, 30].map((value) => about(series('epoch', '>', value)))).toEqual([
    [null, null],
    [null, null],
    [null, beyond],
    ['Epochs is at most 30; give a number below that', beyond],
  ]);
  expect([series('epoch', '<', 25), series('loss', '>', 25), { kind: 'step' as const, step: 25 }].flatMap(about)).toEqual(
    Array(6).fill(null),
  );
  expect(seldomMet({ ...longer, values: {} }, series('epoch', '>', 25))).toBe(null);
});

it('each is said in words', () => {
  expect(
    ([{ kind: 'step', step: 7 }, result('dev', 'acc', '>', 0.5), series('loss', '<', 2)] as Condition[]).map(describeCondition),
  ).toEqual(['at step 7', 'when dev acc > 0.5', 'when loss < 2']);
});

it('an epoch has no end where none is declared, and a control without a value is judged by its usual range alone', () => {
  const { epochs: _epochs, values: _values, ...open } = bounded;
  expect(neverMet(open, series('epoch', '>', 1e9))).toBe(null);
  expect(seldomMet(open, series('lr', '>', 10))).toBe('Learning rate: usually 0.00001 to 0.01');
  expect(seldomMet({ ...bounded, values: { learningRate: { value: 0.02 } } }, series('lr', '>', 0.02))).toBe(null);
});

it('what bounds the numbers of a run are its controls, their values, and its epochs where a step has one', () => {
  const of = { controls, values: { learningRate: { value: 1 } }, totalSteps: 50 } as unknown as Parameters<typeof boundsOf>[0];
  expect(boundsOf({ ...of, stepsPerEpoch: 20 })).toEqual({ controls: controls.values, values: of.values, epochs: 2.5 });
  expect(boundsOf({ ...of, stepsPerEpoch: 0 }).epochs).toBe(0);
});
