import type { Entry } from '~/shared/events';
import { emptyView } from '~/shared/fold';
import type { ListChange } from '~/shared/lists';
import type { RunView } from '~/shared/view';
import { CompleteLog } from './completeLog';
import type { Store } from './index';

/** Appends entries unchanged to a new run's log. */
export class LogCopy {
  view: RunView | null = null;
  readonly #log = new CompleteLog();

  constructor(
    private readonly store: Pick<Store, 'append'>,
    private readonly runId: string,
  ) {}

  async add(entries: Entry[]): Promise<void> {
    // A write holds one attempt: each run.assigned begins another write.
    let part: Entry[] = [];
    for (const entry of entries) {
      if (entry.event.type === 'run.assigned' && part.length > 0) {
        await this.#append(part);
        part = [];
      }
      part.push(entry);
    }
    if (part.length > 0) await this.#append(part);
  }

  async #append(entries: Entry[]): Promise<void> {
    const before = this.view;
    const changes: ListChange[] = [];
    const completed: Entry[] = [];
    let view = before;
    for (const e of entries) {
      const entry = view ? this.#log.complete(view, e) : e;
      const folded = view ? this.#log.add(view, entry) : { view: emptyView(this.runId, entry), changes: [] };
      completed.push(entry);
      changes.push(...folded.changes);
      view = folded.view;
    }
    await this.store.append({
      runId: this.runId,
      after: before?.seq ?? 0,
      attempt: entries.at(-1)!.attempt,
      nextEvent: 0,
      entries: completed,
      changes,
    });
    this.view = view;
  }
}
