/** The API for a team's own recipes (README.md), in one import. */
export { z } from 'zod';
export { networkMemory, type RunConfig, recipeConfig, usual } from '~/trainer/base/config';
export { RandomStream } from '~/trainer/nn/random';
export { distanceSignal, itemSignal, patternSignal } from '~/trainer/nn/signals';
export type { Batch, Example, Probe, Task } from '~/trainer/types';
export { defineRecipe, type RecipeDefinition } from './define';
export { epochOrders } from './epochOrder';
