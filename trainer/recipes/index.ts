/** The recipes of the built-in trainer: one line each. */
import { anomaly } from './anomaly';
import type { Recipe } from './define';
import { reverse } from './reverse';
import { text } from './text';

export const builtinRecipes: readonly Recipe[] = [reverse, anomaly, text];
