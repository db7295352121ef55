import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { recipeSpec } from '~/shared/recipes';
import { ownFolder } from '~/test/support/folder';
import { root } from '~/test/support/root';
import { publishedConfig, recipeNamed } from '~/test/support/setups';
import { recipeConfig, usual } from '~/trainer/base/config';
import { RecipeBook } from '~/trainer/recipes/book';
import { defineRecipe } from '~/trainer/recipes/define';
import { builtinRecipes } from '~/trainer/recipes/index';
import { z } from '~/trainer/recipes/kit';
import { loadRecipes } from '~/trainer/recipes/load';

const fixture = join(root, 'test/fixtures/sort.recipe.ts');
const errors = (parse: () => unknown): unknown => {
  try {
    return parse();
  } catch (error) {
    return (error as { errors?: unknown }).errors ?? (error as Error).message;
  }
};

describe.each(builtinRecipes.map((r) => [r.spec.name, r] as const))('the recipe %s', (_, recipe) => {
  it('is declared as the contract wants it, each preset fits, and the first is the default of every field', () => {
    const { spec } = recipe;
    expect(recipeSpec.parse(JSON.parse(JSON.stringify(spec)))).toEqual(spec);
    for (const { config } of spec.presets) expect(recipe.parse(config)).toEqual(config);
    const defaults = (schema: typeof spec.schema): unknown =>
      schema.properties
        ? Object.fromEntries(Object.entries(schema.properties).map(([key, field]) => [key, defaults(field)]))
        : schema.default;
    expect(defaults(spec.schema)).toEqual(spec.presets[0]!.config);
  });

  it('has a title and, where the title does not say it all, a description for every field', () => {
    const leaves = (schema: typeof recipe.spec.schema, path = ''): [string, typeof schema][] =>
      schema.properties
        ? Object.entries(schema.properties).flatMap(([key, field]) => leaves(field, path === '' ? key : `${path}.${key}`))
        : [[path, schema]];
    for (const [path, field] of leaves(recipe.spec.schema)) {
      expect(field.title, path).toMatch(/^[A-Z]/);
      if (field['x-unit'] === undefined) expect(field.description, path).toMatch(/\.$/);
    }
  });
});

describe('a config', () => {
  const reverse = recipeNamed('reverse');
  const wrong = (change: object) => errors(() => reverse.parse({ ...publishedConfig('reverse'), ...change }));

  it('that does not fit is refused with every field that is wrong, in words', () => {
    const { model, optimizer } = publishedConfig('reverse');
    expect(wrong({ model: { ...model, layers: 0 }, optimizer: { ...optimizer, beta1: 1 }, extra: 1 })).toEqual([
      { field: 'model.layers', message: 'give a number >= 1, not 0' },
      { field: 'optimizer.beta1', message: 'give a number < 1, not 1' },
      { field: 'config', message: expect.stringMatching(/^there is no field "extra"; known are task, seed, backend, /) },
    ]);
  });

  it('that breaks a rule between fields names the field to change', () => {
    const { model } = publishedConfig('reverse');
    expect(wrong({ model: { ...model, heads: 3 } })).toEqual([
      { field: 'model.heads', message: 'Heads: 3 does not divide Width (32); give 2 or 4, or change Width' },
    ]);
    expect(wrong({ batchSize: 60_000 })).toEqual([
      {
        field: 'batchSize',
        message: 'Batch size: 60000 is more than Training examples (50000); give at most 50000, or change Training examples',
      },
    ]);
  });
});

describe('defineRecipe', () => {
  const task = z.strictObject({ size: z.int().min(1).meta({ title: 'Size' }) });
  const base = { ...publishedConfig('reverse'), task: { size: 3 } };
  const define = (more: object) =>
    errors(() =>
      defineRecipe({
        name: 'own',
        title: 'Own',
        summary: 'A test.',
        config: recipeConfig(task),
        presets: [{ name: 'first', title: 'First', config: base }],
        open: () => Promise.reject(new Error('not here')),
        ...more,
      }),
    );

  it('refuses what a server would refuse, naming the recipe', () => {
    expect(define({ name: 'My recipe' })).toBe(
      'recipe "My recipe": name: a recipe name begins with a small letter; letters, digits and _ . - may follow',
    );
    expect(define({ presets: [{ name: 'first', title: 'First', config: { ...base, task: { size: 0 } } }] })).toBe(
      'recipe "own", preset "first": task.size: give a number >= 1, not 0',
    );
  });

  it('takes what a preset of a small encoder has in common', () => {
    expect(base.optimizer).toEqual(usual.optimizer);
    expect(() => new RecipeBook([recipeNamed('reverse'), recipeNamed('reverse')])).toThrow('two recipes are named "reverse"');
  });
});

