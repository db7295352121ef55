/** The recipes of a process: the built-in recipes and the recipes of a team's own modules. */

import type { RecipeSpec } from '~/shared/recipes';
import type { RunSetup } from '~/shared/setup';
import type { RunConfig } from '~/trainer/base/config';
import type { Recipe } from './define';
import { builtinRecipes } from './index';

export class RecipeBook {
  readonly #recipes = new Map<string, Recipe>();

  /** @throws Error when two recipes have the same name */
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

  /** @throws Error when the recipe is unknown, ConfigError when the config does not fit it */
  of({ recipe, config }: Pick<RunSetup, 'recipe' | 'config'>): { recipe: Recipe; config: RunConfig } {
    if (!recipe) throw new Error('the run has no recipe: its own script trains it');
    const found = this.get(recipe.name);
    if (!found)
      throw new Error(`this trainer does not have the recipe ${JSON.stringify(recipe.name)}; it has ${this.names.join(', ')}`);
    return { recipe: found, config: found.parse(config) };
  }
}
