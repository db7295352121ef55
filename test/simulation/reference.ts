/**
 * What must be true, kept beside the product: the fold of the committed log, what trainers produced, what was acknowledged, and what
 * became of each command. Checked at every write, acknowledgement, frame and answer.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Append } from '~/server/store';
import type { Command, CommandAnswer } from '~/shared/commands';
import type { CheckpointRef, Entry, RunEvent, TrainerEvent } from '~/shared/events';
import { emptyView, fold } from '~/shared/fold';
import { rowCount, seqCount, stepAt } from '~/shared/rows';
import { ended, isOpened, type RunView } from '~/shared/view';
import type { World } from './world';

interface Outcome {
  kind: 'applied' | 'refused';
  step: number | null;
}

interface Asked {
  /** Of its entry in the log. */
  seq: number;
  command: Command;
  /** The run had ended. */
  late: boolean;
  /** A branch repeats what took effect in its parent: exactly at that step. */
  repeated: boolean;
}

interface Attempt {
  /** The trainer that has it. */
  trainer: string;
  /** Number of its trainer's events in the log. */
  committed: number;
  outcomes: Map<string, Outcome>;
}

interface Run {
  view: RunView;
  /** The view at the end of each write, by seq. */
  views: Map<number, RunView>;
  attempts: Map<number, Attempt>;
  requested: Map<string, Asked>;
  /** With the seq of the entry that says so. */
  outcomes: Map<string, { outcome: Outcome; seq: number }>;
  /** Commands that had their outcome when people took the run back to before it: it is the last one. */
  closed: Set<string>;
  /** In force, in the order of the log. */
  checkpoints: CheckpointRef[];
  /** People took the run back to it, and no trainer has the run yet. */
  goesBackTo: CheckpointRef | null;
  /** Value at each step in force. */
  rows: Map<number, number>;
  /** Answers to questions about checkpoints, by command. */
  analyses: Map<string, number>;
  /** Of a branch: its parent, and the last seq of the parent's log when the branch was created. */
  parent: { runId: string; seq: number } | null;
  /** Value and step of the changes that took effect in the parent after the fork. */
  repeats: [unknown, number][];
  /** The attempt that was sent back to the queue: it writes nothing any more. */
  sentBack: number;
  removed: boolean;
}

/** How long a script's process may be silent. */
export const crashedMs = 8_000;
/** Longest time from a decision of the server to its entry in the log. */
const decidedMs = 2_000;

/** What the server is told of a trainer's process that was killed beside it. */
export const endedProcess = 'its process has ended';

/** One event of a trainer, or one of its rows, as text. */
type Atom = string;

export class Reference {
  readonly runs = new Map<string, Run>();
  /** By `runId-attempt`: what its trainer made, in order. */
  readonly #produced = new Map<string, Atom[]>();
  /** What each checkpoint holds, by hash. */
  readonly saved = new Map<string, { value: number; step: number }>();
  readonly #heard = new Map<string, number[]>();
  #startedAt = 0;
  readonly counts = {
    entries: 0,
    acknowledged: 0,
    frames: 0,
    commands: 0,
    takeovers: 0,
    reverts: 0,
    branches: 0,
    answers: 0,
    scriptAttempts: 0,
    crashes: 0,
    sentBack: 0,
    deletions: 0,
  };

  constructor(private readonly world: World) {}

  produced({ runId, attempt }: { runId: string; attempt: number }, event: TrainerEvent): void {
    const key = `${runId}-${attempt}`;
    const known = this.#produced.get(key) ?? [];
    this.#produced.set(key, known);
    known.push(...atomsOf(event));
  }

  /** A write took effect. */
  committed({ runId, after, attempt, entries }: Append): void {
    const { world } = this;
    const run = this.runs.get(runId);
    const before = run?.view.attempt ?? 0;
    world.check(!run?.removed, () => `run ${runId}: a write after it was deleted`);
    world.check(
      after === (run?.view.seq ?? 0),
      () => `run ${runId}: a write after seq ${after}, the log ends at ${run?.view.seq}`,
    );
    world.check(attempt >= before, () => `run ${runId}: attempt ${attempt} wrote after attempt ${before} had begun`);
    for (const entry of entries) this.#take(runId, entry);
    const now = this.runs.get(runId)!;
    now.views.set(now.view.seq, now.view);
    for (const { event } of entries)
      if (event.type === 'analysis')
        world.check(
          entries.some((e) => e.event.type === 'command.applied' && e.event.commandId === event.commandId),
          () => `run ${runId}: an answer to ${event.commandId}, whose question is not settled by the same write`,
        );
  }

