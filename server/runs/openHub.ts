/** The runs of this process: opens them from the store, and connects their rooms with trainers, viewers and lists. */

import { customAlphabet, nanoid } from 'nanoid';
import { FieldError } from '~/server/base/fieldError';
import { Questions } from '~/server/dispatch/questions';
import { moveInQueue } from '~/server/dispatch/queue';
import { Recipes } from '~/server/dispatch/recipes';
import { Trainers } from '~/server/dispatch/trainers';
import { openRun } from '~/server/dispatch/waitingRuns';
import { asksCheckpoint } from '~/shared/analyses';
import type { CommandAnswer } from '~/shared/commands';
import type { Entry, ServerEvent } from '~/shared/events';
import { takesBack } from '~/shared/revert';
import { type RunSummary, sentSummary, summarize } from '~/shared/summary';
import { ended, isOpened, over, type RunView } from '~/shared/view';
import { firstEntries } from './create';
import { familyOf } from './family';
import { openGoingBack } from './goingBack';
import type { HubDeps, OpenHub } from './hub';
import { type EntriesListener, openMakingRoom, unknownRun } from './makingRoom';
import type { Room } from './room';
import { Rooms } from './rooms';
import { RunList } from './runList';
import { RunTable } from './runTable';
import { openStartOnce } from './startOnce';

type RunCreated = Extract<ServerEvent, { type: 'run.created' }>;
const randomRunId = customAlphabet('0123456789abcdefghijklmnopqrstuvwxyz', 10);
/** A position in the queue behind all that come in the next ten years. */
const behindAllMs = 3.2e11;

