/**
 * Runs that scripts open themselves: which process owns which run, and whether the process is alive. Such a run is never queued
 * and never given to another process. Its key identifies it: opening the same key again makes a new attempt of the same run. A
 * process that is silent for a while has crashed; when it, or a new one with the key, is back, the run continues. Pure: processes
 * are ports, the clock is injected.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '~/server/base/clock';
import { serial } from '~/server/base/serial';
import type { Room } from '~/server/runs/room';
import type { LoggedCommand, Refusal } from '~/shared/commands';
import type { ServerEvent } from '~/shared/events';
import type { Actor } from '~/shared/ids';
import { CRASHED_MS, HEARTBEAT_MS, type Holding, type HoldingAnswer, type OpenAnswer, type OpenRequest } from '~/shared/protocol';
import { refuse } from '~/shared/refusals';
import { ended, isOpened, type RunView } from '~/shared/view';

/** The connection to a run's owner. */
export interface OwnerPort {
  command(command: LoggedCommand & { runId: string }): void;
  release(release: { runId: string; attempt: number; message: string }): void;
  /** true: it receives a stop although it is silent for a while; left out: it sends something at least every HEARTBEAT_MS. */
  listens?(): boolean;
}

/** A process that opens runs. */
export interface Process {
  trainerId: string;
  name: string;
  host: string;
}

interface Owner {
  process: Process;
  attempt: number;
  /** null while it is away. */
  port: OwnerPort | null;
  /** Time of the last message from it, by the clock's `elapsed`. */
  heardAt: number;
  /** Marked as crashed although its connection is open: its runs continue with its next message. */
  silent: boolean;
  /** State of the run when it was opened: the answer when the request is sent again. */
  before: OpenState | null;
  cancel: () => void;
}

type OpenState = Extract<OpenAnswer, { ok: true }>['state'];

type RunCreated = Extract<ServerEvent, { type: 'run.created' }>;

export interface OpenedDeps {
  clock: Clock;
  room(runId: string): Promise<Room | null>;
  /** Writes the first entry of a new run. */
  create(created: Omit<RunCreated, 'type'>): Promise<{ runId: string; room: Room }>;
  onChange(): void;
  onError(error: unknown): void;
  /** How long a process may be silent; left out: CRASHED_MS. */
  crashedMs?: number;
  /** The same for a process that is known to send less often; undefined: the default. */
  silentMs?(trainerId: string): number | undefined;
}

/** An owner that has been silent for two heartbeats is away: a stop does not wait for it. */
const AWAY_MS = 2 * HEARTBEAT_MS + 2_000;
/** A process that sent something within this time keeps its run: nobody else may open it. */
const ALIVE_MS = 3 * HEARTBEAT_MS;

export const hashOfKey = (key: string): string => createHash('sha256').update(key).digest('hex');

export class OpenedRuns {
  readonly #owners = new Map<string, Owner>();
  /** Runs by the hash of their key. */
  readonly #keys = new Map<string, string>();
  readonly #serial = serial();
  readonly #crashedMs: number;
  #closed = false;

  constructor(private readonly deps: OpenedDeps) {
    this.#crashedMs = deps.crashedMs ?? CRASHED_MS;
  }

