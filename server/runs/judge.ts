/** Checks a command on the server, before the trainer sees it. Pure. */
import { isDeepStrictEqual } from 'node:util';
import { may } from '~/server/base/permissions';
import { asks, openQuestions } from '~/shared/analyses';
import { commandError } from '~/shared/commandError';
import type { Command, Refusal } from '~/shared/commands';
import { boundsOf, neverMet } from '~/shared/conditions';
import type { ControlValue } from '~/shared/controls';
import type { Actor } from '~/shared/ids';
import { refuse } from '~/shared/refusals';
import { type RevertCommand, revertTarget, takesBack, whyThinned } from '~/shared/revert';
import { asDeclared, roleOf } from '~/shared/roles';
import { latestWithRole, seriesOf } from '~/shared/streams';
import { type CommandRecord, ended, type ListItems, mostOpenCommands, type RunView } from '~/shared/view';
import { goingBackByScript } from './byScript';

/** It ends a waiting command, so the limit on waiting commands must not keep it out. */
const makesRoom = (view: RunView, command: Command): boolean => {
  const role = roleOf(view, command);
  return role === 'stop' || role === 'cancel' || role === 'revert';
};

type Checkpoints = readonly ListItems['checkpoints'][];

/**
 * @returns null: it may enter the log.
 *
 * @param checkpoints those in force that the command may mean, and the newest ones (revert.ts, `checkpointsMeant`)
 * @param endsAlone it stops a script's own run whose process is away, which needs no declared action
 */
export function judge(
  view: RunView,
  actor: Actor,
  command: Command,
  checkpoints: Checkpoints,
  endsAlone = false,
): Refusal | null {
  if (!may(actor, 'steer runs')) return refuse('forbidden', `${actor.name} (${actor.role}) may not steer runs`);
  const question = asks(view, command);
  if (ended(view.status) && !takesBack(view, command) && !question && !questionCalledOff(view, command))
    return refuse('run-ended', describeEnd(view));
  if (endsAlone) return null;
  const validationError =
    command.kind === 'set' ? validationErrorOfSet(view, command) : validationErrorOfAct(view, command, checkpoints);
  if (validationError) return validationError;
  const measured = { series: seriesOf(view), evaluations: view.latestEvaluations, ...boundsOf(view) };
  const never = command.when ? neverMet(measured, command.when) : null;
  if (never) return refuse('invalid', `when.value: ${never}`, 'when.value');
  const wrong = validationErrorOfQuestion(view, command, question, checkpoints);
  if (wrong) return wrong;
  if (view.openCommands.length >= mostOpenCommands + (makesRoom(view, command) ? 20 : 0))
    return refuse('busy', `${mostOpenCommands} commands of this run wait already`);
  return null;
}

/** The same command sent again by the same person; the action may be named by its role, or by the name declared since. */
export const isResend = (
  view: Pick<RunView, 'controls'>,
  known: { actor: Actor; command: Command },
  actor: Actor,
  command: Command,
): boolean => known.actor.id === actor.id && isDeepStrictEqual(asDeclared(view, known.command), asDeclared(view, command));

/** A run without declarations, before its first trainer registers them: that trainer checks the commands then. */
const undeclared = (view: RunView): boolean =>
  view.device === null && view.controls.values.length === 0 && view.controls.actions.length === 0;

function validationErrorOfSet(view: RunView, command: Extract<Command, { kind: 'set' }>): Refusal | null {
  if (undeclared(view)) return null;
  const wrong = commandError(view.controls, command);
  if (wrong) return wrong;
  const { label } = view.controls.values.find((c) => c.name === command.control)!;
  const now = view.values[command.control];
  if (command.expected === undefined || !now || Object.is(now.value, command.expected)) return null;
  return refuse(
    'conflict',
    `${label} ${whoChanged(now)}: it is ${show(now.value)} now, you saw ${show(command.expected)}`,
    'expected',
  );
}

