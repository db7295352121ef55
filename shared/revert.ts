import type { Command } from './commands';
import type { CheckpointEvent } from './events';
import type { CommandRecord, RunView, WithSeq } from './fold';

/**
 * Going back: an action of the server, not of the trainer. It is in the log as an applied command; with the next `run.assigned` the run resumes that checkpoint,
 * the rows after it are superseded and the commands that took effect after it are undone.
 */
export const revertAction = 'revert';

export type RevertCommand = Extract<Command, { kind: 'act' }> & { action: typeof revertAction };
type Checkpoint = WithSeq<CheckpointEvent>;

export const isRevert = (command: Command): command is RevertCommand => command.kind === 'act' && command.action === revertAction;

/** The checkpoint that the arguments mean, `step` or `checkpoint` (its hash) or both; or "field: what is wrong". */
export function revertTarget(
  { checkpoints }: Pick<RunView, 'checkpoints'>,
  { args }: RevertCommand,
): Checkpoint | { field: string; message: string } {
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
  const steps = [...new Set(checkpoints.map((c) => c.step))].slice(-20);
  const there = steps.length === 0 ? 'the run has none' : `there are checkpoints at step ${steps.join(', ')}`;
  if (checkpoint === undefined || checkpoints.some((c) => c.blob.hash === checkpoint))
    return { field: 'args.step', message: `args.step: no checkpoint at step ${JSON.stringify(step)}; ${there}` };
  return { field: 'args.checkpoint', message: `args.checkpoint: no checkpoint ${JSON.stringify(checkpoint)}; ${there}` };
}

/** The newest revert that took effect, and its place; null when there was none. */
export function lastRevert({ commands }: Pick<RunView, 'commands'>): { record: CommandRecord; seq: number } | null {
  const reverts = commands.flatMap((record) =>
    isRevert(record.command) && record.outcome.status === 'applied' ? [{ record, seq: record.outcome.seq }] : [],
  );
  return reverts.reduce<(typeof reverts)[number] | null>((a, b) => (a && a.seq > b.seq ? a : b), null);
}

/** The checkpoint that the next trainer is to go back to; null when nobody asked since the last one took over. */
export function pendingRevert(view: Pick<RunView, 'commands' | 'checkpoints' | 'statuses'>): Checkpoint | null {
  const last = lastRevert(view);
  const assigned = view.statuses.findLast((s) => s.status === 'starting')?.seq ?? 0;
  if (!last || last.seq < assigned || !isRevert(last.record.command)) return null;
  const target = revertTarget(view, last.record.command);
  return 'blob' in target ? target : null;
}

/** What going back to `target` makes of the commands: the later ones are undone, and those that it holds wait for their condition again. */
export function revertCommands(commands: CommandRecord[], target: Checkpoint): CommandRecord[] {
  return commands.map((c) => {
    const { outcome, command } = c;
    if ((outcome.status !== 'applied' && outcome.status !== 'refused') || outcome.seq <= target.seq) return c;
    if (command.when && c.seq <= target.lastCommandSeq && !(outcome.status === 'refused' && outcome.reason === 'forbidden'))
      return { ...c, outcome: { status: 'scheduled', message: `waits again from step ${target.step} on` } };
    return outcome.status === 'applied' && !isRevert(command) ? { ...c, undone: true } : c;
  });
}
