/** Runs that need a trainer: those that can be assigned, and those whose last holder may still come back. Pure. */

import type { Clock } from '~/server/base/clock';
import type { Room } from '~/server/runs/room';
import type { RunSetup } from '~/shared/setup';
import { ended, isOpened, positionInQueue } from '~/shared/view';
import { inOrder, type Waiting } from './queue';

/** A run that has not ended. */
export interface OpenRun {
  runId: string;
  /** The lowest goes first. */
  position: number;
  setup: RunSetup;
  /** The trainer that took it last, and may come back for it. */
  trainerId: string | null;
}

/** What the queue needs to know about a room's run; null when it has ended, or waits only for its own script. */
export const openRun = ({ runId, view }: Pick<Room, 'runId' | 'view'>): OpenRun | null =>
  ended(view.status) || isOpened(view)
    ? null
    : { runId, position: positionInQueue(view), setup: view.setup, trainerId: view.released ? null : (view.trainer?.id ?? null) };

export class WaitingRuns {
  /** Runs without a holder. */
  readonly #free = new Map<string, OpenRun>();
  /** Runs whose holder may still come back, though this server has not seen it yet. */
  readonly #awaited = new Map<string, { run: OpenRun; cancel: () => void }>();
  /** Runs that must not be assigned yet. */
  readonly #later = new Map<string, { run: OpenRun; why: string; cancel: () => void }>();

  /** @param onFree called when a run can be assigned */
  constructor(
    private readonly clock: Clock,
    private readonly graceMs: number,
    private readonly onFree: () => void,
  ) {}

  /** A run found at start: its holder may still be training it and come back, unless it is known to be gone. */
  found(run: OpenRun, holderIsGone: boolean): void {
    if (run.trainerId === null || holderIsGone) {
      this.add(run);
      return;
    }
    const cancel = this.clock.after(this.graceMs, () => {
      this.#awaited.delete(run.runId);
      this.add(run);
    });
    this.#awaited.set(run.runId, { run, cancel });
  }

  /** Adds a run that can be assigned after `ms`. */
  addLater(run: OpenRun, ms: number, why: string): void {
    const cancel = this.clock.after(ms, () => {
      this.#later.delete(run.runId);
      this.add(run);
    });
    this.#later.set(run.runId, { run, why, cancel });
  }

  /** Why a run cannot be assigned yet; null = it is not such a run. */
  whyLater(runId: string): string | null {
    return this.#later.get(runId)?.why ?? null;
  }

  /** Adds a run that needs a trainer. */
  add(run: OpenRun): void {
    this.#free.set(run.runId, run);
    this.onFree();
  }

  remove(runId: string): void {
    this.#free.delete(runId);
    for (const map of [this.#awaited, this.#later]) {
      map.get(runId)?.cancel();
      map.delete(runId);
    }
  }

  /** Removes a run that is assigned to a trainer. @returns false when it was no longer free */
  take(runId: string): boolean {
    return this.#free.delete(runId);
  }

  /** Called when somebody has moved a run. */
  moved(runId: string, position: number): void {
    const run = this.#free.get(runId) ?? this.#awaited.get(runId)?.run ?? this.#later.get(runId)?.run;
    if (run) run.position = position;
  }

  isFree(runId: string): boolean {
    return this.#free.has(runId);
  }

  awaits(runId: string): boolean {
    return this.#awaited.has(runId);
  }

  /** Runs that can be assigned, the next one first. */
  free(): OpenRun[] {
    return [...this.#free.values()].sort(inOrder);
  }

  /** All runs that wait, the next one first, including those whose holder may still come back. */
  queue(): Waiting[] {
    const others = [...this.#awaited.values(), ...this.#later.values()];
    return [...this.#free.values(), ...others.map(({ run }) => run)].sort(inOrder);
  }

  close(): void {
    for (const { cancel } of [...this.#awaited.values(), ...this.#later.values()]) cancel();
  }
}
