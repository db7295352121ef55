import type { Command } from './commands';
import type { ActionRole } from './controls';
import type { CheckpointRef } from './events';
import { counted } from './numbers';
import { roleOf } from './roles';
import type { CommandRecord, ListItems, RunView } from './view';

/**
 * Going back: an action of the server, not of the trainer. It is in the log as an applied command; with the next `run.assigned` the run resumes that checkpoint,
 * the rows after it are superseded and the commands that took effect after it are undone.
 */
export const revertAction: ActionRole = 'revert';

declare const back: unique symbol;
/** A command by which the server takes the run back, as `takesBack` says. */
export type RevertCommand = Extract<Command, { kind: 'act' }> & { readonly [back]: true };

/**
 * Whether the server takes the run back when it receives this command. A script's own run goes back only by an action that its
 * script declares.
 */
export const takesBack = (view: Pick<RunView, 'setup' | 'controls'>, command: Command): command is RevertCommand =>
  view.setup.recipe !== null && roleOf(view, command) === 'revert';

/**
 * The checkpoint that the arguments mean, `step` or `checkpoint` (its hash) or both; or "field: what is wrong".
 *
 * @param checkpoints in the order of the log: those in force that the arguments may mean, and some to name in the error
 */
export function revertTarget(
  checkpoints: readonly ListItems['checkpoints'][],
  { args }: Pick<RevertCommand, 'args'>,
): ListItems['checkpoints'] | { field: string; message: string } {
  const { step, checkpoint, ...others } = args;
  const [extra] = Object.keys(others);
  if (extra !== undefined)
    return { field: `args.${extra}`, message: `args.${extra}: revert takes step and checkpoint, not "${extra}"` };
  if (step === undefined && checkpoint === undefined)
    return { field: 'args.step', message: 'args.step: give the step of a checkpoint, or its hash as checkpoint' };
  const found = checkpoints.findLast(
    (c) => (step === undefined || c.step === step) && (checkpoint === undefined || c.blob.hash === checkpoint),
  );
  if (found) return found;
  const there = checkpointsThere(checkpoints, typeof step === 'number' ? step : null);
  if (checkpoint === undefined || checkpoints.some((c) => c.blob.hash === checkpoint))
    return { field: 'args.step', message: `args.step: no checkpoint at step ${JSON.stringify(step)}; ${there}` };
  return { field: 'args.checkpoint', message: `args.checkpoint: no checkpoint ${JSON.stringify(checkpoint)}; ${there}` };
}

/** Which checkpoints there are, for people: the nearest to a step, or (null) the newest. */
export function checkpointsThere(checkpoints: readonly Pick<ListItems['checkpoints'], 'step'>[], near: number | null): string {
  const steps = [...new Set(checkpoints.map((c) => c.step))].sort((a, b) => a - b);
  if (steps.length === 0) return 'the run has none';
  if (near === null) return `there are checkpoints at step ${steps.slice(-20).join(', ')}`;
  const nearest = [steps.findLast((s) => s < near), steps.find((s) => s > near)].filter((s) => s !== undefined);
  return `the nearest kept one${nearest.length === 1 ? ' is at step' : 's are at steps'} ${nearest.join(' and ')}`;
}

/** Why checkpoints are missing; '' when none was deleted. */
export const whyThinned = ({ checkpointsThinned: n }: Pick<RunView, 'checkpointsThinned'>): string =>
  n === undefined ? '' : `. ${counted(n, 'checkpoint was', 'checkpoints were')} deleted, as the activity of the run says`;

/** The outcome of a command that a checkpoint holds, once the run is back at that checkpoint. */
export const waitsAgain = ({ step }: Pick<CheckpointRef, 'step'>): CommandRecord['outcome'] => ({
  status: 'scheduled',
  message: `waits again from step ${step} on`,
});

/**
 * A command after the run goes back to `checkpoint`, by the entry at `seq`: a later command is undone, and one that the
 * checkpoint holds waits for its condition again.
 */
export function revertRecord(
  record: CommandRecord,
  { seq, checkpoint }: { seq: number; checkpoint: CheckpointRef },
): CommandRecord {
  const { outcome } = record;
  if (outcome.status !== 'applied' && outcome.status !== 'refused') return record;
  if (outcome.seq <= checkpoint.seq || outcome.seq > seq) return record;
  if (isHeldBy(record, checkpoint)) return { ...record, outcome: waitsAgain(checkpoint) };
  return outcome.status === 'applied' && !record.takesBack && !record.undone ? { ...record, undone: true } : record;
}

/** A conditional command that the checkpoint holds, and that its trainer answered after the checkpoint. */
export const isHeldBy = ({ command, seq, outcome }: CommandRecord, { lastCommandSeq }: CheckpointRef): boolean =>
  command.when !== undefined && seq <= lastCommandSeq && !(outcome.status === 'refused' && outcome.reason === 'forbidden');
