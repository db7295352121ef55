import { changedConfig } from './changedConfig';
import { betterEvaluation } from './evaluations';
import type { CheckpointRef, Entry, Evaluation, Resumed, RunEvent } from './events';
import { applyToList, keepSeqOf, type ListChange, listChanges, noteBefore, statusAfter } from './lists';
import { own, put, type Table } from './own';
import { changeLists, emptyLists } from './recentLists';
import { type GoingBack, resumedInView } from './resumed';
import { revertTarget, takesBack, waitsAgain } from './revert';
import { seqCount, stepWith } from './rows';
import type { StreamSpec } from './series';
import { bestRowAfter, describedAnew, rewound, type Streams, withRows, withStream } from './streams';
import { unreachable } from './unreachable';
import { type CommandRecord, type ControlState, ended, mostSplits, type RunView, type WithSeq, waits } from './view';

/**
 * The view after an entry: view = fold(view, entry), the same pure function on the server and in the browser. Its cost does not
 * depend on the run's length: where an entry needs list items that the view no longer holds, the server has written them into the
 * entry (events.ts, `resumed`, `asked`, `was`).
 */

export function emptyView(runId: string, created: Entry): RunView {
  if (created.event.type !== 'run.created' || created.seq !== 1)
    throw new Error(`run ${runId}: its log must begin with run.created at 1, got ${created.event.type} at ${created.seq}`);
  const { setup, actor, parent, copyOf, change } = created.event;
  return {
    runId,
    seq: 1,
    attempt: 0,
    createdAt: created.at,
    updatedAt: created.at,
    createdBy: actor,
    setup,
    parent,
    ...(copyOf !== undefined && { copyOf }),
    ...(change !== undefined && { branchChange: change }),
    status: 'queued',
    statusMessage: '',
    statusBeforeLoss: null,
    startedAt: null,
    trainer: null,
    device: null,
    streams: [],
    streamCount: 0,
    columnCount: 0,
    data: null,
    params: [],
    controls: { values: [], actions: [] },
    values: {},
    stepsPerEpoch: 0,
    totalSteps: 0,
    schedule: null,
    step: parent?.step ?? 0,
    ...emptyLists(),
    openCommands: [],
    latestEvaluations: [],
    best: null,
    bestRow: null,
    lastCheckpoint: null,
    pendingRevert: null,
    takeovers: { fromStep: 0, count: 0 },
    openThreads: 0,
    controlLock: null,
    tags: setup.tags,
    archived: false,
    trashed: false,
    setAside: 0,
    console: null,
    traceback: null,
    openKey: created.event.openKey ?? null,
    released: false,
  };
}

/** @throws Error when the entry does not follow the view: a gap or a repeat is a broken invariant, never skipped silently. */
export const fold = (view: RunView, entry: Entry): RunView => foldWithChanges(view, entry).view;

/** The new view, and the entry's changes to the lists. */
export function foldWithChanges(view: RunView, entry: Entry): { view: RunView; changes: ListChange[] } {
  if (entry.seq !== view.seq + 1) throw new Error(`run ${view.runId}: expected seq ${view.seq + 1}, got ${entry.seq}`);
  const changes = listChanges(view, entry);
  const { event } = entry;
  const back = event.type === 'run.assigned' || event.type === 'rewind' ? goingBack(view, entry.seq, event) : null;
  const next: RunView = {
    ...view,
    step: stepWith(event, view.step, () => view.streams.some((s) => s.latest !== null)),
    ...(back ? wentBack(view, back) : headChange(view, entry)),
    ...statusChange(view, entry),
    ...changeLists(view, changes),
    ...openCommandsAfter(view, changes, back?.resumed ?? null),
    seq: view.seq + seqCount(entry.event),
    updatedAt: entry.at,
  };
  return { view: next, changes };
}

type Assigned = Extract<RunEvent, { type: 'run.assigned' }>;
type Rewind = Extract<RunEvent, { type: 'rewind' }>;
interface Back {
  event: Assigned | Rewind;
  at: GoingBack;
  resumed: Omit<Resumed, 'counts'>;
}

function goingBack(view: RunView, seq: number, event: Assigned | Rewind): Back {
  const at = { seq, fromStep: event.type === 'rewind' ? event.step : event.fromStep, keepSeq: keepSeqOf(view, event) };
  return { event, at, resumed: event.resumed ?? resumedInView(view, at) };
}

function statusChange(view: RunView, entry: Entry): Partial<RunView> {
  const to = statusAfter(view, entry);
  if (!to) return {};
  return {
    status: to.status,
    statusMessage: to.message,
    statusBeforeLoss: to.status === 'waiting' || to.status === 'crashed' ? (view.statusBeforeLoss ?? beforeLoss(view)) : null,
    ...(to.status === 'running' && view.startedAt === null && { startedAt: entry.at }),
  };
}

