import { expect, it } from 'vitest';
import { conditionOf, startTexts, type WhenTexts } from '~/app/_run/steering/schedule';

const read = (change: Partial<WhenTexts>) => conditionOf({ ...startTexts, ...change }, 100);

it.each([
  [{ step: '101' }, { kind: 'step', step: 101 }],
  [
    { kind: 'evaluation', value: '0.99' },
    { kind: 'evaluation', split: 'validation', metric: 'accuracy', comparison: '>', value: 0.99 },
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
  [{ kind: 'evaluation', value: 'high' }, 'Value: "high" is not a number; give a number'],
  [{ kind: 'series', value: '' }, 'Value: give a number'],
] as const)('%j is refused in words', (texts, message) => {
  expect(read(texts)).toEqual({ ok: false, message });
});
