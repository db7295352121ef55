import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { compileRecipeSchema } from '~/server/dispatch/recipeSchema';
import type { JsonSchema } from '~/shared/recipes';
import type { Config } from '~/shared/setup';

const schema = z.toJSONSchema(
  z.strictObject({
    seed: z.int().min(0).max(99).default(3).meta({ title: 'Seed' }),
    epochs: z.int().min(1).nullable().meta({ title: 'Epochs', 'x-null': 'until stopped' }),
    startFrom: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .nullable()
      .meta({ title: 'Start from', 'x-format': 'checkpoint', 'x-null': 'random' }),
    model: z
      .strictObject({
        heads: z.int().min(1).max(32).meta({ title: 'Heads' }),
        width: z.int().min(2).meta({ title: 'Width', 'x-divisibleBy': 'model.heads' }),
      })
      .meta({ title: 'Model' }),
    optimizer: z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('adam'), beta: z.number().min(0).lt(1).meta({ title: 'Beta' }) }),
      z.strictObject({ kind: z.literal('sgd'), momentum: z.number().meta({ title: 'Momentum' }) }),
    ]),
    batch: z.int().min(1).meta({ title: 'Batch size', 'x-atMost': 'examples' }),
    examples: z.int().min(1).meta({ title: 'Training examples' }),
    pictures: z.enum(['drawn', 'photos', 'own']).meta({
      title: 'Pictures',
      'x-disabled': [{ value: 'photos', reason: 'they are not prepared', help: 'npm run photos prepares them' }],
    }),
    rates: z.array(z.number()).min(1).max(3).optional(),
    shuffle: z.boolean(),
    day: z.iso.date().optional(),
    name: z.string().min(1).max(8),
    rate: z.union([z.literal('auto'), z.number().positive()]),
  }),
) as unknown as JsonSchema;

const fitting: Config = {
  epochs: null,
  startFrom: null,
  model: { heads: 4, width: 32 },
  optimizer: { kind: 'adam', beta: 0.9 },
  batch: 8,
  examples: 8,
  pictures: 'drawn',
  shuffle: true,
  name: 'a',
  rate: 'auto',
};

function check(changes: Config, of: JsonSchema = schema): Record<string, string> {
  const compiled = compileRecipeSchema(of);
  if (typeof compiled === 'string') throw new Error(compiled);
  const { problems } = compiled.check({ ...(of === schema ? fitting : {}), ...changes });
  return Object.fromEntries(problems.map((p) => [p.field, p.message]));
}