  /** Registers a run's key, read from its log. */
  know(runId: string, keyHash: string): void {
    if (!this.#keys.has(keyHash)) this.#keys.set(keyHash, runId);
  }

  /** Registers a run whose process may be alive and come back: unless it has ended, it is marked as crashed when that does not happen. */
  found({ runId, view }: Pick<Room, 'runId' | 'view'>): void {
    if (view.trainer === null || view.released || ended(view.status)) return;
    const { id, name, host } = view.trainer;
    this.#own(runId, { trainerId: id, name, host }, view.attempt, null);
  }

  /** Called when its run is deleted. */
  forget(runId: string): void {
    this.ended(runId);
    for (const [hash, id] of this.#keys) if (id === runId) this.#keys.delete(hash);
  }

  /** Called when the run has ended: the server waits for no process. */
  ended(runId: string): void {
    const owner = this.#owners.get(runId);
    owner?.cancel();
    if (this.#owners.delete(runId)) this.deps.onChange();
  }

  /** Whether a process has the run, or may come back for it. */
  holds(runId: string): boolean {
    return this.#owners.has(runId);
  }

  /** Whether its process can receive messages now. */
  reaches(runId: string): boolean {
    const owner = this.#owners.get(runId);
    return owner?.port != null && (owner.port.listens?.() || this.deps.clock.elapsed() - owner.heardAt < AWAY_MS);
  }

  /** The run with a key; undefined: none. */
  runOf(key: string): string | undefined {
    return this.#keys.get(hashOfKey(key));
  }

  /** The connection to a run's owner; null: the run has no owner, or its owner is away. */
  portOf(runId: string): OwnerPort | null {
    return this.#owners.get(runId)?.port ?? null;
  }

  /** Runs that a process owns. */
  of(trainerId: string): string[] {
    return [...this.#owners].flatMap(([runId, { process }]) => (process.trainerId === trainerId ? [runId] : []));
  }

  /** Called for each message of a process: its runs are alive. */
  heard(trainerId: string): void {
    const now = this.deps.clock.elapsed();
    for (const [runId, owner] of this.#owners) {
      if (!owner.port || owner.process.trainerId !== trainerId) continue;
      owner.heardAt = now;
      if (!owner.silent) continue;
      owner.silent = false;
      this.#watch(runId, owner);
      void this.deps
        .room(runId)
        .then((room) => room?.back())
        .catch(this.deps.onError);
    }
  }

  deliver(runId: string, command: LoggedCommand): void {
    this.#owners.get(runId)?.port?.command({ ...command, runId });
  }

  /** Called when the connection of a process closes. The process may be alive and come back. */
  gone(trainerId: string, port: OwnerPort): void {
    for (const [runId, owner] of this.#owners) {
      if (owner.process.trainerId !== trainerId || owner.port !== port) continue;
      owner.port = null;
      this.#away(runId, `the connection to ${owner.process.name} is lost`);
    }
  }

  /** Releases the runs that a process owned and does not name when it comes back. */
  keepOnly(trainerId: string, holding: readonly Holding[]): void {
    for (const [runId, owner] of this.#owners) {
      if (owner.process.trainerId !== trainerId || holding.some((h) => h.runId === runId)) continue;
      owner.port = null;
      owner.process = { ...owner.process, trainerId: '' };
      this.#away(runId, `${owner.process.name} no longer has the run`);
    }
  }

  /** Lets a process continue with a run that it holds, or says why it may not. */
  async goOn(process: Process, port: OwnerPort, room: Room, { attempt, lastCommandSeq }: Holding): Promise<HoldingAnswer> {
    const { runId } = room;
    const mine = () => isOwner(room.view, process.trainerId, attempt);
    if (mine()) {
      this.#own(runId, process, attempt, port);
      await room.back();
    }
    // Meanwhile another process may have opened the run.
    if (!mine())
      return { runId, attempt, ok: false, message: `run ${runId} is no longer this process's: ${whyLost(room.view, attempt)}` };
    return { runId, attempt, ok: true, nextEvent: room.nextEvent, commands: room.open(lastCommandSeq) };
  }

  /** Whether the process owns the run's present attempt. */
  isOwner({ view }: Pick<Room, 'view'>, trainerId: string): boolean {
    return isOwner(view, trainerId, view.attempt);
  }

  /** Opens the run with a key for a process: a new run, or a new attempt of the one that has the key. */
  open(process: Process, port: OwnerPort, by: Actor, request: OpenRequest): Promise<OpenAnswer> {
    return this.#serial(async (): Promise<OpenAnswer> => {
      const hash = hashOfKey(request.key);
      const known = this.#keys.get(hash);
      const room = known === undefined ? null : await this.deps.room(known);
      if (room) return this.#openAgain(process, port, room, request);
      if (request.resume === 'must') return refuse('unknown-run', 'key: no run has this key, and resume is "must"', 'key');
      const parent = request.fork ? await this.#parent(request.fork) : null;
      if (parent && 'ok' in parent) return parent;
      const created = await this.deps.create({ setup: request.setup, actor: by, parent, openKey: hash });
      this.#keys.set(hash, created.runId);
      return this.#give(process, port, created.room, null);
    });
  }

  /** Opens a known run again for a program that identifies it by id instead of key. */
  openKnown(process: Process, port: OwnerPort, room: Room): Promise<OpenAnswer> {
    const setup = { ...room.view.setup, recipe: null };
    return this.#serial(() => this.#openAgain(process, port, room, { key: '', setup, resume: 'must' }));
  }

  /** A process gives its run up without ending it. */
  async close(process: Process, room: Room, attempt: number): Promise<{ ok: true } | Refusal> {
    if (!isOwner(room.view, process.trainerId, attempt))
      return refuse('state', `run ${room.runId} is not this process's in attempt ${attempt}`, 'runId');
    await room.released(`${process.name} closed the run; it goes on when a script opens it again with its key`);
    this.ended(room.runId);
    return { ok: true };
  }

  stop(): void {
    this.#closed = true;
    for (const { cancel } of this.#owners.values()) cancel();
  }

  async #openAgain(process: Process, port: OwnerPort, room: Room, request: OpenRequest): Promise<OpenAnswer> {
    const { runId, view } = room;
    const owner = this.#owners.get(runId);
    const same = view.trainer?.id === process.trainerId && !view.released;
    // The answer to the same request was lost, and nothing has happened since.
    if (same && room.nextEvent === 0) {
      const before = owner?.before ?? null;
      this.#own(runId, process, view.attempt, port, before);
      await room.back();
      return answer(room, before);
    }
    if (request.resume === 'never')
      return refuse('state', `key: run ${runId} has this key; to go on with it, open it with resume "allow" or "must"`, 'key');
    if (view.trashed) return refuse('state', `key: run ${runId}, which has this key, is in the trash: take it out first`, 'key');
    if (request.fork && (view.parent?.runId !== request.fork.runId || view.parent.step !== request.fork.step))
      return refuse('invalid', `fork: run ${runId}, which has this key, was not forked from there`, 'fork');
    if (owner?.port && !same && this.deps.clock.elapsed() - owner.heardAt < ALIVE_MS)
      return refuse(
        'busy',
        `key: run ${runId} is open in ${owner.process.name} on ${owner.process.host}, which is alive; end that first`,
        'key',
      );
    owner?.port?.release({ runId, attempt: view.attempt, message: `${process.name} opened the run again with its key` });
    return this.#give(process, port, room, request);
  }

  async #give(process: Process, port: OwnerPort, room: Room, again: OpenRequest | null): Promise<OpenAnswer> {
    const { view } = room;
    const before = again ? { step: view.step, status: view.statusBeforeLoss ?? view.status } : null;
    const { trainerId: id, name, host } = process;
    try {
      await room.reopen({ id, name, host }, again?.setup.config ?? null);
    } catch (error) {
      // The write may have taken effect, and the process may not ask again: when it stays silent, #crash writes that to the log.
      if (!this.#owners.has(room.runId)) this.#own(room.runId, process, view.attempt, null);
      throw error;
    }
    this.#own(room.runId, process, room.view.attempt, port, before);
    return answer(room, before);
  }

  async #parent({ runId, step }: { runId: string; step: number }): Promise<RunCreated['parent'] | Refusal> {
    const room = await this.deps.room(runId);
    if (!room) return refuse('unknown-run', `fork.runId: there is no run ${runId}`, 'fork.runId');
    if (step > room.view.step)
      return refuse('invalid', `fork.step: run ${runId} is at step ${room.view.step}, it has no step ${step}`, 'fork.step');
    return { runId, step, checkpoint: null };
  }

  #own(runId: string, process: Process, attempt: number, port: OwnerPort | null, before: OpenState | null = null): void {
    this.#owners.get(runId)?.cancel();
    const heardAt = this.deps.clock.elapsed();
    const owner: Owner = { process, attempt, port, heardAt, silent: false, before, cancel: () => {} };
    this.#owners.set(runId, owner);
    this.#watch(runId, owner);
    this.deps.onChange();
  }