  /** A run was deleted from the disk. */
  deleted(runId: string): void {
    this.counts.deletions++;
    this.runs.get(runId)!.removed = true;
  }

  /** A server starts: nothing was heard of any process before. */
  starts(): void {
    this.#startedAt = this.world.now;
  }

  /** A server has started and knows these runs. */
  listens(runIds: readonly string[]): void {
    const expected = [...this.runs].flatMap(([runId, { removed }]) => (removed ? [] : [runId]));
    this.world.same(runIds.toSorted(), expected.toSorted(), () => 'the runs that a server knows after its start');
  }

  removed(runId: string): boolean {
    return this.runs.get(runId)?.removed ?? false;
  }

  /** Events of this process reached the server. */
  heard(process: string): void {
    const times = this.#heard.get(process) ?? [];
    this.#heard.set(process, times);
    times.push(this.world.now);
  }

  /** The server told a person that a run is in the queue again. */
  sentBack(runId: string, attempt: number): void {
    this.counts.sentBack++;
    this.runs.get(runId)!.sentBack = attempt;
  }

  /**
   * A branch was made that repeats what took effect in its parent after the checkpoint: exactly that, where the parent's log did not
   * grow meanwhile.
   */
  branched(runId: string, parentSeq: number): void {
    const branch = this.runs.get(runId)!;
    this.counts.branches++;
    const { parent, repeats } = branch;
    if (parent!.seq !== parentSeq) return;
    const given = [...branch.requested.values()].slice(0, repeats.length).map(({ command }) => {
      const { kind, when } = command;
      return [kind === 'set' ? command.value : null, when?.kind === 'step' ? when.step : null];
    });
    this.world.same(
      given,
      repeats,
      () => `run ${runId}, which repeats ${parent!.runId} from step ${branch.view.parent!.step} on`,
    );
    for (const asked of [...branch.requested.values()].slice(0, repeats.length)) asked.repeated = true;
  }

  /** The server told a trainer that all events below `nextEvent` are committed. */
  acknowledged({ runId, attempt }: { runId: string; attempt: number }, nextEvent: number): void {
    const committed = this.runs.get(runId)?.attempts.get(attempt)?.committed ?? 0;
    this.counts.acknowledged++;
    this.world.check(
      nextEvent <= committed,
      () =>
        `run ${runId}, attempt ${attempt}: events below ${nextEvent} are acknowledged, those below ${committed} are committed`,
    );
  }

  /** A person sees this view. */
  seen(runId: string, view: RunView, who: string): void {
    this.counts.frames++;
    const expected = this.runs.get(runId)?.views.get(view.seq);
    if (expected) {
      if (!this.#equal(view, expected))
        this.world.same(view, expected, () => `${who} at seq ${view.seq} of ${runId} does not see the fold of the log`);
    } else this.world.violate(`${who} sees seq ${view.seq} of ${runId}, which is not the end of a committed write`);
  }

  /** For a part of a view that a person saw: the part of the fold that it was found equal to. Views never change. */
  readonly #equalTo = new WeakMap<object, object>();
  /** Compares only what is new since the last view: a fold keeps the parts that an entry does not change. */
  #equal(view: RunView, expected: RunView): boolean {
    const parts = (of: RunView) => ({ ...of, ...of.recent, recent: Object.keys(of.recent) }) as Record<string, unknown>;
    const [seen, folded] = [parts(view), parts(expected)];
    const keys = Object.keys(folded);
    if (Object.keys(seen).length !== keys.length) return false;
    return keys.every((key) => {
      const [a, b] = [seen[key], folded[key]];
      if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null) return Object.is(a, b);
      if (this.#equalTo.get(a) === b) return true;
      if (!isDeepStrictEqual(a, b)) return false;
      this.#equalTo.set(a, b);
      return true;
    });
  }

  /** A person hears what became of a command. */
  answered({ runId, id }: Command, answer: CommandAnswer): void {
    const run = this.runs.get(runId);
    const seq = run?.requested.get(id)?.seq;
    // Of a run that is being deleted the server says that there is none.
    if (run?.view.trashed && !answer.ok && answer.reason === 'unknown-run') return;
    const expected = answer.ok ? answer.seq : undefined;
    this.world.check(
      seq === expected,
      () => `command ${id} is in the log at ${seq}, and its sender hears ${JSON.stringify(answer)}`,
    );
  }

