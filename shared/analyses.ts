/** Questions about a run's parameters that its trainer answers by an `analysis` event: the kinds (named like the actions that ask them), and their numbers' names. */
export const analysisKinds = {
  permutationCheck: 'permutationCheck',
  ablateHeads: 'ablateHeads',
  findMistakes: 'findMistakes',
} as const;

/** A head's output replaced by zero, or by its mean over batch and positions. */
export type AblationWay = 'zero' | 'mean';

/** Loss with this head alone switched off, minus the loss with all. Layers and heads count from 0. */
export const ablationName = (how: AblationWay, layer: number, head: number): string => `${how}.${layer}.${head}`;
