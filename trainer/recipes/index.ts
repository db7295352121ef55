/** The recipes of the built-in trainer: one line each. */
import { anomaly } from './anomaly';
import type { Recipe } from './define';
import { reverse } from './reverse';

export const builtinRecipes: readonly Recipe[] = [reverse, anomaly];