/**
 * The status that a run returns to when its holder is back: null for a run that has ended (people took it back to a checkpoint).
 */
const beforeLoss = (view: RunView): RunView['status'] | null => (ended(view.status) ? null : view.status);

function headChange(view: RunView, { seq, at, event }: Entry): Partial<RunView> {
  switch (event.type) {
    case 'run.created':
      throw new Error(`run ${view.runId}: created twice, at 1 and ${seq}`);
    case 'started': {
      const values: Table<ControlState> = {};
      for (const [name, value] of Object.entries(event.values)) {
        const known = own(view.values, name);
        const state = known && Object.is(known.value, value) ? known : { value, changedBy: null, changedAtStep: event.step };
        put(values, name, state);
      }
      return {
        ...declared(view, event.streams ?? []),
        device: event.device,
        data: event.data ?? null,
        params: event.params ?? [],
        controls: event.controls,
        values,
        stepsPerEpoch: event.lengths?.stepsPerEpoch ?? 0,
        totalSteps: event.lengths?.totalSteps ?? 0,
        schedule: event.schedule ?? null,
      };
    }
    case 'series':
      return declared(view, [event]);
    case 'rows':
      return {
        streams: withRows(view.streams, event, at),
        bestRow: bestRowAfter(view, event),
      };
    case 'evaluation':
      return withEvaluation(view, { ...event, seq, at });
    case 'checkpoint':
      return { lastCheckpoint: { seq, step: event.step, blob: event.blob, lastCommandSeq: event.lastCommandSeq } };
    case 'status':
      return {
        // Nobody steers a run that has ended.
        ...(ended(event.status) && { controlLock: null }),
        ...(event.traceback !== undefined && { traceback: event.traceback }),
      };
    case 'alert':
      return event.kind === 'set-aside' && event.count !== undefined ? { setAside: event.count } : {};
    case 'console':
      return { console: { lastSeq: seq } };
    case 'command.applied':
      return applied(view, event);
    case 'note':
      return { openThreads: openThreads(view, event) };
    case 'control.locked':
      return { controlLock: event.holder && { holder: event.holder, until: event.until, askedBy: [] } };
    case 'control.requested':
      return view.controlLock
        ? { controlLock: { ...view.controlLock, askedBy: [...view.controlLock.askedBy, event.actor] } }
        : {};
    case 'control.refused':
      return view.controlLock
        ? { controlLock: { ...view.controlLock, askedBy: view.controlLock.askedBy.filter((who) => who.id !== event.asker.id) } }
        : {};
    case 'run.queued':
      return { queuePosition: event.position };
    case 'run.labelled':
      return {
        setup: event.name === undefined ? view.setup : { ...view.setup, name: event.name },
        tags: event.tags ?? view.tags,
        archived: event.archived ?? view.archived,
        trashed: event.trashed ?? view.trashed,
      };
    case 'setup':
      return {
        setup: {
          ...view.setup,
          ...(event.name !== undefined && { name: event.name }),
          ...(event.notes !== undefined && { notes: event.notes }),
          ...((event.config || event.removed) && { config: changedConfig(view.setup.config, event) }),
        },
        tags: event.tags ?? view.tags,
      };
    case 'trainer.lost':
      return event.released ? { released: true } : {};
    case 'run.assigned':
    case 'rewind':
    case 'trainer.back':
    case 'snapshot':
    case 'media':
    case 'analysis':
    case 'command.requested':
    case 'command.proposed':
    case 'command.scheduled':
    case 'command.refused':
    case 'command.queued':
    case 'proposal.answered':
    case 'snapshots.thinned':
      return {};
    case 'checkpoints.thinned':
      return { checkpointsThinned: (view.checkpointsThinned ?? 0) + event.seqs.length + (event.superseded?.length ?? 0) };
    default:
      return unreachable(event);
  }
}

/** What a takeover and a rewind have in common. */
function wentBack(view: RunView, { event, at, resumed }: Back): Partial<RunView> {
  const { fromStep } = at;
  return {
    step: fromStep,
    streams: rewound(view.streams, fromStep),
    latestEvaluations: resumed.evaluations,
    best: resumed.best,
    bestRow: bestRowAt(view, fromStep, resumed),
    pendingRevert: null,
    ...(event.type === 'rewind' ? rewind(view, event, resumed) : takeover(view, event, at, resumed)),
  };
}

function takeover(view: RunView, event: Assigned, { fromStep, keepSeq }: GoingBack, resumed: Back['resumed']): Partial<RunView> {
  const again = view.takeovers.fromStep === fromStep && view.pendingRevert === null;
  return {
    attempt: event.attempt,
    ...(event.config && { setup: { ...view.setup, config: event.config } }),
    setAside: 0,
    traceback: null,
    released: false,
    trainer: event.trainer,
    values: valuesAt(view, resumed),
    lastCheckpoint: checkpointAt(view, event, keepSeq),
    takeovers: { fromStep, count: again ? view.takeovers.count + 1 : 1 },
  };
}

