import { scalar, tensor1d, tidy } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { openBackend } from '~/trainer/backends';
import { clipFactor, type OptimizerKind, update, updatePlan, updateScalars } from '~/trainer/nn/optimizer';
import type { Hyper } from '~/trainer/types';

beforeAll(async () => {
  await openBackend('cpu');
});

// Expected numbers: torch 2.13 on one parameter of four numbers, the optimizer of that name stepping through `gradients` with `rates`.
const start = [0.5, -1.25, 2.0, 0.01];
const gradients = [
  [0.1, -0.2, 0.3, 0.0],
  [1.5, 0.4, -0.7, 1e-3],
  [-0.05, 0.0, 2.5, -3.0],
  [0.2, 0.2, 0.2, 0.2],
];
const rates = [0.1, 0.05, 0.2, 0.01];
const base: Omit<Hyper, 'learningRate'> = {
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0,
  momentum: 0,
  clip: { mode: 'off', threshold: 1 },
  dropout: 0,
  inputDropout: 0,
};

function train(kind: OptimizerKind, changes: Partial<Hyper>): number[] {
  let state = { params: tensor1d(start), m: tensor1d([0, 0, 0, 0]), v: tensor1d([0, 0, 0, 0]) };
  for (const [at, gradient] of gradients.entries()) {
    const hyper: Hyper = { ...base, ...changes, learningRate: rates[at]! };
    const next = tidy(() => {
      const grads = tensor1d(gradient);
      const norm = scalar(Math.hypot(...gradient));
      const scalars = tensor1d(updateScalars(kind, hyper, at + 1));
      const { params, m, v } = update(state, grads, norm, scalars, updatePlan(kind, hyper));
      return [params, m, v];
    });
    state = { params: next[0]!, m: next[1]!, v: next[2]! };
  }
  return [...state.params.dataSync()];
}

describe('the optimizers equal torch.optim', () => {
  const cases: [string, OptimizerKind, Partial<Hyper>, number[]][] = [
    [
      'Adam(betas=(0.8, 0.95), eps=1e-3)',
      'adam',
      { beta1: 0.8, beta2: 0.95, epsilon: 1e-3 },
      [0.240454063, -1.237314939, 1.8057971, 0.137029052],
    ],
    ['Adam(weight_decay=0.1)', 'adam', { weightDecay: 0.1 }, [0.230512619, -1.114302516, 1.776419759, 0.075632937]],
    ['AdamW(weight_decay=0.1)', 'adamw', { weightDecay: 0.1 }, [0.223478511, -1.187021732, 1.744060993, 0.105647624]],
    ['SGD(momentum=0.9)', 'sgd', { momentum: 0.9 }, [0.119871005, -1.284382105, 1.547883034, 0.63476187]],
    [
      'SGD(momentum=0.5, weight_decay=0.1)',
      'sgd',
      { momentum: 0.5, weightDecay: 0.1 },
      [0.237144426, -1.210864067, 1.432702303, 0.621710539],
    ],
    [
      'SGD() after clip_grad_norm_(0.5)',
      'sgd',
      { clip: { mode: 'norm', threshold: 0.5 } },
      [0.467259526, -1.237872243, 1.914263248, 0.08480113],
    ],
    [
      'SGD() after clip_grad_value_(0.25)',
      'sgd',
      { clip: { mode: 'value', threshold: 0.25 } },
      [0.485500008, -1.244500041, 1.935500145, 0.057950001],
    ],
  ];
  test.each(cases)('%s', (_, kind, changes, expected) => {
    const actual = train(kind, changes);
    for (const [at, value] of expected.entries()) expect(Math.abs(actual[at]! - value)).toBeLessThan(1e-6);
  });
});

test('the clip factor is 1 up to the threshold and clip/(norm + 1e-6) past it', () => {
  const factor = (norm: number, clip: number) => tidy(() => clipFactor(scalar(norm), scalar(clip)).dataSync()[0]!);
  expect(factor(2, 2)).toBe(1);
  expect(factor(4, 2)).toBeCloseTo(2 / 4.000001, 7);
  expect(factor(1e30, Number.POSITIVE_INFINITY)).toBe(1);
  expect(factor(Number.NaN, 2)).toBe(1); // the gradients are NaN themselves
});
