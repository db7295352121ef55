/** Configs and setups of the built-in recipes, to be changed field by field. */
import type { Config, RunSetup } from '~/shared/setup';
import type { RunConfig } from '~/trainer/base/config';
import { builtinRecipes } from '~/trainer/recipes';
import type { Recipe } from '~/trainer/recipes/define';

export function recipeNamed(name: string): Recipe {
  const recipe = builtinRecipes.find((r) => r.spec.name === name);
  if (!recipe) throw new Error(`there is no built-in recipe ${name}`);
  return recipe;
}

/** A recipe's default preset. */
export const publishedConfig = (name: string): RunConfig =>
  structuredClone(recipeNamed(name).spec.presets[0]!.config) as RunConfig;

export function publishedSetup(name: string, changes: Partial<RunConfig> = {}, more: Partial<RunSetup> = {}): RunSetup {
  const config = { ...publishedConfig(name), ...changes } as unknown as Config;
  return { name: recipeNamed(name).spec.title, project: 'default', tags: [], recipe: { name, trainer: null }, config, ...more };
}

/** The setup with fields of its config changed. */
export const withConfig = (setup: RunSetup, changes: Partial<RunConfig>): RunSetup => ({
  ...setup,
  config: { ...setup.config, ...changes } as unknown as Config,
});

/** A setup's config as the built-in trainer reads it. */
export const configOf = (setup: RunSetup): RunConfig => setup.config as unknown as RunConfig;
