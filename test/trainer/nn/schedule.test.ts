import { expect, test } from 'vitest';
import { learningRateAt } from '~/trainer/nn/schedule';

const at = (kind: 'cosine' | 'constant' | 'linear', warmupSteps: number, step: number, maxSteps = 100) =>
  learningRateAt(2, { kind, warmupSteps, maxSteps: null }, maxSteps, step);

test('cosine: lr * (1 + cos(pi s/max))/2, times s/warmup up to and including the last warm-up step', () => {
  expect(at('cosine', 10, 0)).toBe(0);
  // 2 * 0.5 * (1 + cos(0.05 pi)) * 5/10
  expect(at('cosine', 10, 5)).toBeCloseTo(0.5 * (1 + Math.cos(0.05 * Math.PI)), 12);
  expect(at('cosine', 10, 10)).toBeCloseTo(1 + Math.cos(0.1 * Math.PI), 12);
  expect(at('cosine', 10, 50)).toBeCloseTo(1, 12); // 2 * 0.5 * (1 + 0)
  expect(at('cosine', 10, 100)).toBeCloseTo(0, 12);
});

test('without warm-up step 0 has the full rate', () => {
  expect(at('cosine', 0, 0)).toBe(2);
  expect(at('constant', 0, 0)).toBe(2);
  expect(at('linear', 0, 0)).toBe(2);
});

test('linear falls to 0 at maxSteps and stays there; constant stays', () => {
  expect(at('linear', 0, 25)).toBe(1.5);
  expect(at('linear', 4, 2)).toBeCloseTo(2 * 0.98 * 0.5, 12);
  expect(at('linear', 0, 100)).toBe(0);
  expect(at('linear', 0, 150)).toBe(0);
  expect(at('constant', 4, 150)).toBe(2);
  expect(at('constant', 4, 1)).toBe(0.5);
});
