/**
 * Questions about a run's parameters, answered by an `analysis` event: the kinds of questions, the names of their numbers, and
 * the parameters that a question is about. Any trainer can answer a question about a checkpoint (protocol.ts, `question`), also
 * after the run has ended.
 */
import type { Command } from './commands';
import type { ActionSpec } from './controls';
import { actionWithRole } from './controlValues';
import { roleOf } from './roles';
import { type CommandRecord, ended, isOpen, type RunView } from './view';

/** Questions of the built-in trainer, named like the actions that ask them. */
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

/** Whether the question is about a checkpoint: the one that it names, or the last checkpoint of a run that had already ended. */
export function asksCheckpoint(view: Declared, { command, afterEnd }: Pick<CommandRecord, 'command' | 'afterEnd'>): boolean {
  if (!asks(view, command) || command.kind !== 'act' || command.when) return false;
  return command.checkpoint !== undefined || afterEnd === true;
}

/** Questions that wait for an answer, or for a trainer to give it. */
export const openQuestions = (view: Pick<RunView, 'controls' | 'openCommands'>): CommandRecord[] =>
  view.openCommands.filter((c) => isOpen(c) && asksCheckpoint(view, c));

/** Questions and evaluations that a run was asked for and works on: it stands at their step until it has answered. Only of runs in which they can be canceled. */
export function workedOn({
  controls,
  recent,
  step,
  status,
}: Pick<RunView, 'controls' | 'recent' | 'step' | 'status'>): CommandRecord[] {
  if (ended(status) || !actionWithRole(controls, 'cancel')) return [];
  const over = new Set([...recent.analyses.items, ...recent.evaluations.items].map((answer) => answer.commandId));
  const failed = recent.alerts.items.map(({ message }) => message);
  const at = recent.commands.items.filter(
    ({ outcome, undone }) => outcome.status === 'applied' && outcome.step === step && !undone,
  );
  for (const { command } of at)
    if (roleOf({ controls }, command) === 'cancel' && command.kind === 'act') over.add(String(command.args.commandId));
  return at.filter((c) => {
    const { command } = c;
    const asked =
      (asks({ controls }, command) && !asksCheckpoint({ controls }, c)) || roleOf({ controls }, command) === 'evaluate';
    return asked && !over.has(command.id) && !failed.some((message) => message.startsWith(`${command.id}: `));
  });
}