describe("a recipe's config schema judges configs", () => {
  it('takes what fits, and fills in the defaults in a copy', () => {
    const compiled = compileRecipeSchema(schema);
    if (typeof compiled === 'string') throw new Error(compiled);
    const given = structuredClone(fitting);
    expect(compiled.check(given)).toEqual({ config: { ...fitting, seed: 3 }, problems: [] });
    expect(given).toEqual(fitting);
  });

  it('says every setting that does not fit at once: what it is called, its value, and what would fit', () => {
    expect(
      check({
        seed: 100,
        epochs: 0,
        startFrom: 'newest',
        model: { heads: 0, width: 2.5 },
        optimizer: { kind: 'adam', beta: 1 },
        batch: '8',
        pictures: 'painted',
        rates: [1, 'x', 3, 4],
        shuffle: 'yes',
        day: 'Monday',
        name: 'much too long',
        rate: 0,
      }),
    ).toEqual({
      seed: 'Seed: 100 does not fit; give a whole number from 0 to 99',
      epochs: 'Epochs: 0 does not fit; give a whole number >= 1 or null (until stopped)',
      startFrom: 'Start from: "newest" does not fit; give a checkpoint (its hash) or null (random)',
      'model.heads': 'Heads: 0 does not fit; give a whole number from 1 to 32',
      'model.width': 'Width: 2.5 does not fit; give a whole number >= 2',
      'optimizer.beta': 'Beta: 1 does not fit; give a number >= 0 and < 1',
      batch: 'Batch size: "8" does not fit; give a whole number >= 1',
      pictures: 'Pictures: "painted" does not fit; give one of drawn, photos, own',
      rates: 'rates: [1,"x",3,4] does not fit; give a list of 1 to 3 values, each a number',
      'rates.1': 'rates.1: "x" does not fit; give a number',
      shuffle: 'shuffle: "yes" does not fit; give true or false',
      day: 'day: "Monday" does not fit; give text of the form date',
      name: 'name: "much too long" does not fit; give text of 1 to 8 characters',
      rate: 'rate: 0 does not fit; give "auto" or a number > 0',
    });
  });

  it('names what is missing and what there is not', () => {
    const { model: _model, shuffle: _shuffle, ...rest } = fitting;
    const compiled = compileRecipeSchema(schema);
    if (typeof compiled === 'string') throw new Error(compiled);
    expect(compiled.check({ ...rest, optimizer: { kind: 'sgd' }, width: 3 }).problems).toEqual([
      { field: 'model', message: 'Model: it is missing; give a group of settings' },
      { field: 'shuffle', message: 'shuffle: it is missing; give true or false' },
      {
        field: 'width',
        message:
          'width: there is no such setting; the config has seed, epochs, startFrom, model, optimizer, batch, examples, pictures, rates, shuffle, day, name, rate',
      },
      { field: 'optimizer.momentum', message: 'Momentum: it is missing; give a number' },
    ]);
    expect(check({ model: { heads: 2, width: 4, depth: 1 } })).toEqual({
      'model.depth': 'model.depth: there is no such setting; model has heads, width',
    });
  });

  it('of a kind that there is not, names the kinds', () => {
    expect(check({ optimizer: { kind: 'rms' } })).toEqual({
      'optimizer.kind': 'optimizer.kind: "rms" does not fit; give one of adam, sgd',
    });
    expect(check({ optimizer: {} })).toEqual({
      'optimizer.kind': 'optimizer.kind: it is missing; give one of adam, sgd',
    });
    expect(check({ optimizer: 7 })).toEqual({ optimizer: 'optimizer: 7 does not fit; give a group of settings' });
  });

  it('an empty field of a form is said to be empty', () => {
    expect(check({ examples: '' })).toEqual({ examples: 'Training examples: nothing is given; give a whole number >= 1' });
  });

  it('x-divisibleBy, x-atMost, x-disabled: names both settings and what would fit', () => {
    expect(check({ model: { heads: 3, width: 32 }, batch: 9, pictures: 'photos' })).toEqual({
      'model.heads': 'Heads: 3 does not divide Width (32); give 2 or 4, or change Width',
      batch: 'Batch size: 9 is more than Training examples (8); give at most 8, or change Training examples',
      pictures: 'Pictures: "photos" cannot be chosen here: they are not prepared; npm run photos prepares them',
    });
    expect(check({ model: { heads: 5, width: 4 } })).toEqual({
      'model.heads': 'Heads: 5 does not divide Width (4); give 4, or change Width',
    });
  });

  it('a rule says nothing while the other setting is no number: that one has its own sentence', () => {
    expect(check({ model: { heads: 'x', width: 31 }, examples: null })).toEqual({
      'model.heads': 'Heads: "x" does not fit; give a whole number from 1 to 32',
      examples: 'Training examples: null does not fit; give a whole number >= 1',
    });
  });

  it('names of settings are data, whatever they are called', () => {
    const own = {
      type: 'object',
      properties: { constructor: { type: 'string' }, 'a.b/c': { type: 'integer' } },
      required: ['constructor', 'a.b/c'],
      additionalProperties: false,
    } as unknown as JsonSchema;
    expect(check({}, own)).toEqual({
      constructor: 'constructor: it is missing; give text',
      'a.b/c': 'a.b/c: it is missing; give a whole number',
    });
    expect(check(JSON.parse('{"__proto__":1,"a.b/c":"x","constructor":"y","toString":2}') as Config, own)).toEqual(
      Object.fromEntries([
        ['__proto__', '__proto__: there is no such setting; the config has constructor, a.b/c'],
        ['toString', 'toString: there is no such setting; the config has constructor, a.b/c'],
        ['a.b/c', 'a.b/c: "x" does not fit; give a whole number'],
      ]),
    );
  });

  it('follows references within the schema', () => {
    const shared = {
      type: 'object',
      properties: { size: { $ref: '#/$defs/size', title: 'Size' } },
      $defs: { size: { type: 'integer', minimum: 1, maximum: 4 } },
    } as unknown as JsonSchema;
    expect(check({ size: 5 }, shared)).toEqual({ size: 'Size: 5 does not fit; give a whole number from 1 to 4' });
  });
});

describe('a schema that is none is refused with its recipe', () => {
  it.each([
    [{ type: 'objekt' }, 'it is not a JSON Schema 2020-12: /type must be equal to one of the allowed values'],
    [{ $ref: 'http://elsewhere/schema' }, "can't resolve reference http://elsewhere/schema from id #"],
    [
      { properties: { a: { type: 'number', 'x-usual': [1] } } },
      'keyword "x-usual" value is invalid at path "#/properties/a": data must NOT have fewer than 2 items',
    ],
    [JSON.parse('{"properties":{"__proto__":{"type":"integer"}}}'), 'a setting of a recipe cannot be called __proto__'],
    [{ properties: { a: { type: 'string', pattern: '(' } } }, 'Invalid regular expression: /(/u: Unterminated group'],
  ])('%j', (wrong, because) => {
    expect(compileRecipeSchema(wrong as unknown as JsonSchema)).toBe(because);
  });
});