  #take(runId: string, entry: Entry): void {
    const { event, attempt } = entry;
    this.counts.entries++;
    const known = this.runs.get(runId);
    if (!known) {
      const view = emptyView(runId, entry);
      const parent = view.parent && { runId: view.parent.runId, seq: this.runs.get(view.parent.runId)!.view.seq };
      this.runs.set(runId, {
        view,
        views: new Map(),
        attempts: new Map(),
        requested: new Map(),
        outcomes: new Map(),
        closed: new Set(),
        checkpoints: [],
        goesBackTo: null,
        rows: new Map(),
        analyses: new Map(),
        parent,
        repeats: parent ? changesAfter(this.runs.get(parent.runId)!, view.parent!.checkpoint!.hash) : [],
        sentBack: 0,
        removed: false,
      });
      return;
    }
    if (event.type === 'run.assigned') {
      this.#takesOver(runId, known, event);
      this.world.check(
        event.attempt === known.view.attempt + 1,
        () => `run ${runId}: attempt ${event.attempt} after ${known.view.attempt}`,
      );
      known.attempts.set(event.attempt, { trainer: event.trainer.id, committed: 0, outcomes: new Map() });
      if (isOpened(known.view)) this.counts.scriptAttempts++;
      else if (event.attempt > 1) this.counts.takeovers++;
    }
    if (event.type === 'rewind' && !ofTrainer(event)) this.#stopsThere(runId, known, event);
    if (event.type === 'status' && event.status === 'crashed') this.#crashes(runId, known);
    // No event of a trainer is set aside, and none does not fit.
    const expected = event.type !== 'alert' || event.kind === 'queue' || event.message === endedProcess;
    this.world.check(expected, () => `run ${runId}: the alert ${JSON.stringify(event)}`);
    const owner = known.attempts.get(attempt);
    if (ofTrainer(event)) this.#count(runId, attempt, owner, event as TrainerEvent);
    if (ofTrainer(event))
      this.world.check(
        isOpened(known.view) || attempt > known.sentBack,
        () => `run ${runId}: attempt ${attempt} was sent back to the queue, and writes`,
      );
    this.#followCommand(runId, known, owner, entry);
    this.#followQuestion(runId, known, event);
    follow(known, entry);
    known.view = fold(known.view, entry);
  }

  /** From the checkpoint that people went back to, or the last one in force, or its fork. */
  #takesOver(runId: string, run: Run, event: Extract<RunEvent, { type: 'run.assigned' }>): void {
    if (isOpened(run.view)) return;
    const from = run.goesBackTo ?? run.checkpoints.at(-1) ?? null;
    const { parent } = run.view;
    const expected = from ? [from.blob.hash, from.step] : [parent?.checkpoint?.hash, parent?.step ?? 0];
    this.world.same(
      [event.checkpoint?.hash, event.fromStep],
      expected,
      () =>
        `run ${runId}: attempt ${event.attempt} begins ${run.goesBackTo ? 'where people took the run back to' : 'at a checkpoint'}`,
    );
    if (run.goesBackTo) takeBack(run, run.goesBackTo);
    run.goesBackTo = null;
  }

  /** People stop a run that waits to go back: it ends at the checkpoint. */
  #stopsThere(runId: string, run: Run, event: Extract<RunEvent, { type: 'rewind' }>): void {
    const { goesBackTo } = run;
    this.world.same(
      [event.keepSeq, event.step],
      [goesBackTo?.seq, goesBackTo?.step],
      () => `run ${runId} ends where it goes back to`,
    );
    if (goesBackTo) takeBack(run, goesBackTo);
    run.goesBackTo = null;
  }

  #crashes(runId: string, { view, attempts }: Run): void {
    this.counts.crashes++;
    const { now } = this.world;
    const times = this.#heard.get(attempts.get(view.attempt)!.trainer) ?? [];
    const heard = Math.max(this.#startedAt, times.findLast((at) => at < now - decidedMs) ?? 0);
    this.world.check(
      now - heard >= crashedMs,
      () => `run ${runId}: its process is called crashed ${Math.round(now - heard)} ms after its last events`,
    );
  }

  #followQuestion(runId: string, run: Run, event: RunEvent): void {
    if (event.type !== 'analysis') return;
    this.counts.answers++;
    const id = event.commandId!;
    run.analyses.set(id, (run.analyses.get(id) ?? 0) + 1);
    const { seq, command } = run.requested.get(id)!;
    const named = command.kind === 'act' ? command.checkpoint : undefined;
    const about = named ?? run.checkpoints.findLast((c) => c.seq < seq)?.blob.hash;
    this.world.same(
      { checkpoint: event.checkpoint, summary: event.summary },
      { checkpoint: about, summary: this.saved.get(about ?? '') },
      () => `run ${runId}: the answer to question ${id}`,
    );
  }

  #count(runId: string, attempt: number, owner: Attempt | undefined, event: TrainerEvent): void {
    if (!owner) {
      this.world.violate(`run ${runId}: an event of attempt ${attempt}, which was never assigned`);
      return;
    }
    const produced = this.#produced.get(`${runId}-${attempt}`) ?? [];
    for (const atom of atomsOf(event)) {
      const expected = produced[owner.committed];
      this.world.check(
        atom === expected,
        () => `run ${runId}, attempt ${attempt}: event ${owner.committed} in the log is ${atom}, its trainer made ${expected}`,
      );
      owner.committed++;
    }
    if ('message' in event)
      this.world.check(
        event.message === owner.trainer,
        () => `run ${runId}: ${event.message} wrote in attempt ${attempt}, which belongs to ${owner.trainer}`,
      );
  }

  /** One request per command; one outcome per attempt; and the same one, at the same step, in all attempts. */
  #followCommand(runId: string, run: Run, owner: Attempt | undefined, { seq, event }: Entry): void {
    if (event.type === 'command.requested') {
      const { id } = event.command;
      this.counts.commands++;
      this.world.check(!run.requested.has(id), () => `run ${runId}: command ${id} is in the log twice`);
      run.requested.set(id, { seq, command: event.command, late: ended(run.view.status), repeated: false });
    }
    if (event.type !== 'command.applied' && event.type !== 'command.refused') return;
    const id = event.commandId;
    const outcome: Outcome =
      event.type === 'command.applied'
        ? { kind: 'applied', step: event.step }
        : // A later attempt may end before the step at which an earlier one ended.
          { kind: 'refused', step: event.reason === 'run-ended' ? null : event.step };
    const asked = run.requested.get(id);
    this.world.check(asked?.seq === event.seq, () => `run ${runId}: an outcome of ${id}, which is not in the log`);
    this.world.check(!run.closed.has(id), () => `run ${runId}: command ${id} has an outcome again after the run went back`);
    this.world.check(
      !owner?.outcomes.has(id),
      () => `run ${runId}: command ${id} has two outcomes in one attempt: ${JSON.stringify([owner?.outcomes.get(id), outcome])}`,
    );
    owner?.outcomes.set(id, outcome);
    const when = asked?.command.when;
    if (outcome.kind === 'applied' && when?.kind === 'step')
      this.world.check(
        asked!.repeated ? outcome.step === when.step : outcome.step! >= when.step,
        () => `run ${runId}: command ${id} is for step ${when.step} and took effect at ${outcome.step}`,
      );
    const first = run.outcomes.get(id)?.outcome;
    if (first) this.world.same(outcome, first, () => `run ${runId}: command ${id} had another outcome before`);
    run.outcomes.set(id, { outcome, seq });
    if (event.type === 'command.applied' && event.reverted) this.#goesBack(runId, run, event.reverted.seq);
  }

  #goesBack(runId: string, run: Run, checkpointSeq: number): void {
    this.counts.reverts++;
    const target = run.checkpoints.find((c) => c.seq === checkpointSeq);
    if (target) run.goesBackTo = target;
    else this.world.violate(`run ${runId} goes back to entry ${checkpointSeq}, which is no checkpoint in force`);
  }

  /** The run is over: every command has its outcome. */
  settled(runId: string): void {
    const run = this.runs.get(runId)!;
    // The process of a crashed run may still come back and answer.
    if (run.view.status === 'crashed') return;
    for (const [id] of run.requested)
      this.world.check(run.outcomes.has(id), () => `run ${runId} is over (${run.view.status}), and command ${id} has no outcome`);
    this.world.same(run.view.openCommands, [], () => `run ${runId} is over, and commands wait`);
    for (const [id, { command, late }] of run.requested) {
      if (command.kind !== 'act' || command.action !== 'check' || (command.checkpoint === undefined && !late)) continue;
      const answers = run.outcomes.get(id)?.outcome.kind === 'applied' ? 1 : 0;
      this.world.same(run.analyses.get(id) ?? 0, answers, () => `run ${runId}: the answers to question ${id}`);
    }
  }
}

