import { describe, expect, it } from 'vitest';
import { memoryOf } from '~/shared/recipeMemory';
import type { JsonSchema } from '~/shared/recipes';
import type { Config } from '~/shared/setup';
import { text } from '~/trainer/recipes/text';

describe('the memory that a run takes', () => {
  const schema: JsonSchema = {
    'x-memory': [
      { bytes: 100, times: [], per: [] },
      { bytes: 4, times: ['model.layers', 'size', 'size'], per: ['parts'] },
    ],
  };
  it('is the sum of the terms that the recipe gives; a divisor that is left out is 1', () => {
    expect(memoryOf(schema, { model: { layers: 2 }, size: 3, parts: 4 })).toBe(100 + (4 * 2 * 3 * 3) / 4);
    expect(memoryOf(schema, { model: { layers: 2 }, size: 3 })).toBe(100 + 4 * 2 * 3 * 3);
  });

  it('is not said where the recipe does not, or a setting that counts is no number', () => {
    expect(memoryOf({}, { size: 3 })).toBeNull();
    expect(memoryOf(schema, { model: {}, size: 3 })).toBeNull();
    expect(memoryOf(schema, { model: { layers: 2 }, size: 'three' })).toBeNull();
    expect(memoryOf(schema, { model: { layers: 2 }, size: 3, parts: 0 })).toBeNull();
  });

  it.each([
    // Peaks of the trainer's process, measured with the wasm backend.
    [6, 6, 384, 256, 32, 1, 3.28],
    [6, 6, 384, 256, 32, 4, 1.37],
    [4, 8, 256, 128, 64, 1, 1.49],
    [12, 12, 768, 256, 4, 1, 4.37],
    [1, 1, 32, 64, 32, 1, 0.28],
  ])('of the built-in network is within 10 % of the measured one: %i x %i x %i, T = %i, batch %i in %i', (...measured) => {
    const [layers, heads, modelDim, seqLen, batchSize, gradientAccumulation, gigabytes] = measured;
    const base = text.spec.presets[0]!.config;
    const config = {
      ...base,
      task: { ...(base.task as Config), seqLen },
      model: { ...(base.model as Config), layers, heads, modelDim },
      batchSize,
      gradientAccumulation,
    };
    const estimated = memoryOf(text.spec.schema, config)! / 1e9;
    expect(Math.abs(estimated / gigabytes - 1), `estimated ${estimated} GB`).toBeLessThan(0.1);
  });
});