function validationErrorOfAct(
  view: RunView,
  command: Extract<Command, { kind: 'act' }>,
  checkpoints: Checkpoints,
): Refusal | null {
  if (takesBack(view, command)) return validationErrorOfRevert(view, command, checkpoints);
  const declared = view.controls.actions.some((a) => a.name === command.action);
  if (!declared && roleOf(view, command) === 'revert') return refuse('state', goingBackByScript(view));
  return undeclared(view) ? null : (commandError(view.controls, command) ?? goingOnFromNothing(view, command));
}

/**
 * A run of a recipe whose numbers are NaN stays paused: another step cannot repair them. People take it back to a checkpoint, or
 * branch.
 */
function goingOnFromNothing(view: RunView, command: Command): Refusal | null {
  const role = roleOf(view, command);
  if (view.setup.recipe === null || view.status !== 'paused' || (role !== 'resume' && role !== 'step')) return null;
  for (const [of, words] of [
    ['loss', 'loss'],
    ['gradNorm', 'gradient norm'],
  ] as const) {
    const value = latestWithRole(view, of);
    if (value !== null && !Number.isFinite(value))
      return refuse(
        'state',
        `the ${words} is ${value} at step ${view.step - 1}: going on would not help; take the run back to a checkpoint before that, or branch from one`,
      );
  }
  return null;
}

/** What is wrong with a question about a checkpoint, or with a checkpoint given for a command that is not a question. */
function validationErrorOfQuestion(view: RunView, command: Command, question: boolean, checkpoints: Checkpoints): Refusal | null {
  if (command.kind !== 'act') return null;
  const { checkpoint, action, when } = command;
  if (!question)
    return checkpoint === undefined
      ? null
      : refuse('invalid', `checkpoint: ${action} is no question about parameters; leave \`checkpoint\` out`, 'checkpoint');
  const over = ended(view.status);
  if (!over && checkpoint === undefined) return null;
  if (when) return refuse('invalid', 'when: a checkpoint does not change; leave `when` out', 'when');
  const last = checkpoints.at(-1);
  if (!last) return refuse('state', 'the run has no checkpoint to ask about');
  if (checkpoint === undefined || checkpoints.some((c) => c.blob.hash === checkpoint)) return null;
  return refuse(
    'invalid',
    `checkpoint: the run has no checkpoint ${checkpoint.slice(0, 12)}... in force; its last one, at step ${last.step}, is ${last.blob.hash}${whyThinned(view)}`,
    'checkpoint',
  );
}

/** The question about a checkpoint that this command cancels; undefined when it is about something else. */
export function questionCalledOff(view: RunView, command: Command): CommandRecord | undefined {
  if (command.kind !== 'act' || roleOf(view, command) !== 'cancel') return undefined;
  return openQuestions(view).find((c) => c.command.id === command.args.commandId);
}

function validationErrorOfRevert(view: RunView, command: RevertCommand, checkpoints: Checkpoints): Refusal | null {
  if (view.attempt === 0) return refuse('state', 'no trainer has taken the run yet: there is nothing to go back to');
  if (view.trashed) return refuse('state', 'the run is in the trash: take it out first');
  if (command.when) return refuse('invalid', 'when: the run goes back at once; leave `when` out', 'when');
  const target = revertTarget(checkpoints, command);
  return 'blob' in target ? null : refuse('invalid', target.message + whyThinned(view), target.field);
}

const describeEnd = ({ status, counts }: RunView): string =>
  `the run has ended (${status})${counts.checkpoints.count > 0 ? '; to go on, revert it to one of its checkpoints or branch it' : ''}`;
const show = (value: ControlValue): string => JSON.stringify(value);
const whoChanged = (state: RunView['values'][string]): string =>
  state.changedBy ? `was changed by ${state.changedBy.name} at step ${state.changedAtStep}` : 'was changed';
