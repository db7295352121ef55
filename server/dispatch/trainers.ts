/**
 * Which trainer holds which run. Waiting runs go, oldest first unless people moved them, to trainers that are ready and able;
 * each takeover is a new attempt, so that events of an earlier holder are refused. Pure: trainers are ports, the clock is
 * injected.
 */

import type { Clock } from '~/server/base/clock';
import type { Room } from '~/server/runs/room';
import { type LoggedCommand, type Refusal, refuse } from '~/shared/commands';
import type { Actor } from '~/shared/ids';
import {
  type Assignment,
  type BatchAnswer,
  type EventBatch,
  type Holding,
  type HoldingAnswer,
  MAX_HELD,
  type OpenAnswer,
  type OpenRequest,
  type Registration,
  type RegistrationAnswer,
  type TrainerSummary,
  VERSION,
} from '~/shared/protocol';
import { isOpened } from '~/shared/view';
import { type OpenedDeps, OpenedRuns, type Process } from './opened';
import type { Answerer, QuestionPort } from './questions';
import type { Waiting } from './queue';
import type { DeclaringTrainer, Recipes } from './recipes';
import { type OpenRun, openRun, WaitingRuns } from './waitingRuns';

export interface TrainerPort extends QuestionPort {
  assign(assignment: Assignment): void;
  command(command: LoggedCommand & { runId: string }): void;
  release(release: { runId: string; attempt: number; message: string }): void;
  /** Another connection of the same process has replaced this one. */
  close(): void;
}

interface Trainer {
  registration: Registration;
  /** null while it is away. */
  port: TrainerPort | null;
  ready: boolean;
  /** The run it holds, also while it is away. */
  runId: string | null;
  /** Commands for the run that arrived before the trainer got its assignment; null = it has it. */
  early: LoggedCommand[] | null;
  /** Cancels the timer of the time in which it may come back. */
  cancelGrace: (() => void) | null;
}

export interface TrainersDeps {
  clock: Clock;
  room(runId: string): Promise<Room | null>;
  recipes: Pick<Recipes, 'declared' | 'refusal'>;
  onChange(): void;
  /** Called when run `waiting` could be trained by connected trainers that hold the runs `held`. */
  onWait?(waiting: string, held: string[]): void;
  /** Called when a trainer that answers questions connects or leaves. */
  answerers: { came(answerer: Answerer): void; left(trainerId: string): void };
  /** Called on a failure of the store: the run is tried again later. */
  onError(error: unknown): void;
  /** How long a trainer may be away before its run goes to another. */
  graceMs: number;
  retryMs?: number;
  /** How long the process of an opened run may be silent. */
  crashedMs?: number;
  silentMs?: OpenedDeps['silentMs'];
  /** Writes the first entry of a run that a script opens. */
  create: OpenedDeps['create'];
}

/** Trainers that may be lost with a run, one after the other, before it waits. */
const DEATHS_AT_ONCE = 3;
const FIRST_WAIT_MS = 5_000;
const LONGEST_WAIT_MS = 10 * 60_000;

export class Trainers {
  readonly #trainers = new Map<string, Trainer>();
  readonly #runs: WaitingRuns;
  /** Runs that scripts open: never in the queue. */
  readonly opened: OpenedRuns;
  #dispatching = false;
  #again = false;
  #closed = false;

  constructor(private readonly deps: TrainersDeps) {
    this.#runs = new WaitingRuns(deps.clock, deps.graceMs, () => this.#dispatch());
    this.opened = new OpenedRuns(deps);
  }

  /** A run found at start: its holder may still be training it and come back, unless it is known to be gone. */
  found(run: OpenRun, holderIsGone: boolean): void {
    this.#runs.found(run, holderIsGone);
  }

  /** Adds a run that needs a trainer. */
  add(run: OpenRun): void {
    this.#runs.add(run);
  }

  /** Called when the run has ended or is deleted. */
  remove(runId: string): void {
    this.#runs.remove(runId);
    this.opened.ended(runId);
  }

