/** Gives waiting runs, oldest first unless people moved them, to trainers that are ready and able, and says why a run waits. */

import type { Clock } from '~/server/base/clock';
import type { Room } from '~/server/runs/room';
import type { Recipes } from './recipes';
import { processOf, type Trainer, type TrainerTable } from './trainerTable';
import { type OpenRun, openRun, type WaitingRuns } from './waitingRuns';

export interface AssigningDeps {
  clock: Clock;
  room(runId: string): Promise<Room | null>;
  recipes: Pick<Recipes, 'refusal'>;
  onChange(): void;
  /** Called when run `waiting` could be trained by connected trainers that hold the runs `held`. */
  onWait?(waiting: string, held: string[]): void;
  /** Called on a failure of the store: the run is tried again later. */
  onError(error: unknown): void;
  retryMs?: number;
}

/** Trainers that may be lost with a run, one after the other, before it waits. */
const DEATHS_AT_ONCE = 3;
const FIRST_WAIT_MS = 5_000;
const LONGEST_WAIT_MS = 10 * 60_000;

export class Assigning {
  /** For each waiting run the situation in which no trainer took it: a long queue is not looked through for every run that is added. */
  readonly #waitsIn = new WeakMap<OpenRun, string>();
  #looks = 0;
  #dispatching = false;
  #again = false;
  #closed = false;

  /** @param holds whether a trainer holds the run, or may come back for it */
  constructor(
    private readonly deps: AssigningDeps,
    private readonly trainers: TrainerTable,
    private readonly runs: WaitingRuns,
    private readonly holds: (runId: string) => boolean,
  ) {}

  close(): void {
    this.#closed = true;
  }

  /** Looks at every waiting run again. */
  look(): void {
    this.#looks++;
    this.dispatch();
  }

  /** Looks at the runs that were added, and at every waiting run when the trainers, or what they hold, have changed. */
  dispatch(): void {
    this.#again = true;
    if (this.#dispatching || this.#closed) return;
    this.#dispatching = true;
    void this.#assignAll()
      .catch(this.deps.onError)
      .finally(() => {
        this.#dispatching = false;
        if (this.#again) this.dispatch();
      });
  }

  async #assignAll(): Promise<void> {
    this.#again = false;
    let [here, situation] = this.#here();
    for (const run of this.runs.free()) {
      // A trainer that connects meanwhile takes the first of these runs, not the next one.
      if (this.#again) return;
      if (this.#waitsIn.get(run) === situation) continue;
      const trainer = here.find((t) => t.ready && this.#refusal(t, run) === null);
      if (trainer && this.runs.take(run.runId)) await this.#assign(run, trainer);
      else {
        this.#waitsIn.set(run, situation);
        await this.#wait(run);
      }
      [here, situation] = this.#here();
    }
  }

  /** The connected trainers, and their situation in words that differ when it does. */
  #here(): [Trainer[], string] {
    const here = this.trainers.connected();
    const each = here.map(({ registration, runId, ready }) => `${registration.trainerId} ${runId} ${ready}`);
    return [here, [this.#looks, ...each].join()];
  }

  #refusal({ registration }: Trainer, { setup }: OpenRun): string | null {
    return this.deps.recipes.refusal(registration, setup);
  }

  async #assign(run: OpenRun, trainer: Trainer): Promise<void> {
    trainer.ready = false;
    trainer.runId = run.runId;
    trainer.early = [];
    const { trainerId: id, name, host } = processOf(trainer);
    try {
      const room = await this.deps.room(run.runId);
      const assignment = (await room?.assign({ id, name, host })) ?? null;
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
      this.deps.clock.after(this.deps.retryMs ?? 1000, () => this.runs.add(run));
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
      const here = this.trainers.connected();
      const reasons = here.map((t) => this.#refusal(t, run));
      const held = here.flatMap(({ runId }, at) => (reasons[at] === null && runId !== null ? [runId] : []));
      if (held.length > 0) this.deps.onWait?.(run.runId, held);
      if (here.length === 0 || reasons.includes(null) || !this.runs.isFree(run.runId)) return;
      await report(room, `no trainer here can take this run: ${[...new Set(reasons)].join('; ')}`);
    } catch (error) {
      this.#waitsIn.delete(run);
      this.deps.onError(error);
    }
  }

  /** Why a run has no trainer, for people; null when it has one, or has ended. */
  whyWaits(runId: string): string | null {
    if (this.runs.awaits(runId)) return 'its trainer is away and may come back';
    const later = this.runs.whyLater(runId);
    if (later !== null) return later;
    const queue = this.runs.free();
    const at = queue.findIndex((run) => run.runId === runId);
    if (at < 0) return null;
    const here = this.trainers.connected();
    if (here.length === 0)
      return `no trainer is connected; it starts when one comes that has the recipe ${queue[at]!.setup.recipe!.name}`;
    const reasons = here.map((t) => this.#refusal(t, queue[at]!));
    const able = here.filter((_, i) => reasons[i] === null).map((t) => t.registration.name);
    if (able.length === 0) return `no trainer here can take it: ${[...new Set(reasons)].join('; ')}`;
    const position = queue.length === 1 ? '' : `; it is number ${at + 1} of ${queue.length} in the queue`;
    return `${able.join(', ')} can train it and ${able.length === 1 ? 'is' : 'are'} busy${position}`;
  }

  /** A trainer process that repeatedly ends before it registers cannot report the reason: the logs of the waiting runs do. */
  async neverCame(message: string): Promise<void> {
    if (this.trainers.connected().length > 0) return;
    for (const { runId } of this.runs.free()) {
      const room = await this.deps.room(runId);
      if (room) await report(room, message);
    }
  }

  /** The run lost its holder, unless another one took it over meanwhile: its log records this, and it needs a trainer. */
  async left(runId: string, message: string): Promise<void> {
    try {
      const room = await this.deps.room(runId);
      if (!room || this.#closed || this.holds(runId)) return;
      await room.lost(message);
      await room.settle();
      const run = openRun(room);
      if (run && !this.holds(runId)) await this.#addAgain(run, room);
    } catch (error) {
      this.deps.onError(error);
      this.deps.clock.after(this.deps.retryMs ?? 1000, () => void this.left(runId, message));
    }
  }

  /**
   * A trainer that dies is not the run's fault, so a run is never given up. If several died in a row without reaching a new
   * checkpoint, the run waits longer each time before the next one takes it.
   */
  async #addAgain(run: OpenRun, room: Room): Promise<void> {
    const { count, fromStep } = room.view.takeovers;
    if (count < DEATHS_AT_ONCE || room.view.pendingRevert) return this.runs.add(run);
    const ms = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (count - DEATHS_AT_ONCE));
    const why = `${count} trainers in a row were lost with the run before its next checkpoint after step ${fromStep}; the next one gets it ${ms / 1000} s after that`;
    this.runs.addLater(run, ms, why);
    await room.alert('warning', 'queue', why);
  }
}

/** Records why a run waits, unless that is already the newest alert. */
async function report(room: Room, message: string): Promise<void> {
  if (room.view.recent.alerts.items.at(-1)?.message !== message) await room.alert('warning', 'queue', message);
}