export async function openHub(deps: HubDeps): Promise<OpenHub> {
  const { store, clock, onError } = deps;
  const newRunId = deps.newId ?? randomRunId;
  const newId = deps.newId ?? nanoid;
  const now = () => clock.now();
  const needsApproval = deps.needsApproval ?? (() => []);
  const summaries = new Map<string, RunSummary>();
  const watching = new Map<string, number>();
  const listeners = new Set<EntriesListener>();
  const onEntries = (listener: EntriesListener) => {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  };

  const room = async (runId: string): Promise<Room | null> => (await rooms.open(runId))?.room ?? null;
  const registry: Trainers = new Trainers({
    clock,
    graceMs: deps.graceMs ?? 10_000,
    ...(deps.crashedMs !== undefined && { crashedMs: deps.crashedMs }),
    ...(deps.silentMs && { silentMs: deps.silentMs }),
    room,
    recipes: { declared: (trainer, specs) => recipes.declared(trainer, specs), refusal: (t, setup) => recipes.refusal(t, setup) },
    onChange: () => list.trainersChanged(),
    onWait: (waiting, held) => void makingRoom.giveWay(waiting, held).catch(onError),
    async create(created) {
      const runId = newRunId();
      const { room } = await rooms.create(runId, { type: 'run.created', ...created });
      return { runId, room };
    },
    onError,
    answerers: {
      came: (answerer) => questions.came(answerer),
      left: (trainerId) => questions.left(trainerId),
    },
  });
  const recipes = await Recipes.open({
    store,
    trainers: () => registry.declaring(),
    hasBlob: deps.hasBlob,
    now,
    onError,
  });
  const questions = new Questions({ room, hasBlob: deps.hasBlob, clock, onError });
  const list = new RunList(clock, {
    summary(runId) {
      const summary = summaries.get(runId);
      return summary ? sentSummary(summary) : null;
    },
    trainers: () => registry.list(),
  });

  const table = new RunTable({
    runs: () => summaries.values(),
    recipes: () => recipes.list(),
    store,
    elapsed: () => clock.elapsed(),
  });

  function summarized(view: RunView): void {
    summaries.set(view.runId, summarize(view, watching.get(view.runId) ?? 0));
    list.runChanged(view.runId);
  }

  const rooms: Rooms = new Rooms({
    store,
    clock,
    room: {
      hasBlob: deps.hasBlob,
      ...(deps.keepBlob && { keepBlob: deps.keepBlob }),
      hasTrainer: (id) => registry.holds(id),
      hears: (id) => registry.hears(id),
      now,
      needsApproval,
    },
    frames: deps.frames,
    committed,
    onError,
  });

  /** Passes committed entries on, in this order: to the list, to the trainers, to all other listeners. */
  function committed(entries: Entry[], view: RunView, before: RunView): void {
    const { runId } = view;
    summarized(view);
    const revert = view.pendingRevert;
    if (revert && entries.some(({ event }) => event.type === 'command.applied' && event.commandId === revert.commandId))
      void registry.release(runId, view.attempt, view.statusMessage);
    for (const { event } of entries) if (event.type === 'run.queued') registry.waiting.moved(runId, event.position);
    for (const { seq, event } of entries) {
      if (event.type !== 'command.requested') continue;
      // Commands that were answered immediately are not sent to the trainer.
      const asked = view.openCommands.find((c) => c.seq === seq);
      if (asked && !takesBack(view, asked.command) && !asksCheckpoint(view, asked))
        registry.deliver(runId, { seq, actor: asked.actor, command: asked.command });
    }
    questions.committed(view, entries);
    // A process that has crashed may still come back.
    if (over(view.status)) registry.over(runId);
    if (entries.some(({ event }) => event.type === 'status' && event.status === 'running')) registry.look();
    for (const listener of listeners) listener(runId, entries, view, before);
  }

  /** @returns also the refusal of an unknown run, when the run was deleted while it was asked */
  async function inRoom(runId: string, ask: (room: Room) => Promise<CommandAnswer>): Promise<CommandAnswer> {
    const asked = await room(runId);
    if (!asked) return unknownRun(runId);
    try {
      return await ask(asked);
    } catch (error) {
      if (rooms.knows(runId)) throw error;
      return unknownRun(runId);
    }
  }

  async function begin(runId: string, created: RunCreated, next: ServerEvent[]): Promise<void> {
    const { room } = await rooms.create(runId, created, next);
    registry.waiting.add(openRun(room)!);
  }

  const startOnce = openStartOnce(rooms, newRunId);
  const makingRoom = openMakingRoom({
    rooms,
    registry,
    clock,
    newId,
    summary: (runId) => summaries.get(runId),
    onEntries,
  });

  const goingBack = openGoingBack({
    rooms,
    inRoom,
    begin,
    startOnce,
    makingRoom,
    hasBlob: deps.hasBlob,
    newId,
    now,
    needsApproval,
  });

  for (const run of await store.runs()) {
    rooms.know(run);
    // A line saved by an earlier version has no index: it is rebuilt.
    if (run.summary?.seq === run.head && run.summary.summary.index) summaries.set(run.runId, run.summary.summary);
    const known = summaries.get(run.runId);
    if (known?.openKey) registry.opened.know(run.runId, known.openKey);
    // Of a run that has ended, commands without an outcome get theirs now: the server was killed before.
    if (known && ended(known.status) && !known.openCommands) continue;
    const { room } = (await rooms.open(run.runId))!;
    summaries.set(run.runId, summarize(room.view, 0));
    if (room.view.openKey) registry.opened.know(run.runId, room.view.openKey);
    if (isOpened(room.view)) registry.opened.found(room);
    await room.settle();
    questions.found(room.view);
    const needsTrainer = openRun(room);
    if (needsTrainer) registry.waiting.found(needsTrainer, deps.goneTrainers?.has(needsTrainer.trainerId ?? '') ?? false);
  }

  return {
    store,
    registry,
    recipes,
    questions,
    list,
    room,
    summaries: () =>
      [...summaries.values()].sort((a, b) => b.createdAt - a.createdAt || (a.runId < b.runId ? 1 : -1)).map(sentSummary),
    table,
    family: (runId) => familyOf(summaries.values(), runId),
    sparklines: (runIds) => table.sparklines(runIds.flatMap((id) => summaries.get(id) ?? [])),
    async moveInQueue(actor, runId, before) {
      if (!rooms.knows(runId)) return unknownRun(runId);
      const answer = moveInQueue(registry.waiting.queue(), runId, before, now());
      if (!answer.ok) return answer;
      for (const { runId: id, position } of answer.moved)
        await (await rooms.open(id))?.room.decide(() => [{ type: 'run.queued', actor, position }]);
      return { ok: true };
    },

    makeRoom: (actor, runId) => makingRoom.makeRoom(actor, runId),

    async view(runId) {
      return (await rooms.open(runId))?.room.view ?? null;
    },

    async create(actor, setup, more = {}) {
      if (setup.recipe === null)
        throw new FieldError('setup.recipe', 'a run that is started here needs a recipe; a script opens its own run by itself');
      const started = await startOnce<never>({ actor, field: 'runId', runId: more.runId }, async (runId) => {
        const at = now();
        const created: RunCreated = { type: 'run.created', setup, actor, parent: null };
        const actions = recipes.list().find((r) => r.name === setup.recipe?.name)?.actions;
        const next = firstEntries(
          runId,
          actor,
          created,
          { ...more, actions },
          { now: at, needsApproval: needsApproval(), newId },
        );
        if (more.givesWay) next.push({ type: 'run.queued', actor, position: at + behindAllMs });
        await begin(runId, created, next);
        return null;
      });
      return { runId: started };
    },

    branch: goingBack.branch,
    revert: goingBack.revert,
    answerProposal: (actor, runId, commandId, approved) =>
      inRoom(runId, (room) => room.answerProposal(actor, commandId, approved)),
    decide: (runId, choose) => inRoom(runId, (room) => room.decide(choose)),

    command: (actor, command, whyNot) => inRoom(command.runId, (room) => room.command(actor, command, whyNot)),

    async watchers(runId) {
      return (await rooms.open(runId))?.frames.watchers() ?? [];
    },

    async watch(runId, port, from) {
      const of = await rooms.open(runId);
      if (!of) return null;
      const { viewer, view } = of.frames.join(port, from);
      const count = () => {
        // A page of a deleted run that is still open must not bring the run back into the list.
        if (!rooms.knows(runId)) return;
        watching.set(runId, of.frames.watchers().length);
        summarized(of.room.view);
      };
      count();
      return {
        view,
        leave() {
          of.frames.leave(viewer);
          count();
        },
      };
    },

    async adopt(runId) {
      rooms.know({ runId, nextEvent: 0 });
      const { view } = (await rooms.open(runId)!).room;
      if (view.openKey !== null) registry.opened.know(runId, view.openKey);
      summarized(view);
      questions.found(view);
    },

    async remove(runId) {
      const of = await rooms.open(runId);
      if (!of?.room.view.trashed || !ended(of.room.view.status)) return false;
      const last = summarize(of.room.view, 0);
      await rooms.remove(runId, of);
      summaries.delete(runId);
      registry.remove(runId);
      registry.opened.forget(runId);
      list.runRemoved(sentSummary({ ...last, gone: true }));
      return true;
    },

    onEntries,

    async close() {
      registry.close();
      list.close();
      await recipes.idle();
      await rooms.close();
    },
  };
}
