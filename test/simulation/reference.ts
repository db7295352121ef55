/**
 * What must be true, kept beside the product: the fold of the committed log, what trainers produced, what was acknowledged, and what
 * became of each command. Checked at every write, acknowledgement, frame and answer.
 */
import type { Append } from '~/server/store';
import type { Command, CommandAnswer } from '~/shared/commands';
import type { Entry, RunEvent, TrainerEvent } from '~/shared/events';
import { emptyView, fold } from '~/shared/fold';
import { rowCount, seqCount, stepAt } from '~/shared/rows';
import type { RunView } from '~/shared/view';
import type { World } from './world';

interface Outcome {
  kind: 'applied' | 'refused';
  step: number | null;
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
  /** Seq of the request of each command. */
  requested: Map<string, number>;
  outcomes: Map<string, Outcome>;
}

/** What the server is told of a trainer's process that was killed beside it. */
export const endedProcess = 'its process has ended';

/** One event of a trainer, or one of its rows, as text. */
type Atom = string;

export class Reference {
  readonly runs = new Map<string, Run>();
  /** By `runId-attempt`: what its trainer made, in order. */
  readonly #produced = new Map<string, Atom[]>();
  readonly counts = { entries: 0, acknowledged: 0, frames: 0, commands: 0, takeovers: 0 };

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
    world.check(
      after === (run?.view.seq ?? 0),
      () => `run ${runId}: a write after seq ${after}, the log ends at ${run?.view.seq}`,
    );
    world.check(attempt >= before, () => `run ${runId}: attempt ${attempt} wrote after attempt ${before} had begun`);
    for (const entry of entries) this.#take(runId, entry);
    const now = this.runs.get(runId)!;
    now.views.set(now.view.seq, now.view);
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
    if (expected) this.world.same(view, expected, () => `${who} at seq ${view.seq} of ${runId} does not see the fold of the log`);
    else this.world.violate(`${who} sees seq ${view.seq} of ${runId}, which is not the end of a committed write`);
  }

  /** A person hears what became of a command. */
  answered({ runId, id }: Command, answer: CommandAnswer): void {
    const seq = this.runs.get(runId)?.requested.get(id);
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
      this.runs.set(runId, { view, views: new Map(), attempts: new Map(), requested: new Map(), outcomes: new Map() });
      return;
    }
    if (event.type === 'run.assigned') {
      this.world.check(
        event.attempt === known.view.attempt + 1,
        () => `run ${runId}: attempt ${event.attempt} after ${known.view.attempt}`,
      );
      known.attempts.set(event.attempt, { trainer: event.trainer.id, committed: 0, outcomes: new Map() });
      if (event.attempt > 1) this.counts.takeovers++;
    }
    // No event of a trainer is set aside, and none does not fit.
    const expected = event.type !== 'alert' || event.kind === 'queue' || event.message === endedProcess;
    this.world.check(expected, () => `run ${runId}: the alert ${JSON.stringify(event)}`);
    const owner = known.attempts.get(attempt);
    if (ofTrainer(event)) this.#count(runId, attempt, owner, event as TrainerEvent);
    this.#followCommand(runId, known, owner, entry);
    known.view = fold(known.view, entry);
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
      run.requested.set(id, seq);
    }
    if (event.type !== 'command.applied' && event.type !== 'command.refused') return;
    const id = event.commandId;
    const outcome: Outcome = { kind: event.type === 'command.applied' ? 'applied' : 'refused', step: event.step };
    this.world.check(run.requested.get(id) === event.seq, () => `run ${runId}: an outcome of ${id}, which is not in the log`);
    this.world.check(
      !owner?.outcomes.has(id),
      () => `run ${runId}: command ${id} has two outcomes in one attempt: ${JSON.stringify([owner?.outcomes.get(id), outcome])}`,
    );
    owner?.outcomes.set(id, outcome);
    const first = run.outcomes.get(id);
    if (first) this.world.same(outcome, first, () => `run ${runId}: command ${id} had another outcome before`);
    else run.outcomes.set(id, outcome);
  }

  /** The run is over: every command has its outcome. */
  settled(runId: string): void {
    const run = this.runs.get(runId)!;
    for (const [id] of run.requested)
      this.world.check(run.outcomes.has(id), () => `run ${runId} is over (${run.view.status}), and command ${id} has no outcome`);
    this.world.same(run.view.openCommands, [], () => `run ${runId} is over, and commands wait`);
  }
}

/** Whether the event comes from a trainer; the rest is the server's. */
function ofTrainer(event: RunEvent): boolean {
  switch (event.type) {
    case 'started':
    case 'rows':
    case 'checkpoint':
    case 'command.scheduled':
      return true;
    case 'status':
    case 'command.applied':
    case 'command.refused':
      return event.message.startsWith('trainer0');
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