  /** Takes a run from its holder and gives it, in its present state, to the next trainer that is ready. */
  release(run: OpenRun, attempt: number, message: string): void {
    for (const t of [...this.#trainers.values()]) {
      if (t.runId !== run.runId) continue;
      t.cancelGrace?.();
      t.cancelGrace = null;
      t.runId = null;
      // A trainer that is just being assigned the run learns in #assign that it lost it.
      if (t.early === null) t.port?.release({ runId: run.runId, attempt, message });
      if (!t.port) this.#trainers.delete(t.registration.trainerId);
    }
    this.remove(run.runId);
    this.deps.onChange();
    this.add(run);
  }

  /** Checks again who could train the waiting runs. */
  look(): void {
    this.#dispatch();
  }

  /** Runs that wait for a trainer, the next one first, including those whose holder may still come back. */
  queue(): Waiting[] {
    return this.#runs.queue();
  }

  /** Called when somebody has moved a run. */
  moved(runId: string, position: number): void {
    this.#runs.moved(runId, position);
  }

  /** Whether a trainer holds it, or may come back for it. */
  holds(runId: string): boolean {
    return this.opened.holds(runId) || this.#runs.awaits(runId) || [...this.#trainers.values()].some((t) => t.runId === runId);
  }

  /**
   * Whether a command for the run will reach somebody: a trainer that has it or may come back for it, or a script's process that
   * is connected.
   */
  hears(runId: string): boolean {
    return this.opened.holds(runId) ? this.opened.reaches(runId) : this.holds(runId);
  }

  list(): TrainerSummary[] {
    return [...this.#trainers.values()].map(({ registration: r, port, runId }) => ({
      id: r.trainerId,
      name: r.name,
      host: r.host,
      connected: port !== null,
      runId,
      opened: this.opened.of(r.trainerId),
      recipes: r.recipes.map((recipe) => recipe.title),
      memoryBytes: r.memoryBytes,
    }));
  }

  /** Which trainers have declared which recipes, including trainers that are away with a run. */
  declaring(): DeclaringTrainer[] {
    return [...this.#trainers.values()].map(({ registration: r, port }) => ({
      name: r.name,
      connected: port !== null,
      recipes: r.recipes,
    }));
  }

  /** Why a run has no trainer, for people; null when it has one, or has ended. */
  whyWaits(runId: string): string | null {
    if (this.#runs.awaits(runId)) return 'its trainer is away and may come back';
    const later = this.#runs.whyLater(runId);
    if (later !== null) return later;
    const queue = this.#runs.free();
    const at = queue.findIndex((run) => run.runId === runId);
    if (at < 0) return null;
    const { setup } = queue[at]!;
    const recipe = setup.recipe?.name ?? '';
    const here = [...this.#trainers.values()].filter((t) => t.port);
    if (here.length === 0) return `no trainer is connected; it starts when one comes that has the recipe ${recipe}`;
    const reasons = here.map((t) => this.deps.recipes.refusal(t.registration, setup));
    const able = here.filter((_, i) => reasons[i] === null).map((t) => t.registration.name);
    if (able.length === 0) return `no trainer here can take it: ${[...new Set(reasons)].join('; ')}`;
    const position = queue.length === 1 ? '' : `; it is number ${at + 1} of ${queue.length} in the queue`;
    return `${able.join(', ')} can train it and ${able.length === 1 ? 'is' : 'are'} busy${position}`;
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
    this.#trainers.set(trainerId, trainer);
    this.deps.onChange();
    if (registration.answers) this.deps.answerers.came(answererOf(trainer, port));

    if (trainer.runId !== null && !holding.some((h) => h.runId === trainer.runId)) this.#giveUp(trainer, 'no longer has the run');
    this.opened.keepOnly(trainerId, holding);
    const answers: HoldingAnswer[] = [];
    for (const held of holding) answers.push(await this.#goOn(trainer, held));
    return { ok: true, holding: answers };
  }

  /** Lets a trainer continue with a run that it holds, or says why it may not. */
  async #goOn(trainer: Trainer, held: Holding): Promise<HoldingAnswer> {
    const { runId, attempt, lastCommandSeq } = held;
    const room = await this.deps.room(runId);
    if (room && isOpened(room.view) && trainer.port) return this.opened.goOn(processOf(trainer), trainer.port, room, held);
    const mine =
      room &&
      room.view.attempt === attempt &&
      room.view.pendingRevert === null &&
      room.view.trainer?.id === trainer.registration.trainerId &&
      (trainer.runId === null || trainer.runId === runId) &&
      !this.#heldBesides(trainer, runId);
    if (!mine) {
      if (trainer.runId === runId) this.#giveUp(trainer, 'no longer has the run');
      const message = room ? `run ${runId} is no longer this trainer's: ${room.view.statusMessage}` : `there is no run ${runId}`;
      return { runId, attempt, ok: false, message };
    }
    trainer.runId = runId;
    this.remove(runId);
    await room.back();
    this.deps.onChange();
    // Commands that arrived early are among the open ones.
    trainer.early = null;
    return { runId, attempt, ok: true, nextEvent: room.nextEvent, commands: room.open(lastCommandSeq) };
  }

  /** Called when the trainer can take a run; its earlier run is over or given up. */
  async ready(trainerId: string, port: TrainerPort): Promise<void> {
    const trainer = this.#connected(trainerId, port);
    if (!trainer) return;
    const { runId } = trainer;
    trainer.runId = null;
    if (runId !== null) await this.#leave(runId, `trainer ${trainer.registration.name} gave the run up`);
    trainer.ready = true;
    this.deps.onChange();
    this.#dispatch();
  }

  async events(trainerId: string, port: TrainerPort, batch: EventBatch): Promise<BatchAnswer> {
    const trainer = this.#connected(trainerId, port);
    if (!trainer) return { ok: false, reason: 'unavailable', message: 'register first' };
    const room = await this.deps.room(batch.runId);
    if (!room) return { ok: false, reason: 'fenced', message: `there is no run ${batch.runId}` };
    const holds = isOpened(room.view) ? this.opened.isOwner(room, trainerId) : trainer.runId === batch.runId;
    if (!holds) {
      const { name } = trainer.registration;
      const message = `attempt ${batch.attempt} of run ${batch.runId} is not held by ${name}: ${room.view.statusMessage}`;
      return { ok: false, reason: 'fenced', message };
    }
    const answer = await room.events(batch);
    if (!answer.ok && answer.reason === 'invalid')
      await room.alert('error', 'trainer', `${trainer.registration.name} sent what does not fit the run: ${answer.message}`);
    return answer;
  }

  /** Opens a script's own run. @param by the owner of the process's token */
  open(trainerId: string, port: TrainerPort, by: Actor, request: OpenRequest): Promise<OpenAnswer> {
    const trainer = this.#connected(trainerId, port);
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
    const trainer = this.#connected(trainerId, port);
    if (!trainer) return refuse('state', 'register first');
    const room = await this.deps.room(runId);
    if (!room) return refuse('unknown-run', `there is no run ${runId}`, 'runId');
    return this.opened.close(processOf(trainer), room, attempt);
  }

  /** Sends a command that is in the log to the holder of the run; a trainer that is away gets it when it is back. */
  deliver(runId: string, command: LoggedCommand): void {
    this.opened.deliver(runId, command);
    for (const t of this.#trainers.values()) {
      if (t.runId !== runId) continue;
      if (t.early) t.early.push(command);
      else t.port?.command({ ...command, runId });
    }
  }

  /** Called when the connection closes. The process may be alive and come back. */
  gone(trainerId: string, port: TrainerPort): void {
    const trainer = this.#connected(trainerId, port);
    if (!trainer) return;
    trainer.port = null;
    trainer.ready = false;
    this.deps.answerers.left(trainerId);
    this.opened.gone(trainerId, port);
    const name = trainer.registration.name;
    if (trainer.runId === null) this.#trainers.delete(trainerId);
    else {
      this.#lost(trainer.runId, `the connection to trainer ${name} is lost`);
      trainer.cancelGrace = this.deps.clock.after(this.deps.graceMs, () => this.#giveUp(trainer, 'did not come back'));
    }
    this.deps.onChange();
  }

  /** Called when the process is known to have ended: its runs stop waiting for it. @returns ids of its trainers */
  died(host: string, pid: number, message: string): string[] {
    const dead = [...this.#trainers.values()].filter((t) => t.registration.host === host && t.registration.pid === pid);
    for (const t of dead) {
      t.port = null;
      t.ready = false;
      this.deps.answerers.left(t.registration.trainerId);
      if (t.runId === null) this.#trainers.delete(t.registration.trainerId);
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
    return [...this.#trainers.values()].flatMap(({ registration: r }) => (r.host === host && r.pid === pid ? [r.trainerId] : []));
  }

  close(): void {
    this.#closed = true;
    this.#runs.close();
    this.opened.stop();
    for (const t of this.#trainers.values()) t.cancelGrace?.();
  }

  #connected(trainerId: string, port: TrainerPort): Trainer | null {
    const trainer = this.#trainers.get(trainerId);
    return trainer?.port === port ? trainer : null;
  }

  /** The trainer will not continue its run: the next one may take it. */
  #giveUp(trainer: Trainer, why: string): void {
    const { runId } = trainer;
    trainer.cancelGrace?.();
    trainer.cancelGrace = null;
    trainer.runId = null;
    if (!trainer.port) this.#trainers.delete(trainer.registration.trainerId);
    if (runId !== null) void this.#leave(runId, `trainer ${trainer.registration.name}: ${why}`);
    this.deps.onChange();
  }

  /** The run lost its holder, unless another one took it over meanwhile: its log records this, and it needs a trainer. */
  async #leave(runId: string, message: string): Promise<void> {
    try {
      const room = await this.deps.room(runId);
      if (!room || this.#closed || this.holds(runId)) return;
      await room.lost(message);
      await room.settle();
      const run = openRun(room);
      if (run && !this.holds(runId)) await this.#addAgain(run, room);
    } catch (error) {
      this.deps.onError(error);
      this.deps.clock.after(this.deps.retryMs ?? 1000, () => void this.#leave(runId, message));
    }
  }

  /**
   * A trainer that dies is not the run's fault, so a run is never given up. If several died in a row without reaching a new
   * checkpoint, the run waits longer each time before the next one takes it.
   */
  async #addAgain(run: OpenRun, room: Room): Promise<void> {
    const { count, fromStep } = room.view.takeovers;
    if (count < DEATHS_AT_ONCE) return this.add(run);
    const ms = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (count - DEATHS_AT_ONCE));
    const why = `${count} trainers in a row were lost with the run before its next checkpoint after step ${fromStep}; the next one gets it ${ms / 1000} s after that`;
    this.#runs.addLater(run, ms, why);
    await room.alert('warning', 'queue', why);
  }

  #heldBesides(trainer: Trainer, runId: string): boolean {
    return [...this.#trainers.values()].some((t) => t !== trainer && t.runId === runId);
  }

  #lost(runId: string, message: string): void {
    if (this.#closed) return;
    void this.deps
      .room(runId)
      .then((room) => room?.lost(message))
      .catch(this.deps.onError);
  }

  #dispatch(): void {
    this.#again = true;
    if (this.#dispatching || this.#closed) return;
    this.#dispatching = true;
    void this.#assignAll()
      .catch(this.deps.onError)
      .finally(() => {
        this.#dispatching = false;
        if (this.#again) this.#dispatch();
      });
  }

  async #assignAll(): Promise<void> {
    this.#again = false;
    for (const run of this.#runs.free()) {
      // A trainer that connects meanwhile takes the first of these runs, not the next one.
      if (this.#again) return;
      const trainer = [...this.#trainers.values()].find(
        (t) => t.ready && t.port && this.deps.recipes.refusal(t.registration, run.setup) === null,
      );
      if (trainer && this.#runs.take(run.runId)) await this.#assign(run, trainer);
      else await this.#wait(run);
    }
  }

  async #assign(run: OpenRun, trainer: Trainer): Promise<void> {
    trainer.ready = false;
    trainer.runId = run.runId;
    trainer.early = [];
    const { trainerId, name, host } = trainer.registration;
    try {
      const room = await this.deps.room(run.runId);
      const assignment = (await room?.assign({ id: trainerId, name, host })) ?? null;
      if (assignment && trainer.runId === run.runId && trainer.port) {
        trainer.port.assign(assignment);
        for (const command of trainer.early) trainer.port.command({ ...command, runId: run.runId });
        trainer.early = null;
      } else if (!assignment || trainer.runId === null) {
        trainer.runId = null;
        trainer.ready = trainer.port !== null;
        this.#again = true;
      }
    } catch (error) {
      this.deps.onError(error);
      trainer.runId = null;
      trainer.ready = trainer.port !== null;
      this.deps.clock.after(this.deps.retryMs ?? 1000, () => this.add(run));
    }
    this.deps.onChange();
  }

  /**
   * A run that no trainer takes now: a stop takes effect without a trainer, and if no connected trainer can ever take it, its log
   * says why, once.
   */
  async #wait(run: OpenRun): Promise<void> {
    try {
      const room = await this.deps.room(run.runId);
      if (!room || this.holds(run.runId)) return;
      await room.stopIfAsked();
      const here = [...this.#trainers.values()].filter((t) => t.port);
      const reasons = here.map((t) => this.deps.recipes.refusal(t.registration, run.setup));
      const held = here.flatMap(({ runId }, at) => (reasons[at] === null && runId !== null ? [runId] : []));
      if (held.length > 0) this.deps.onWait?.(run.runId, held);
      if (here.length === 0 || reasons.includes(null) || !this.#runs.isFree(run.runId)) return;
      await report(room, `no trainer here can take this run: ${[...new Set(reasons)].join('; ')}`);
    } catch (error) {
      this.deps.onError(error);
    }
  }

  /** A trainer process that repeatedly ends before it registers cannot report the reason: the logs of the waiting runs do. */
  async neverCame(message: string): Promise<void> {
    if ([...this.#trainers.values()].some((t) => t.port)) return;
    for (const { runId } of this.#runs.free()) {
      const room = await this.deps.room(runId);
      if (room) await report(room, message);
    }
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

const processOf = ({ registration: { trainerId, name, host } }: Trainer): Process => ({ trainerId, name, host });

const answererOf = (trainer: Trainer, port: TrainerPort): Answerer => ({
  id: trainer.registration.trainerId,
  name: trainer.registration.name,
  recipes: trainer.registration.recipes.map((r) => r.name),
  port,
  busy: () => trainer.runId !== null,
});

/** Records why a run waits, unless that is already the newest alert. */
async function report(room: Room, message: string): Promise<void> {
  if (room.view.recent.alerts.items.at(-1)?.message !== message) await room.alert('warning', 'queue', message);
}
