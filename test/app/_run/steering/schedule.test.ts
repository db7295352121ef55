import { expect, it } from 'vitest';
import { conditionOf, metricsOf, splitsOf, startTexts, type WhenTexts } from '~/app/_run/steering/schedule';
import type { Measured } from '~/shared/conditions';

const measured: Measured = {
  series: [{ name: 'gradNorm' }, { name: 'train/acc', role: 'accuracy' }],
  evaluations: [
    { split: 'validation', metrics: [{ name: 'accuracy', value: 0.5, role: 'accuracy' }] },
    {
      split: 'wikitext/long',
      metrics: [
        { name: 'loss', value: 3, role: 'loss' },
        { name: 'bleu', value: 30, main: true },
      ],
    },
  ],
};
const read = (change: Partial<WhenTexts>) => conditionOf({ ...startTexts, ...change }, 100, 5000, measured);

it('the sets and metrics to choose from are those that were evaluated, the newest first, its main metric first', () => {
  expect(splitsOf(measured)).toEqual(['wikitext/long', 'validation']);
  expect(metricsOf(measured, 'wikitext/long')).toEqual(['bleu', 'loss']);
  expect(metricsOf(measured, 'never evaluated')).toEqual([]);
});

it.each([
  [{ step: '101' }, { kind: 'step', step: 101 }],
  [
    { kind: 'evaluation', split: 'wikitext/long', metric: 'bleu', value: '30.5' },
    { kind: 'evaluation', split: 'wikitext/long', metric: 'bleu', comparison: '>', value: 30.5 },
  ],
  [
    { kind: 'series', series: 'gradNorm', comparison: '<', value: '0' },
    { kind: 'series', name: 'gradNorm', comparison: '<', value: 0 },
  ],
] as const)('%j is a condition', (texts, condition) => {
  expect(read(texts)).toEqual({ ok: true, condition });
});

it.each([
  [{ step: '100' }, 'Step: "100" does not fit; give a whole number above 100, where the run is'],
  [{ step: '' }, 'Step: give a whole number above 100, where the run is'],
  [{ step: '1e300' }, 'Step: "1e300" does not fit; give a whole number above 100, where the run is'],
  [{ step: '5001' }, 'Step: the run ends at step 5,000; give one up to there'],
  [
    { kind: 'evaluation', split: 'validation', metric: 'accuracy', value: 'high' },
    'Value: "high" is not a number; give a number',
  ],
  [{ kind: 'evaluation', split: '', value: '1' }, 'Set: give the name of the set that is evaluated'],
  [{ kind: 'evaluation', split: 'test', value: '1' }, 'Metric: give the name of one of its metrics'],
  [{ kind: 'series', series: 'gradNorm', value: '' }, 'Value: give a number'],
  [{ kind: 'series', series: 'grad', value: '1' }, 'Curve: the run has no series "grad"'],
  [
    { kind: 'evaluation', split: 'validation', metric: 'accuracy', value: '2' },
    'Value: an accuracy is never above 1; give a number below 1',
  ],
  [
    { kind: 'series', series: 'train/acc', comparison: '<', value: '-1' },
    'Value: an accuracy is never below 0; give a number above 0',
  ],
] as const)('%j is refused in words', (texts, message) => {
  expect(read(texts)).toEqual({ ok: false, message });
});