/**
 * A trainer takes the run over where people took it back to: later commands have had their last outcome, except those that the checkpoint
 * holds, which wait again.
 */
function takeBack({ outcomes, requested, attempts, closed }: Run, target: CheckpointRef): void {
  for (const [id, { outcome, seq }] of [...outcomes]) {
    if (seq <= target.seq) continue;
    const asked = requested.get(id)!;
    if (asked.command.when && asked.seq <= target.lastCommandSeq) {
      outcomes.delete(id);
      for (const attempt of attempts.values()) attempt.outcomes.delete(id);
    } else if (outcome.kind === 'refused' || !(asked.command.kind === 'act' && asked.command.action === 'revert')) closed.add(id);
  }
}

/** Changed values that took effect after a checkpoint, in order; what people took back is left out. */
function changesAfter({ checkpoints, requested, outcomes, closed, goesBackTo }: Run, checkpoint: string): [unknown, number][] {
  const fork = checkpoints.findLast((c) => c.blob.hash === checkpoint);
  if (!fork) return [];
  const changes = [...requested].flatMap(([id, { command, seq }]) => {
    const found = outcomes.get(id);
    if (command.kind !== 'set' || closed.has(id) || found?.outcome.kind !== 'applied') return [];
    // A run that waits to go back undoes what came later, except what the checkpoint holds.
    if (goesBackTo && found.seq > goesBackTo.seq && !(command.when && seq <= goesBackTo.lastCommandSeq)) return [];
    const step = found.outcome.step!;
    return found.seq > fork.seq && step >= fork.step ? [{ value: command.value, step, seq: found.seq }] : [];
  });
  return changes.sort((a, b) => a.step - b.step || a.seq - b.seq).map(({ value, step }) => [value, step]);
}