/**
 * The attempt does not change. The trainer itself goes back, and keeps the values of its controls; or the run ends that people
 * had taken back, and no trainer will take it over.
 */
function rewind(view: RunView, { step }: Rewind, resumed: Back['resumed']): Partial<RunView> {
  if (view.pendingRevert) return { values: valuesAt(view, resumed), lastCheckpoint: view.pendingRevert.checkpoint };
  const checkpoints = [...view.recent.checkpoints.items, ...(view.lastCheckpoint ? [view.lastCheckpoint] : [])];
  const last = checkpoints.findLast((c) => c.step < step);
  return {
    step: Math.min(view.step, step),
    lastCheckpoint: last ? { seq: last.seq, step: last.step, blob: last.blob, lastCommandSeq: last.lastCommandSeq } : null,
  };
}

function valuesAt(view: RunView, resumed: Back['resumed']): RunView['values'] {
  const values = { ...view.values };
  for (const { control, state } of resumed.values) {
    if (state) put(values, control, state);
    else delete values[control];
  }
  return values;
}

/** The best row before a step: the one that the log names, if it does. */
const bestRowAt = (view: RunView, step: number, { bestRow }: Omit<Resumed, 'counts'>): RunView['bestRow'] =>
  bestRow !== undefined ? bestRow : view.bestRow && view.bestRow.step < step ? view.bestRow : null;

/** Adds the streams that the view does not have yet, and the changes to those that it has. */
function declared(view: RunView, specs: readonly StreamSpec[]): Streams {
  let { streams, streamCount, columnCount }: Streams = view;
  for (const { stream, columns } of specs)
    if (streams.some((s) => s.name === stream)) streams = describedAnew(streams, stream, columns);
    else ({ streams, streamCount, columnCount } = withStream({ streams, streamCount, columnCount }, stream, columns));
  return { streams, streamCount, columnCount };
}

/** The checkpoint that a takeover resumes from, which is then the newest in force. */
function checkpointAt(view: RunView, { checkpoint, fromStep }: Assigned, keepSeq: number): CheckpointRef | null {
  if (!checkpoint || keepSeq === 0) return null;
  const held = [view.pendingRevert?.checkpoint, view.lastCheckpoint].find((c) => c?.seq === keepSeq);
  return held ?? { seq: keepSeq, step: fromStep, blob: checkpoint, lastCommandSeq: 0 };
}

function withEvaluation(view: RunView, e: WithSeq<Evaluation>): Partial<RunView> {
  return {
    latestEvaluations: [...view.latestEvaluations.filter((k) => k.split !== e.split), e].slice(-mostSplits),
    best: betterEvaluation(view.best, e),
  };
}

function applied(view: RunView, event: Extract<RunEvent, { type: 'command.applied' }>): Partial<RunView> {
  const asked = view.openCommands.find((c) => c.command.id === event.commandId) ?? event.asked;
  if (!asked) return {};
  const { command, actor } = asked;
  if (command.kind === 'set') {
    const state: ControlState = { value: event.after, changedBy: actor, changedAtStep: event.step };
    return { values: { ...view.values, [command.control]: state } };
  }
  if (!takesBack(view, command)) return {};
  // Logs of version 0.1 do not name the checkpoint: it is searched for among those in the view.
  const target = event.reverted ?? revertTarget(view.recent.checkpoints.items, command);
  if (!('blob' in target)) return {};
  const { seq, step, blob, lastCommandSeq } = target;
  return { pendingRevert: { commandId: event.commandId, checkpoint: { seq, step, blob, lastCommandSeq } } };
}

function openThreads(view: RunView, event: Extract<RunEvent, { type: 'note' }>): number {
  const { note } = event;
  const before = view.openThreads;
  if (note.kind === 'add') return note.replyTo === null ? before + 1 : before;
  const was = noteBefore(view, event);
  if (note.kind === 'edit' || !was?.thread) return before;
  const open = was.resolved ? 0 : 1;
  return note.kind === 'delete' ? before - open : before - open + (note.resolved ? 0 : 1);
}

function openCommandsAfter(
  view: RunView,
  changes: readonly ListChange[],
  resumed: Omit<Resumed, 'counts'> | null,
): Partial<RunView> {
  let open = view.openCommands;
  for (const change of changes) open = applyToList('commands', open, change);
  if (view.pendingRevert && resumed && resumed.waiting.length > 0) {
    const outcome = waitsAgain(view.pendingRevert.checkpoint);
    const again = resumed.waiting.map((asked): CommandRecord => ({ ...asked, outcome }));
    open = [...open, ...again].sort((a, b) => a.seq - b.seq);
  }
  return open === view.openCommands ? {} : { openCommands: open.filter(waits) };
}
