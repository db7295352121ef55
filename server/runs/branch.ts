import { nanoid } from 'nanoid';
import type { RunLists } from '~/server/store/lists';
import { gate } from '~/server/team/gate';
import type { Command, Refusal } from '~/shared/commands';
import { controlValueError } from '~/shared/controlValues';
import type { ServerEvent } from '~/shared/events';
import type { Actor } from '~/shared/ids';
import { refuse } from '~/shared/refusals';
import { checkpointsThere, revertRecord, whyThinned } from '~/shared/revert';
import type { BranchRun } from '~/shared/runRequests';
import { type ListItems, mostOpenCommands, type RunView } from '~/shared/view';
import type { FirstEntriesDeps } from './create';

type RunCreated = Extract<ServerEvent, { type: 'run.created' }>;
type SetCommand = Extract<Command, { kind: 'set' }>;

/**
 * The first entries of a branch: its creation, then changes and repeated commands, as ordinary commands of its log. Repeated
 * commands of the parent keep their author and step: they wait in the trainer for that step, so a branch without changes gives
 * the parent's numbers again.
 *
 * @param checkpointHash where it forks: a checkpoint of the parent in force
 */
export async function branchEvents(
  parent: RunView,
  lists: RunLists,
  childId: string,
  actor: Actor,
  request: BranchRun,
  checkpointHash: string,
  { now, needsApproval, newId = nanoid }: FirstEntriesDeps,
): Promise<{ ok: true; created: RunCreated; commands: ServerEvent[] } | Refusal> {
  const fork = await lists.item('checkpoints', { ref: checkpointHash });
  if (!fork)
    return refuse(
      'invalid',
      `checkpoint: run ${parent.runId} has no checkpoint ${checkpointHash.slice(0, 12)}... in force; ${checkpointsThere(await lists.list('checkpoints', { limit: 20 }), null)}${whyThinned(parent)}`,
      'checkpoint',
    );

  const created: RunCreated = {
    type: 'run.created',
    setup: { ...parent.setup, name: request.name },
    actor,
    parent: { runId: parent.runId, step: fork.step, checkpoint: fork.blob },
  };
  const commands: ServerEvent[] = [];
  const ask = (by: Actor, command: Command) => commands.push({ type: 'command.requested', actor: by, command });

  for (const [i, { control, value }] of request.changes.entries()) {
    const spec = parent.controls.values.find((c) => c.name === control);
    if (!spec) {
      const names = parent.controls.values.map((c) => c.name).join(', ');
      return refuse(
        'unknown-control',
        `changes.${i}.control: there is no ${control}; there are ${names}`,
        `changes.${i}.control`,
      );
    }
    const problem = controlValueError(spec, value);
    if (problem) return refuse('invalid', `changes.${i}.value: ${problem}`, `changes.${i}.value`);
    const command: SetCommand = { kind: 'set', id: newId(), runId: childId, control, value };
    // The control lock of the parent is not the branch's.
    const gated = gate({ controls: parent.controls, controlLock: null }, needsApproval, actor, command, now);
    if (gated === 'propose') commands.push({ type: 'command.proposed', actor, command });
    else ask(actor, command);
  }

  if (request.repeat) {
    const { without } = request.repeat;
    const later = await repeatable(parent, lists, fork);
    const waiting = stillWaiting(parent);
    if (without !== null && ![...later, ...waiting].some((c) => c.command.id === without))
      return refuse('invalid', `repeat.without: no change ${without} took effect after step ${fork.step}`, 'repeat.without');
    if (later.length + waiting.length > mostOpenCommands)
      return refuse(
        'busy',
        `repeat: ${later.length + waiting.length} changes took effect after step ${fork.step}, or wait; at most ${mostOpenCommands} can wait in a branch. Branch from a later checkpoint`,
        'repeat',
      );
    for (const { actor: by, command, step } of later) {
      if (command.id === without) continue;
      // The value that the author saw may differ in the branch.
      const { control, value } = command;
      ask(by, { kind: 'set', id: newId(), runId: childId, control, value, when: { kind: 'step', step } });
    }
    for (const { actor: by, command } of waiting)
      if (command.id !== without) ask(by, { ...command, id: newId(), runId: childId });
  }
  const change = await describeChange(lists, request);
  return { ok: true, created: { ...created, ...(change && { change }) }, commands };
}

/**
 * "clipThreshold = 1, without learningRate = 0.01 of Ada at step 50"; '' = the branch repeats its parent, or continues without
 * its later changes.
 */
async function describeChange(lists: RunLists, { changes, repeat }: BranchRun): Promise<string> {
  const words = changes.map(({ control, value }) => `${control} = ${JSON.stringify(value)}`);
  const left = repeat?.without && (await lists.item('commands', { id: repeat.without }));
  if (left && left.command.kind === 'set' && left.outcome.status === 'applied')
    words.push(
      `without ${left.command.control} = ${JSON.stringify(left.command.value)} of ${left.actor.name} at step ${left.outcome.step}`,
    );
  const text = words.join(', ');
  return text.length > 300 ? `${text.slice(0, 299)}…` : text;
}

/** Changes that wait in the parent for their condition: they would take effect in the branch as well. */
function stillWaiting({ openCommands }: RunView): { actor: Actor; command: SetCommand }[] {
  const waiting: { actor: Actor; command: SetCommand }[] = [];
  for (const { actor, command, outcome } of openCommands) {
    if (outcome.status !== 'scheduled' || command.kind !== 'set') continue;
    // The value that its author saw may differ in the branch.
    const { expected: _seen, ...asked } = command;
    waiting.push({ actor, command: asked });
  }
  return waiting;
}

/**
 * Changed values affect the numbers; actions (pause, evaluate, checkpoint, ...) do not, and a branch should not stop where its
 * parent did.
 */
async function repeatable(
  { seq, pendingRevert }: RunView,
  lists: RunLists,
  fork: ListItems['checkpoints'],
): Promise<{ actor: Actor; command: SetCommand; step: number }[]> {
  const found: { actor: Actor; command: SetCommand; step: number; order: number }[] = [];
  for await (const page of lists.pages('commands', { tag: 'applied', fromStep: fork.step }))
    for (const record of page) {
      // A run that waits to go back has undone them already, though its list says so only when a trainer takes it.
      const undone = pendingRevert && revertRecord(record, { seq, checkpoint: pendingRevert.checkpoint }).undone;
      const { actor, command, outcome } = record;
      if (outcome.status === 'applied' && !undone && outcome.seq > fork.seq && command.kind === 'set')
        found.push({ actor, command, step: outcome.step, order: outcome.seq });
    }
  return found.sort((a, b) => a.step - b.step || a.order - b.order);
}
