/** A config schema with a setting of every kind that a form draws. */
import { z } from 'zod';
import type { JsonSchema } from '~/shared/recipes';
import type { Config } from '~/shared/setup';

export const everyKind = z.toJSONSchema(
  z.strictObject({
    seed: z.int().min(0).max(99).default(3).meta({ title: 'Seed', description: 'decides everything random' }),
    rate: z
      .number()
      .positive()
      .meta({
        title: 'Learning rate',
        'x-usual': [0.0001, 0.01],
        'x-source': 'https://arxiv.org/abs/1412.6980',
        'x-group': 'Optimizer',
      }),
    label: z.string().min(1).max(8).meta({ title: 'Label' }),
    shuffle: z.boolean().meta({ title: 'Shuffle', description: 'a new order in every epoch' }),
    flip: z.boolean().nullable().meta({ title: 'Flip', 'x-null': 'as the data says' }),
    patience: z.int().min(1).nullable().meta({ title: 'Patience', 'x-null': 'never', 'x-unit': 'validations' }),
    pictures: z.enum(['drawn', 'photos']).meta({
      title: 'Pictures',
      'x-titles': { drawn: 'drawn by the program', photos: 'photographs' },
      'x-disabled': [{ value: 'photos', reason: 'they are not prepared', help: 'npm run photos prepares them' }],
    }),
    startFrom: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .nullable()
      .meta({ title: 'Start from', 'x-format': 'checkpoint', 'x-null': 'random' }),
    betas: z.array(z.number()).min(1).max(2).meta({ title: 'Betas' }),
    extra: z.record(z.string(), z.json()).optional().meta({ title: 'Extra' }),
    model: z
      .strictObject({
        heads: z.int().min(1).max(32).meta({ title: 'Heads' }),
        width: z.int().min(2).meta({ title: 'Width', 'x-divisibleBy': 'model.heads', 'x-advanced': true }),
      })
      .meta({ title: 'Model' }),
    schedule: z
      .discriminatedUnion('kind', [
        z.strictObject({ kind: z.literal('constant').meta({ title: 'Kind' }) }),
        z.strictObject({ kind: z.literal('cosine'), warmup: z.int().min(0).meta({ title: 'Warm-up', 'x-unit': 'steps' }) }),
      ])
      .meta({ title: 'Schedule' }),
    noise: z
      .strictObject({ share: z.number().min(0).max(1).meta({ title: 'Share' }) })
      .optional()
      .meta({ title: 'Noise' }),
    clip: z.enum(['norm', 'off']).meta({ title: 'Clip by' }),
    threshold: z
      .number()
      .positive()
      .meta({ title: 'Clip value', 'x-onlyWhen': { field: 'clip', is: ['norm'] } }),
  }),
) as unknown as JsonSchema;

export const everyKindConfig: Config = {
  seed: 3,
  rate: 0.001,
  label: 'first',
  shuffle: true,
  flip: null,
  patience: null,
  pictures: 'drawn',
  startFrom: null,
  betas: [0.9, 0.999],
  model: { heads: 4, width: 32 },
  schedule: { kind: 'cosine', warmup: 50 },
  clip: 'norm',
  threshold: 5,
};
