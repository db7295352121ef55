/**
 * Sends changes to pages that show the list of runs: changed lines at most twice a second, the trainers when they change. Pure.
 */

import type { Clock } from '~/server/base/clock';
import type { RunSummary } from '~/shared/summary';
import type { TrainerSummary } from '~/shared/viewerProtocol';

export interface ListPort {
  runs(changed: RunSummary[]): void;
  trainers(trainers: TrainerSummary[]): void;
}

export class RunList {
  readonly #ports = new Set<ListPort>();
  /** Runs to send, with the last line of those that were deleted; null = their line as it is then. */
  readonly #changed = new Map<string, RunSummary | null>();
  #trainersChanged = false;
  #lastSent = Number.NEGATIVE_INFINITY;
  #cancel: (() => void) | null = null;

  constructor(
    private readonly clock: Clock,
    private readonly read: { summary(runId: string): RunSummary | null; trainers(): TrainerSummary[] },
    private readonly everyMs = 500,
  ) {}

  /** The caller sends the whole list; changes follow. */
  join(port: ListPort): void {
    this.#ports.add(port);
    port.trainers(this.read.trainers());
  }

  leave(port: ListPort): void {
    this.#ports.delete(port);
  }

  runChanged(runId: string): void {
    if (!this.#changed.get(runId)) this.#changed.set(runId, null);
    this.#schedule();
  }

  /** @param last the line by which pages that still list the run learn that it is gone */
  runRemoved(last: RunSummary): void {
    this.#changed.set(last.runId, last);
    this.#schedule();
  }

  trainersChanged(): void {
    this.#trainersChanged = true;
    this.#schedule();
  }

  close(): void {
    this.#cancel?.();
    this.#ports.clear();
  }

  #schedule(): void {
    if (this.#cancel) return;
    this.#cancel = this.clock.after(Math.max(0, this.#lastSent + this.everyMs - this.clock.elapsed()), () => {
      this.#cancel = null;
      this.#lastSent = this.clock.elapsed();
      const runs = [...this.#changed].flatMap(([id, last]) => last ?? this.read.summary(id) ?? []);
      const trainers = this.#trainersChanged ? this.read.trainers() : null;
      this.#changed.clear();
      this.#trainersChanged = false;
      for (const port of this.#ports) {
        if (runs.length > 0) port.runs(runs);
        if (trainers) port.trainers(trainers);
      }
    });
  }
}
