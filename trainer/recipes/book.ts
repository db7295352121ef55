/** The recipes of a process: the built-in ones and those of a team's own modules. */

import { isAbsolute, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { RecipeSpec } from '~/shared/recipes';
import type { RunSetup } from '~/shared/setup';
import type { RunConfig } from '~/trainer/base/config';
import { isRecipe, type Recipe } from './define';
import { builtinRecipes } from './index';

export class RecipeBook {
  readonly #recipes = new Map<string, Recipe>();

  /** @throws Error when two have one name */
  constructor(recipes: readonly Recipe[] = builtinRecipes) {
    for (const recipe of recipes) {
      const { name } = recipe.spec;
      if (this.#recipes.has(name)) throw new Error(`two recipes are named ${JSON.stringify(name)}; rename one of them`);
      this.#recipes.set(name, recipe);
    }
  }

  get names(): string[] {
    return [...this.#recipes.keys()];
  }

  get specs(): RecipeSpec[] {
    return [...this.#recipes.values()].map((recipe) => recipe.spec);
  }

  get(name: string): Recipe | null {
    return this.#recipes.get(name) ?? null;
  }

  /** @throws Error when the recipe is not here, ConfigError when the config does not fit it */
  of({ recipe, config }: Pick<RunSetup, 'recipe' | 'config'>): { recipe: Recipe; config: RunConfig } {
    if (!recipe) throw new Error('the run has no recipe: its own script trains it');
    const found = this.get(recipe.name);
    if (!found)
      throw new Error(`this trainer does not have the recipe ${JSON.stringify(recipe.name)}; it has ${this.names.join(', ')}`);
    return { recipe: found, config: found.parse(config) };
  }
}

/**
 * The built-in recipes and those that the modules export: as default, by name, or as an array of either.
 *
 * @param modules paths apart by commas, as in HEADROOM_RECIPES; relative ones from `folder`. Undefined or empty: the built-in recipes alone
 * @throws Error naming the file and what would help: it is missing, does not load, or exports no recipe
 */
export async function loadRecipes(modules: string | undefined, folder = process.cwd()): Promise<RecipeBook> {
  const files = (modules ?? '')
    .split(',')
    .map((file) => file.trim())
    .filter((file) => file !== '');
  const own: Recipe[] = [];
  for (const file of files) own.push(...(await recipesOf(file, isAbsolute(file) ? file : resolve(folder, file))));
  try {
    return new RecipeBook([...builtinRecipes, ...own]);
  } catch (error) {
    throw new Error(`HEADROOM_RECIPES: ${(error as Error).message}`);
  }
}

async function recipesOf(named: string, path: string): Promise<Recipe[]> {
  let module: Record<string, unknown>;
  try {
    module = (await import(pathToFileURL(path).href)) as Record<string, unknown>;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const missing = code === 'ERR_MODULE_NOT_FOUND' && message.includes(path);
    throw new Error(
      missing
        ? `HEADROOM_RECIPES: there is no file ${path}; give a path from the folder that the program is started in, or a full one`
        : `HEADROOM_RECIPES: ${named} does not load: ${message}`,
    );
  }
  const exported = Object.values(module).flat();
  const found = [...new Set(exported.filter(isRecipe))];
  if (found.length === 0)
    throw new Error(
      `HEADROOM_RECIPES: ${named} exports no recipe; write "export default defineRecipe({ ... })", with defineRecipe from trainer/recipes/define`,
    );
  return found;
}