  /** Checks again when the owner would have been silent for too long. */
  #watch(runId: string, owner: Owner): void {
    const silentMs = this.#silentMs(owner);
    const dueAt = owner.heardAt + silentMs;
    owner.cancel = this.deps.clock.after(Math.max(0, dueAt - this.deps.clock.elapsed()), () => {
      if (this.#closed || this.#owners.get(runId) !== owner) return;
      if (this.deps.clock.elapsed() < owner.heardAt + silentMs) this.#watch(runId, owner);
      else this.#crash(runId, owner).catch(this.deps.onError);
    });
  }

  async #crash(runId: string, owner: Owner): Promise<void> {
    const room = await this.deps.room(runId);
    if (this.#closed || this.#owners.get(runId) !== owner) return;
    if (room && room.view.attempt !== owner.attempt) {
      // Another process has opened the run by a write that failed for the server and took effect all the same.
      this.ended(runId);
      return this.found(room);
    }
    const { name, host } = owner.process;
    if (owner.port) owner.silent = true;
    else this.ended(runId);
    // In attempt 0 no process has had the run yet: it still waits for its script.
    if (owner.attempt > 0)
      await room?.crashed(owner.attempt, `nothing was heard of ${name} on ${host} for ${this.#silentMs(owner) / 1000} s`);
  }

  #silentMs({ process }: Owner): number {
    return this.deps.silentMs?.(process.trainerId) ?? this.#crashedMs;
  }

  #away(runId: string, message: string): void {
    this.deps.onChange();
    if (this.#closed) return;
    void this.deps
      .room(runId)
      .then((room) => room?.lost(message))
      .catch(this.deps.onError);
  }
}

/** Whether the process owns this attempt and may continue it. */
const isOwner = (view: RunView, trainerId: string, attempt: number): boolean =>
  isOpened(view) && view.trainer?.id === trainerId && view.attempt === attempt && !view.released;

/** Why a process has lost the run that it held in an attempt: another goes on with it, or people took it. */
export const whyLost = ({ attempt, trainer, status, statusMessage }: RunView, held: number): string =>
  attempt > held && trainer ? `${trainer.name} on ${trainer.host} went on with it` : statusMessage || status;

const answer = (room: Room, before: OpenState | null): OpenAnswer => ({
  ok: true,
  runId: room.runId,
  attempt: room.view.attempt,
  nextEvent: room.nextEvent,
  commands: room.open(0),
  state: before ?? { step: room.view.step, status: 'queued' },
});
