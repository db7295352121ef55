import { expect, it } from 'vitest';
import { fieldsOf, fits } from '~/shared/recipeFields';
import type { JsonSchema } from '~/shared/recipes';
import { everyKind } from '~/test/support/everyKind';

const fields = fieldsOf(everyKind);
const field = (path: string) => fields.find((f) => f.path === path)!;

it('every setting of a schema is one field, in order, with its kind and heading', () => {
  expect(fields.map((f) => [f.path, f.title, f.kind, f.group])).toEqual([
    ['seed', 'Seed', 'integer', 'Settings'],
    ['rate', 'Learning rate', 'number', 'Optimizer'],
    ['label', 'Label', 'text', 'Settings'],
    ['shuffle', 'Shuffle', 'boolean', 'Settings'],
    ['flip', 'Flip', 'boolean', 'Settings'],
    ['patience', 'Patience', 'integer', 'Settings'],
    ['pictures', 'Pictures', 'choice', 'Settings'],
    ['startFrom', 'Start from', 'text', 'Settings'],
    ['betas', 'Betas', 'list', 'Settings'],
    ['extra', 'Extra', 'json', 'Settings'],
    ['model.heads', 'Heads', 'integer', 'Model'],
    ['model.width', 'Width', 'integer', 'Model'],
    ['schedule.kind', 'Kind', 'choice', 'Schedule'],
    ['schedule.warmup', 'Warm-up', 'integer', 'Schedule'],
    ['noise', 'Noise', 'switch', 'Noise'],
    ['noise.share', 'Share', 'number', 'Noise'],
    ['clip', 'Clip by', 'choice', 'Settings'],
    ['threshold', 'Clip value', 'number', 'Settings'],
  ]);
});

it('what a field takes is said in words', () => {
  expect(fields.map((f) => fits(everyKind, f))).toEqual([
    'a whole number from 0 to 99',
    'a number > 0',
    'text of 1 to 8 characters',
    'true or false',
    'true or false or null (as the data says)',
    'a whole number >= 1 or null (never)',
    'one of drawn, photos',
    'a checkpoint (its hash) or null (random)',
    'a list of 1 to 2 values, each a number',
    'a group of settings',
    'a whole number from 1 to 32',
    'a whole number >= 2',
    'one of constant, cosine',
    'a whole number >= 0',
    'on or off',
    'a number from 0 to 1',
    'one of norm, off',
    'a number > 0',
  ]);
});

it('choices carry their titles, and why they cannot be chosen', () => {
  expect(field('pictures').choices).toEqual([
    { value: 'drawn', title: 'drawn by the program' },
    {
      value: 'photos',
      title: 'photographs',
      disabled: { reason: 'they are not prepared', help: 'npm run photos prepares them' },
    },
  ]);
});

it('a setting of one kind of a union, or of an optional group, says where it exists', () => {
  expect(field('schedule.warmup').within).toEqual([{ path: 'schedule.kind', is: 'cosine' }]);
  expect(field('noise.share').within).toEqual([{ path: 'noise', is: true }]);
  expect(field('model.heads').within).toEqual([]);
});

it('a schema that holds itself ends as JSON text instead of going on for ever', () => {
  const tree = {
    type: 'object',
    properties: { next: { $ref: '#' } },
    required: ['next'],
  } as unknown as JsonSchema;
  const found = fieldsOf(tree);
  expect(found.map((f) => f.kind)).toEqual(['json']);
  expect(found[0]!.names.length).toBe(8);
});

it('names with dots, and names that objects have anyway, are settings like others', () => {
  const schema = {
    type: 'object',
    properties: { 'optimizer.lr': { type: 'number' }, constructor: { type: 'string' }, 学习率: { type: 'number' } },
    required: ['optimizer.lr', 'constructor', '学习率'],
  } as unknown as JsonSchema;
  expect(fieldsOf(schema).map((f) => [f.path, f.names])).toEqual([
    ['optimizer.lr', ['optimizer.lr']],
    ['constructor', ['constructor']],
    ['学习率', ['学习率']],
  ]);
});
