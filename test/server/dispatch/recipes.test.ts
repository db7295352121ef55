import { beforeEach, describe, expect, it } from 'vitest';
import { type DeclaringTrainer, Recipes } from '~/server/dispatch/recipes';
import type { JsonSchema, RecipeSpec } from '~/shared/recipes';
import type { RunSetup } from '~/shared/setup';

const spec = (name: string, properties: Record<string, JsonSchema>, more: Partial<RecipeSpec> = {}): RecipeSpec => ({
  name,
  title: name.toUpperCase(),
  summary: `trains ${name}`,
  schema: { type: 'object', properties, required: Object.keys(properties), additionalProperties: false },
  presets: [{ name: 'first', title: 'First', config: {} }],
  ...more,
});
const size = { type: 'integer', minimum: 1, maximum: 9, default: 4, title: 'Size' };
const flip = spec('flip', { size });
const setup = (config: RunSetup['config'], recipe: RunSetup['recipe'] = { name: 'flip', trainer: null }) => ({ recipe, config });

describe('recipes that trainers declare', () => {
  let trainers: DeclaringTrainer[];
  let kept: Map<string, string>;
  let blobs: Set<string>;
  const open = () =>
    Recipes.open({
      store: {
        setting: async (key) => kept.get(key) ?? null,
        setSetting: async (key, value) => void kept.set(key, value),
      },
      trainers: () => trainers,
      hasBlob: async (hash) => blobs.has(hash),
      now: () => 1000,
      onError: (error) => {
        throw error;
      },
    });
  const join = (recipes: Recipes, name: string, ...specs: RecipeSpec[]) => {
    const refusal = recipes.declared(name, specs);
    if (!refusal) trainers = [...trainers.filter((t) => t.name !== name), { name, connected: true, recipes: specs }];
    return refusal;
  };
  beforeEach(() => {
    trainers = [];
    kept = new Map();
    blobs = new Set();
  });

  it('are known while a trainer is here, and after it left and the server was restarted', async () => {
    const recipes = await open();
    expect(recipes.list()).toEqual([]);
    join(recipes, 'ada', flip);
    const known = { ...flip, presets: [{ name: 'first', title: 'First', config: { size: 4 } }] };
    expect(recipes.list()).toEqual([{ ...known, trainers: [{ name: 'ada', connected: true }] }]);
    await recipes.idle();
    trainers = [];
    expect((await open()).list()).toEqual([{ ...known, trainers: [{ name: 'ada', connected: false }] }]);
  });

  it('a run of a known recipe can be asked for while no trainer is here; its config gets the defaults', async () => {
    const recipes = await open();
    join(recipes, 'ada', flip);
    trainers = [];
    expect(await recipes.check(setup({}))).toEqual({ config: { size: 4 }, problems: [] });
    expect((await recipes.check(setup({ size: 10, sise: 1 }))).problems).toEqual([
      { field: 'config.sise', message: 'sise: there is no such setting; the config has size' },
      { field: 'config.size', message: 'Size: 10 does not fit; give a whole number from 1 to 9' },
    ]);
  });

  it('what there is not is refused with what there is', async () => {
    const recipes = await open();
    const problem = async (given: ReturnType<typeof setup>) => (await recipes.check(given)).problems;
    expect(await problem(setup({}))).toEqual([
      { field: 'recipe.name', message: 'recipe: there is no recipe "flip"; no trainer has declared any yet' },
    ]);
    join(recipes, 'ada', flip);
    expect(await problem(setup({}, { name: 'flop', trainer: null }))).toEqual([
      { field: 'recipe.name', message: 'recipe: there is no recipe "flop"; there are flip' },
    ]);
    expect(await problem(setup({}, { name: 'flip', trainer: 'bob' }))).toEqual([
      { field: 'recipe.trainer', message: 'trainer: no trainer "bob" has the recipe flip; there are ada' },
    ]);
    expect(await problem(setup({}, null))).toEqual([
      { field: 'recipe', message: 'recipe: a run without one is opened by its own script; give the name of a recipe' },
    ]);
  });

  it('a registration is refused whole for a recipe that cannot be used, with the reason', async () => {
    const recipes = await open();
    const refused = (...specs: RecipeSpec[]) => {
      const { message, field } = join(recipes, 'ada', ...specs)!;
      return { message, field };
    };
    expect(refused(flip, spec('bad', { size: { type: 'whole' } }))).toEqual({
      field: 'recipes.1.schema',
      message:
        'recipes.1.schema: the recipe bad cannot be used: it is not a JSON Schema 2020-12: /properties/size/type must be equal to one of the allowed values',
    });
    expect(refused(spec('bad', { size }, { presets: [{ name: 'p', title: 'P', config: { size: 0 } }] }))).toEqual({
      field: 'recipes.0.presets.0.config.size',
      message: 'recipes.0.presets.0.config.size: the recipe bad: Size: 0 does not fit; give a whole number from 1 to 9',
    });
    expect(refused(flip, flip)).toEqual({
      field: 'recipes.1.name',
      message: 'recipes.1.name: flip is declared twice',
    });
    expect(recipes.list()).toEqual([]);
  });

  it('of two trainers, a run may have what one of them can; each says why it does not take it', async () => {
    const pictures = (...off: string[]) =>
      spec('flip', {
        pictures: {
          enum: ['drawn', 'photos'],
          default: 'drawn',
          title: 'Pictures',
          'x-disabled': off.map((value) => ({ value, reason: 'not prepared', help: 'prepare them' })),
        },
      });
    const recipes = await open();
    join(recipes, 'ada', pictures('photos'));
    expect((await recipes.check(setup({ pictures: 'photos' }))).problems).toEqual([
      {
        field: 'config.pictures',
        message: 'Pictures: "photos" cannot be chosen here: not prepared; prepare them',
        unavailable: true,
      },
    ]);
    join(recipes, 'bob', pictures());
    expect((await recipes.check(setup({ pictures: 'photos' }))).problems).toEqual([]);
    expect(recipes.list()[0]!.schema.properties!.pictures!['x-disabled']).toEqual([]);
    const run: RunSetup = { name: 'r', project: 'default', tags: [], ...setup({ pictures: 'photos' }) };
    expect(trainers.map((t) => recipes.refusal(t, run))).toEqual([
      'ada does not accept the config: Pictures: "photos" cannot be chosen here: not prepared; prepare them',
      null,
    ]);
    expect(recipes.refusal(trainers[1]!, { ...run, recipe: { name: 'flip', trainer: 'ada' } })).toBe(
      'bob is not ada, which the run asks for',
    );
    expect(recipes.refusal({ name: 'eve', recipes: [] }, run)).toBe('eve does not have the recipe flip');
    expect(recipes.refusal(trainers[1]!, { ...run, recipe: null })).toBe('the run belongs to the script that opened it');
  });

  it('a checkpoint to start from must be kept here, wherever the recipe asks for one', async () => {
    const teacher = { anyOf: [{ type: 'string' }, { type: 'null' }], title: 'Teacher', 'x-format': 'checkpoint' };
    const recipes = await open();
    join(recipes, 'ada', spec('flip', { teacher }, { presets: [{ name: 'p', title: 'P', config: { teacher: null } }] }));
    const hash = 'ab'.repeat(32);
    expect((await recipes.check(setup({ teacher: hash }))).problems).toEqual([
      { field: 'config.teacher', message: `Teacher: there is no checkpoint ${hash} here; choose one that is kept` },
    ]);
    blobs.add(hash);
    expect((await recipes.check(setup({ teacher: hash }))).problems).toEqual([]);
    expect((await recipes.check(setup({ teacher: null }))).problems).toEqual([]);
  });
});
