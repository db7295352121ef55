/** Runs that need a trainer: those to be given out, and those whose last holder may still come back. Pure. */

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
  /** Whoever took it last. */
  trainerId: string | null;
}

/** What the queue needs to know of a room's run; null when it has ended, or waits for nobody but its own script. */
export const openRun = ({ runId, view }: Pick<Room, 'runId' | 'view'>): OpenRun | null =>
  ended(view.status) || isOpened(view)
    ? null
    : { runId, position: positionInQueue(view), setup: view.setup, trainerId: view.trainer?.id ?? null };

export class WaitingRuns {
  /** Without a holder. */
  readonly #free = new Map<string, OpenRun>();
  /** Their holder may still come back, though this server has not seen it yet. */
  readonly #awaited = new Map<string, { run: OpenRun; cancel: () => void }>();
  /** Not to be given out yet. */
  readonly #later = new Map<string, { run: OpenRun; why: string; cancel: () => void }>();

  /** @param onFree called when a run can be given out */
  constructor(
    private readonly clock: Clock,
    private readonly graceMs: number,
    private readonly onFree: () => void,
  ) {}

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

  /** The run can be given out after so long. */
  addLater(run: OpenRun, ms: number, why: string): void {
    const cancel = this.clock.after(ms, () => {
      this.#later.delete(run.runId);
      this.add(run);
    });
    this.#later.set(run.runId, { run, why, cancel });
  }

  /** Why a run is not given out yet; null = it is no such run. */
  whyLater(runId: string): string | null {
    return this.#later.get(runId)?.why ?? null;
  }

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

  /** Takes a run out that is given to a trainer. @returns false when it was not free any more */
  take(runId: string): boolean {
    return this.#free.delete(runId);
  }

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

  /** Those to be given out, the next one first. */
  free(): OpenRun[] {
    return [...this.#free.values()].sort(inOrder);
  }

  /** All that wait, the next one first. */
  queue(): Waiting[] {
    const others = [...this.#awaited.values(), ...this.#later.values()];
    return [...this.#free.values(), ...others.map(({ run }) => run)].sort(inOrder);
  }

  close(): void {
    for (const { cancel } of [...this.#awaited.values(), ...this.#later.values()]) cancel();
  }
}
