/**
 * Which trainer holds which run: registration, takeover and loss. Each takeover is a new attempt, so that events of an earlier
 * holder are refused; assigning.ts chooses who gets a waiting run. Pure: trainers are ports, the clock is injected.
 */

import type { LoggedCommand, Refusal } from '~/shared/commands';
import type { Actor } from '~/shared/ids';
import {
  type BatchAnswer,
  type EventBatch,
  type Holding,
  type HoldingAnswer,
  MAX_HELD,
  type OpenAnswer,
  type OpenRequest,
  type Registration,
  type RegistrationAnswer,
  VERSION,
} from '~/shared/protocol';
import { refuse } from '~/shared/refusals';
import { ended, isOpened } from '~/shared/view';
import type { TrainerSummary } from '~/shared/viewerProtocol';
import { Assigning, type AssigningDeps } from './assigning';
import { type OpenedDeps, OpenedRuns, whyLost } from './opened';
import type { Answerer } from './questions';
import type { DeclaringTrainer, Recipes } from './recipes';
import { answererOf, processOf, type Trainer, type TrainerPort, TrainerTable } from './trainerTable';
import { WaitingRuns } from './waitingRuns';

export interface TrainersDeps extends AssigningDeps {
  recipes: Pick<Recipes, 'declared' | 'refusal'>;
  /** Called when a trainer that answers questions connects or leaves. */
  answerers: { came(answerer: Answerer): void; left(trainerId: string): void };
  /** How long a trainer may be away before its run goes to another. */
  graceMs: number;
  /** How long the process of an opened run may be silent. */
  crashedMs?: number;
  silentMs?: OpenedDeps['silentMs'];
  /** Writes the first entry of a run that a script opens. */
  create: OpenedDeps['create'];
}

export class Trainers {
  readonly #trainers = new TrainerTable();
  readonly waiting: WaitingRuns;
  readonly #assigning: Assigning;
  /** Runs that scripts open: never in the queue. */
  readonly opened: OpenedRuns;
  #closed = false;