/** Rows and checkpoints in force after an entry. */
function follow(run: Run, { seq, event }: Entry): void {
  const dropFrom = (step: number) => {
    for (const known of [...run.rows.keys()]) if (known >= step) run.rows.delete(known);
  };
  switch (event.type) {
    case 'run.assigned':
      dropFrom(event.fromStep);
      run.checkpoints = run.checkpoints.filter(
        (c) => c.step < event.fromStep || (c.step === event.fromStep && c.seq <= event.keepSeq!),
      );
      return;
    case 'rewind':
      dropFrom(event.step);
      if (event.keepSeq !== undefined)
        run.checkpoints = run.checkpoints.filter(
          (c) => c.step < event.step || (c.step === event.step && c.seq <= event.keepSeq!),
        );
      return;
    case 'rows':
      for (let i = 0; i < rowCount(event); i++) run.rows.set(stepAt(event, i), event.values[i]!);
      return;
    case 'checkpoint':
      run.checkpoints.push({ seq, step: event.step, blob: event.blob, lastCommandSeq: event.lastCommandSeq });
  }
}

/** Whether the event comes from a trainer; the rest is the server's. */
function ofTrainer(event: RunEvent): boolean {
  switch (event.type) {
    case 'started':
    case 'rows':
    case 'checkpoint':
      return true;
    case 'rewind':
      return event.keepSeq === undefined;
    case 'status':
    case 'command.scheduled':
    case 'command.applied':
    case 'command.refused':
      return /^trainer\d+$/.test(event.message);
    default:
      return false;
  }
}

function atomsOf(event: TrainerEvent): Atom[] {
  if (event.type === 'rows') {
    const width = event.values.length / rowCount(event);
    return Array.from(
      { length: seqCount(event) },
      (_, i) => `row ${stepAt(event, i)}: ${event.values.slice(i * width, (i + 1) * width)}`,
    );
  }
  const about = 'commandId' in event ? event.commandId : '';
  const blob = 'blob' in event ? event.blob?.hash.slice(0, 12) : '';
  return [`${event.type} ${'step' in event ? event.step : ''} ${about} ${blob} ${'message' in event ? event.message : ''}`];
}