describe('HEADROOM_RECIPES', () => {
  const folder = ownFolder();
  afterAll(() => folder.remove());
  const module = (name: string, text: string) => {
    writeFileSync(join(folder.path, name), text);
    return name;
  };
  const load = (modules: string) =>
    loadRecipes(modules, folder.path).then(
      (book) => book.names,
      (e: Error) => e.message,
    );

  it('offers the recipes of modules beside the built-in ones: TypeScript, anywhere on the machine', async () => {
    module('sort.ts', readFileSync(fixture, 'utf8'));
    module(
      'two.mjs',
      `import { defineRecipe, recipeConfig, z } from 'headroom/recipes';
       const of = (name) => defineRecipe({ name, title: name, summary: 'A test.', config: recipeConfig(z.strictObject({})),
         presets: [{ name: 'first', title: 'First', config: ${JSON.stringify({ ...publishedConfig('reverse'), task: {} })} }], open() { throw new Error('no data'); } });
       export const a = of('first-own'), b = of('second-own');`,
    );
    const builtin = builtinRecipes.map((r) => r.spec.name);
    expect(await load('sort.ts, ./two.mjs')).toEqual([...builtin, 'sort', 'first-own', 'second-own']);
    expect(await load('')).toEqual(builtin);
    const book = await loadRecipes(fixture);
    const { config } = book.of({ recipe: { name: 'sort', trainer: null }, config: book.get('sort')!.spec.presets[0]!.config });
    const made = await book.get('sort')!.open(config, 'unused');
    const { inputs, labels } = made.trainBatch(1, 0, 2);
    expect([...labels.subarray(0, 8)]).toEqual([...inputs.subarray(0, 8)].sort((a, b) => a - b));
  });

  it('says which file is wrong and what would help', async () => {
    const { path } = folder;
    expect(await load('none.ts')).toBe(
      `HEADROOM_RECIPES: there is no file ${join(path, 'none.ts')}; give a path from the folder that the program is started in, or a full one`,
    );
    expect(await load(module('broken.ts', 'export default {\n  name: 3 4\n};'))).toBe(
      `HEADROOM_RECIPES: ${join(path, 'broken.ts')} does not load: broken.ts:2:10: Expected "}" but found "4"`,
    );
    expect(await load(module('throws.ts', 'throw new Error("no luck");'))).toBe(
      `HEADROOM_RECIPES: ${join(path, 'throws.ts')} does not load: no luck`,
    );
    expect(await load(module('empty.ts', 'export const answer = 42;'))).toContain(
      'empty.ts exports no recipe; write "export default defineRecipe',
    );
    expect(await load(`${fixture},${fixture.replace('.ts', '.ts')}`)).toBe(
      'HEADROOM_RECIPES: two recipes are named "sort"; rename one of them',
    );
  });

  it('of the README is the example that is tested here, and trains from the command line with flags of its own', async () => {
    const readme = readFileSync(join(root, 'trainer/recipes/README.md'), 'utf8');
    expect(readme).toContain(`\`\`\`ts\n${readFileSync(fixture, 'utf8')}\`\`\``);
    const args = [
      '--import',
      'tsx',
      'trainer/process/cli.ts',
      '--recipe',
      'sort',
      '--length',
      '4',
      '--values',
      '5',
      '--epochs',
      '1',
    ];
    const env = { ...process.env, HEADROOM_RECIPES: fixture };
    const { stdout } = await promisify(execFile)(process.execPath, [...args, '--backend', 'wasm', '--json'], { cwd: root, env });
    const result = JSON.parse(stdout.trimEnd().split('\n').at(-1)!);
    expect([result.status, result.steps]).toEqual(['finished', 200]);
    expect(result.test.accuracy).toBeGreaterThan(0.8);
  });
});
