import { expect, it } from 'vitest';
import { z } from 'zod';
import '~/shared/plainErrors';

const said = (schema: z.ZodType, value: unknown) =>
  schema.safeParse(value).error?.issues.map((i) => [i.path.join('.'), i.message].filter(Boolean).join(': '));

const row = z.strictObject({
  step: z.int().min(0),
  loss: z.union([z.number(), z.literal('NaN'), z.null()]),
  name: z.string().min(1).max(8),
  tags: z.array(z.string()).min(2).max(3).optional(),
  better: z.enum(['lower', 'higher']).optional(),
  share: z.number().min(0).lt(1).optional(),
  width: z.number().multipleOf(8).optional(),
  at: z.url().optional(),
});
const fine = { step: 1, loss: 2, name: 'a' };

it.each([
  [{ ...fine, step: 1.5 }, ['step: give a whole number, not 1.5']],
  [{ ...fine, step: -1 }, ['step: give a number >= 0, not -1']],
  [{ ...fine, step: 1e300 }, ['step: give a whole number <= 9007199254740991, not 1e+300']],
  [{ ...fine, step: 'x' }, ['step: give a whole number, not "x"']],
  [{ ...fine, step: Number.NaN }, ['step: give a whole number, not NaN']],
  [{ ...fine, step: undefined }, ['step: it is missing; give a whole number']],
  [{ ...fine, loss: 'abc' }, ['loss: give a number, "NaN" or null, not "abc"']],
  [{ ...fine, name: '' }, ['name: it must not be empty']],
  [{ ...fine, name: 'a long name' }, ['name: give at most 8 characters, not 11']],
  [{ ...fine, tags: 'abc' }, ['tags: give a list, not "abc"']],
  [{ ...fine, tags: ['a'] }, ['tags: give at least 2 items, not 1']],
  [{ ...fine, tags: [1, 'b'] }, ['tags.0: give a text, not 1']],
  [{ ...fine, better: 'up' }, ['better: give "lower" or "higher", not "up"']],
  [{ ...fine, share: 1 }, ['share: give a number < 1, not 1']],
  [{ ...fine, width: 9 }, ['width: give a multiple of 8, not 9']],
  [{ ...fine, at: 'here' }, ['at: give an address such as https://example.org, not "here"']],
  [{ ...fine, color: 'red' }, ['there is no field "color"; known are step, loss, name, tags, better, share, width, at']],
  [[1, 2], ['give an object, not [1,2]']],
  [undefined, ['it is missing; give an object']],
])('%j', (value, messages) => {
  expect(said(row, value)).toEqual(messages);
});

it('names the kinds of a union by its discriminator, and the nearest alternative of any other', () => {
  const kinds = z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('a') }),
    z.object({ kind: z.literal('b'), n: z.number() }),
  ]);
  expect(said(kinds, { kind: 'c' })).toEqual(['kind: give "a" or "b", not "c"']);
  expect(said(kinds, { kind: 'b', n: 'x' })).toEqual(['n: give a number, not "x"']);
  const either = z.union([z.strictObject({ a: z.number() }), z.strictObject({ b: z.strictObject({ c: z.number() }) })]);
  expect(said(either, { b: { c: 'x' } })).toEqual(['b.c: give a number, not "x"']);
});

it('a schema that has words of its own keeps them', () => {
  expect(said(z.string().regex(/^\d+$/, 'digits only'), 'x')).toEqual(['digits only']);
});