  constructor(private readonly deps: TrainersDeps) {
    this.waiting = new WaitingRuns(deps.clock, deps.graceMs, () => this.#assigning.dispatch());
    this.#assigning = new Assigning(deps, this.#trainers, this.waiting, (runId) => this.holds(runId));
    this.opened = new OpenedRuns(deps);
  }

  /** Called when the run has ended: commands that nobody will answer any more are refused. */
  over(runId: string): void {
    this.remove(runId);
    void this.#assigning.left(runId, 'the run has ended');
  }

  /** The run waits for no trainer any more. */
  remove(runId: string): void {
    this.waiting.remove(runId);
    this.opened.ended(runId);
  }

  /** Takes a run from its holder: it goes, in its present state, to the next trainer that is ready. */
  release(runId: string, attempt: number, message: string): Promise<void> {
    for (const t of this.#trainers.holders(runId)) {
      t.cancelGrace?.();
      t.cancelGrace = null;
      t.runId = null;
      // A trainer that is just being assigned the run learns from its assignment (assigning.ts) that it lost it.
      if (t.early === null) t.port?.release({ runId, attempt, message });
      this.#trainers.forgetIfAway(t);
    }
    this.remove(runId);
    this.deps.onChange();
    return this.#assigning.left(runId, message);
  }

  /** Checks again who could train the waiting runs. */
  look(): void {
    this.#assigning.look();
  }

  /** Whether a trainer holds it, or may come back for it. */
  holds(runId: string): boolean {
    return this.opened.holds(runId) || this.waiting.awaits(runId) || this.#trainers.holders(runId).length > 0;
  }

  /**
   * Whether a command for the run will reach somebody: a trainer that has it or may come back for it, or a script's process that
   * is connected.
   */
  hears(runId: string): boolean {
    return this.opened.holds(runId) ? this.opened.reaches(runId) : this.holds(runId);
  }

  list(): TrainerSummary[] {
    return this.#trainers.summaries((trainerId) => this.opened.of(trainerId));
  }

  declaring(): DeclaringTrainer[] {
    return this.#trainers.declaring();
  }

  whyWaits(runId: string): string | null {
    return this.#assigning.whyWaits(runId);
  }

  neverCame(message: string): Promise<void> {
    return this.#assigning.neverCame(message);
  }

  async register(registration: Registration, port: TrainerPort): Promise<RegistrationAnswer> {
    const old = versionRefusal(registration);
    if (old) return old;
    const { trainerId, holding } = registration;
    const wrong = this.deps.recipes.declared(registration.name, registration.recipes);
    if (wrong) return wrong;
    const known = this.#trainers.get(trainerId);
    if (known?.port && known.port !== port) known.port.close();
    known?.cancelGrace?.();
    const trainer: Trainer = { registration, port, ready: false, runId: known?.runId ?? null, early: [], cancelGrace: null };
    this.#trainers.set(trainer);
    this.deps.onChange();
    if (registration.answers) this.deps.answerers.came(answererOf(trainer, port));

    if (trainer.runId !== null && !holding.some((h) => h.runId === trainer.runId)) this.#giveUp(trainer, 'no longer has the run');
    this.opened.keepOnly(trainerId, holding);
    const answers: HoldingAnswer[] = [];
    for (const held of holding) answers.push(await this.#goOn(trainer, port, held));
    return { ok: true, holding: answers };
  }

  /** Lets a trainer continue with a run that it holds, or says why it may not. */
  async #goOn(trainer: Trainer, port: TrainerPort, held: Holding): Promise<HoldingAnswer> {
    const { runId, attempt, lastCommandSeq } = held;
    const room = await this.deps.room(runId);
    const connected = () => this.#trainers.at(trainer.registration.trainerId, port) === trainer;
    if (room && isOpened(room.view) && connected()) return this.opened.goOn(processOf(trainer), port, room, held);
    // Reads what the store holds: a write that failed may have ended the run.
    await room?.settle();
    // A trainer whose connection is gone must not take the run from those that wait: nobody would notice that it stays away.
    if (!connected()) return { runId, attempt, ok: false, message: 'the connection was lost meanwhile' };
    const mine =
      room &&
      !ended(room.view.status) &&
      room.view.attempt === attempt &&
      room.view.pendingRevert === null &&
      !room.view.released &&
      room.view.trainer?.id === trainer.registration.trainerId &&
      (trainer.runId === null || trainer.runId === runId) &&
      !this.#trainers.holders(runId).some((t) => t !== trainer);
    if (mine) {
      trainer.runId = runId;
      this.remove(runId);
      await room.back();
      this.deps.onChange();
    }
    // Meanwhile people may have taken it from the trainer.
    if (!mine || trainer.runId !== runId || room.view.attempt !== attempt) {
      if (trainer.runId === runId) this.#giveUp(trainer, 'no longer has the run');
      const message = room
        ? `run ${runId} is no longer this trainer's: ${whyLost(room.view, attempt)}`
        : `there is no run ${runId}`;
      return { runId, attempt, ok: false, message };
    }
    // Commands that arrived early are among the open ones.
    trainer.early = null;
    return { runId, attempt, ok: true, nextEvent: room.nextEvent, commands: room.open(lastCommandSeq) };
  }

  /** Called when the trainer can take a run; its earlier run is over or given up. */
  async ready(trainerId: string, port: TrainerPort): Promise<void> {
    const trainer = this.#trainers.at(trainerId, port);
    if (!trainer) return;
    const { runId } = trainer;
    trainer.runId = null;
    if (runId !== null) await this.#assigning.left(runId, `trainer ${trainer.registration.name} gave the run up`);
    trainer.ready = true;
    this.deps.onChange();
    this.#assigning.look();
  }

  async events(trainerId: string, port: TrainerPort, batch: EventBatch): Promise<BatchAnswer> {
    const trainer = this.#trainers.at(trainerId, port);
    if (!trainer) return { ok: false, reason: 'unavailable', message: 'register first' };
    const room = await this.deps.room(batch.runId);
    if (!room) return { ok: false, reason: 'fenced', message: `there is no run ${batch.runId}` };
    const holds = isOpened(room.view) ? this.opened.isOwner(room, trainerId) : trainer.runId === batch.runId;
    if (!holds) {
      const { name } = trainer.registration;
      const message = `attempt ${batch.attempt} of run ${batch.runId} is not held by ${name}: ${whyLost(room.view, batch.attempt)}`;
      return { ok: false, reason: 'fenced', message };
    }
    const answer = await room.events(batch, port.clockAheadMs);
    if (!answer.ok && answer.reason === 'invalid')
      await room.alert('error', 'trainer', `${trainer.registration.name} sent what does not fit the run: ${answer.message}`);
    return answer;
  }

  /** Opens a script's own run. @param by the owner of the process's token */
  open(trainerId: string, port: TrainerPort, by: Actor, request: OpenRequest): Promise<OpenAnswer> {
    const trainer = this.#trainers.at(trainerId, port);
    if (!trainer) return Promise.resolve(refuse('state', 'register first'));
    if (this.opened.of(trainerId).length >= MAX_HELD)
      return Promise.resolve(refuse('busy', `a process holds ${MAX_HELD} runs at most; close one first`));
    return this.opened.open(processOf(trainer), port, by, request);
  }

  async closeRun(
    trainerId: string,
    port: TrainerPort,
    { runId, attempt }: { runId: string; attempt: number },
  ): Promise<{ ok: true } | Refusal> {
    const trainer = this.#trainers.at(trainerId, port);
    if (!trainer) return refuse('state', 'register first');
    const room = await this.deps.room(runId);
    if (!room) return refuse('unknown-run', `there is no run ${runId}`, 'runId');
    return this.opened.close(processOf(trainer), room, attempt);
  }

  /** Sends a command that is in the log to the holder of the run; a trainer that is away gets it when it is back. */
  deliver(runId: string, command: LoggedCommand): void {
    this.opened.deliver(runId, command);
    for (const t of this.#trainers.holders(runId)) {
      if (t.early) t.early.push(command);
      else t.port?.command({ ...command, runId });
    }
  }

  /** Called when the connection closes. The process may be alive and come back. */
  gone(trainerId: string, port: TrainerPort): void {
    const trainer = this.#trainers.at(trainerId, port);
    if (!trainer) return;
    trainer.port = null;
    trainer.ready = false;
    this.deps.answerers.left(trainerId);
    this.opened.gone(trainerId, port);
    const name = trainer.registration.name;
    if (trainer.runId === null) this.#trainers.forgetIfAway(trainer);
    else {
      this.#lost(trainer.runId, `the connection to trainer ${name} is lost`);
      trainer.cancelGrace = this.deps.clock.after(this.deps.graceMs, () => this.#giveUp(trainer, 'did not come back'));
    }
    this.deps.onChange();
  }

  /** Called when the process is known to have ended: its runs stop waiting for it. @returns ids of its trainers */
  died(host: string, pid: number, message: string): string[] {
    const dead = this.#trainers.of(host, pid);
    for (const t of dead) {
      t.port = null;
      t.ready = false;
      this.deps.answerers.left(t.registration.trainerId);
      if (t.runId === null) this.#trainers.forgetIfAway(t);
      else {
        void this.deps
          .room(t.runId)
          .then((room) => room?.alert('warning', 'trainer', message))
          .catch(this.deps.onError);
        this.#giveUp(t, message);
      }
    }
    this.deps.onChange();
    return dead.map((t) => t.registration.trainerId);
  }

  /** Ids of the trainers of a process. */
  processes(host: string, pid: number): string[] {
    return this.#trainers.of(host, pid).map((t) => t.registration.trainerId);
  }

  close(): void {
    this.#closed = true;
    this.#assigning.close();
    this.waiting.close();
    this.opened.stop();
    for (const t of this.#trainers.all()) t.cancelGrace?.();
  }

  /** The trainer will not continue its run: the next one may take it. */
  #giveUp(trainer: Trainer, why: string): void {
    const { runId } = trainer;
    trainer.cancelGrace?.();
    trainer.cancelGrace = null;
    trainer.runId = null;
    this.#trainers.forgetIfAway(trainer);
    if (runId !== null) void this.#assigning.left(runId, `trainer ${trainer.registration.name}: ${why}`);
    this.deps.onChange();
  }

  #lost(runId: string, message: string): void {
    if (this.#closed) return;
    void this.deps
      .room(runId)
      .then((room) => room?.lost(message))
      .catch(this.deps.onError);
  }
}

/** The refusal for a process with another version of the protocol, whatever else it sends; null for this version. */
export function versionRefusal(message: unknown): Refusal | null {
  const given = typeof message === 'object' && message !== null && 'version' in message ? message.version : undefined;
  if (given === VERSION) return null;
  const theirs = typeof given === 'number' ? `the trainer speaks ${given}` : 'the trainer names none';
  return refuse(
    'invalid',
    `version: this server speaks version ${VERSION} of the trainers' protocol, ${theirs}; use the same release on both sides`,
    'version',
  );
}
