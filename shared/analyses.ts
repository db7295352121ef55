/**
 * Questions about a run's parameters, answered by an `analysis` event: which there are, their numbers' names, and which parameters a question is about. One
 * about a checkpoint is not the affair of the trainer that holds the run: any trainer answers it (protocol.ts, `question`), also when the run has ended.
 */
import type { Command } from './commands';
import type { ActionSpec } from './controls';
import { type CommandRecord, isOpen, type RunView } from './view';

/** The trainer's own, named like the actions that ask them. */
export const analysisKinds = {
  permutationCheck: 'permutationCheck',
  ablateHeads: 'ablateHeads',
  findMistakes: 'findMistakes',
} as const;

/** A head's output replaced by zero, or by its mean over batch and positions. */
export type AblationWay = 'zero' | 'mean';

/** Loss with this head alone switched off, minus the loss with all. Layers and heads count from 0. */
export const ablationName = (how: AblationWay, layer: number, head: number): string => `${how}.${layer}.${head}`;

type Declared = Pick<RunView, 'controls'>;

export const isQuestionAction = ({ question }: Pick<ActionSpec, 'question'>): boolean => question === true;

export const asks = ({ controls }: Declared, command: Command): boolean =>
  command.kind === 'act' && controls.actions.some((a) => a.name === command.action && isQuestionAction(a));

/** Whether the question is about a checkpoint: one that it names, or the last one of a run that had ended when it was asked. */
export function asksCheckpoint(view: Declared, { command, afterEnd }: Pick<CommandRecord, 'command' | 'afterEnd'>): boolean {
  if (!asks(view, command) || command.kind !== 'act' || command.when) return false;
  return command.checkpoint !== undefined || afterEnd === true;
}

/** Those that wait for an answer, or for a trainer to give it. */
export const openQuestions = (view: Pick<RunView, 'controls' | 'openCommands'>): CommandRecord[] =>
  view.openCommands.filter((c) => isOpen(c) && asksCheckpoint(view, c));
