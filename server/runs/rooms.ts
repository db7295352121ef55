/**
 * The open runs: each with its room and its viewers' frames. A run is opened on request and saved from time to time; ended runs
 * without viewers are closed.
 */

import type { Clock } from '~/server/base/clock';
import type { Store, StoredRun } from '~/server/store';
import type { Entry, RunEvent } from '~/shared/events';
import { summarize } from '~/shared/summary';
import { ended, type RunView } from '~/shared/view';
import { type FrameSettings, Frames } from './frames';
import { type Publish, RunLog } from './log';
import { Room, type RoomDeps } from './room';

export interface Opened {
  room: Room;
  frames: Frames;
  savedSeq: number;
  /** Time of its last use, by the clock's `elapsed`. */
  usedAt: number;
  cancelSave: (() => void) | null;
}

export interface RoomsDeps {
  store: Store;
  clock: Clock;
  room: RoomDeps;
  frames: FrameSettings | undefined;
  /** Called with committed entries, after the viewers have them and before the view is saved. */
  committed(entries: Entry[], view: RunView, before: RunView): void;
  onError(error: unknown): void;
}

const saveEveryMs = 5_000;
/** Most ended runs that stay open for later viewers. */
const endedKeptOpen = 20;

export class Rooms {
  readonly #stored = new Map<string, Pick<StoredRun, 'runId' | 'nextEvent'>>();
  readonly #opened = new Map<string, Promise<Opened>>();

  constructor(private readonly deps: RoomsDeps) {}

  /** Registers a run of the store. */
  know({ runId, nextEvent }: Pick<StoredRun, 'runId' | 'nextEvent'>): void {
    this.#stored.set(runId, { runId, nextEvent });
  }

  knows(runId: string): boolean {
    return this.#stored.has(runId);
  }

  /** null when there is no such run. */
  open(runId: string): Promise<Opened> | null {
    const known = this.#opened.get(runId);
    if (known) {
      // Most recently used last.
      this.#opened.delete(runId);
      this.#opened.set(runId, known);
      known.then(
        (of) => {
          of.usedAt = this.deps.clock.elapsed();
        },
        () => {},
      );
      return known;
    }
    const run = this.#stored.get(runId);
    if (!run) return null;
    const opens = this.#opening((publish) => RunLog.open(this.deps, run, publish));
    this.#opened.set(runId, opens);
    opens.then(
      () => void this.#closeIdle(),
      () => this.#opened.delete(runId),
    );
    return opens;
  }

  /** Writes the first entries of a new run: all or none. */
  async create(
    runId: string,
    created: Extract<Entry['event'], { type: 'run.created' }>,
    next: readonly RunEvent[] = [],
  ): Promise<Opened> {
    const opens = this.#opening((publish) => RunLog.create(this.deps, runId, created, publish, next));
    const of = await opens;
    this.know({ runId, nextEvent: 0 });
    this.#opened.set(runId, opens);
    return of;
  }

  /** Deletes a run from the store and closes it; if that fails, the run is here as before. */
  async remove(runId: string, { room, frames, ...of }: Opened): Promise<void> {
    const [stored, opened] = [this.#stored.get(runId), this.#opened.get(runId)];
    // Nothing new begins meanwhile.
    this.#stored.delete(runId);
    this.#opened.delete(runId);
    await room.idle();
    try {
      await this.deps.store.remove(runId);
    } catch (error) {
      // A deletion that failed may have taken effect: what the store holds counts.
      const left = await this.deps.store.runs().catch(() => null);
      if (!left || left.some((run) => run.runId === runId)) {
        if (stored) this.#stored.set(runId, stored);
        if (opened) this.#opened.set(runId, opened);
        throw error;
      }
    }
    of.cancelSave?.();
    // Viewers that come back hear that there is no such run.
    frames.dropAll('the run was deleted');
    frames.close();
  }

  /** Saves the views. */
  async close(): Promise<void> {
    for (const promise of this.#opened.values()) {
      const of = await promise.catch(() => null);
      if (!of) continue;
      await of.room.idle();
      await this.#save(of);
      of.frames.close();
    }
  }

  #opening(log: (publish: Publish) => Promise<RunLog>): Promise<Opened> {
    let self: Opened | null = null;
    return log((entries, view, before) => this.#committed(self, entries, view, before)).then((runLog) => {
      const { clock, frames } = this.deps;
      const room = new Room(runLog, this.deps.room);
      self = {
        room,
        frames: new Frames(runLog.runId, room.view, clock, frames),
        savedSeq: 0,
        usedAt: clock.elapsed(),
        cancelSave: null,
      };
      return self;
    });
  }

  #committed(of: Opened | null, entries: Entry[], view: RunView, before: RunView): void {
    of?.frames.publish(entries, view);
    this.deps.committed(entries, view, before);
    if (!of) return;
    if (ended(view.status) && entries.some((e) => e.event.type === 'status')) void this.#save(of);
    else of.cancelSave ??= this.deps.clock.after(saveEveryMs, () => void this.#save(of));
  }

  async #save(of: Opened): Promise<void> {
    of.cancelSave?.();
    of.cancelSave = null;
    const { view } = of.room;
    if (view.seq === of.savedSeq) return;
    try {
      await this.deps.store.saveView(view, summarize(view, 0));
      of.savedSeq = view.seq;
    } catch (error) {
      this.deps.onError(error);
    }
  }

  /** Closes the ended runs that have been unused for longest. */
  async #closeIdle(): Promise<void> {
    const { clock, room: deps } = this.deps;
    const idle: [string, Opened][] = [];
    for (const [runId, promise] of [...this.#opened]) {
      const of = await promise.catch(() => null);
      if (of && ended(of.room.view.status) && of.frames.size === 0 && !deps.hasTrainer(runId)) idle.push([runId, of]);
    }
    for (const [runId, of] of idle.slice(0, Math.max(0, idle.length - endedKeptOpen))) {
      await of.room.idle();
      await this.#save(of);
      // A caller that has just opened it still uses it.
      if (of.frames.size > 0 || of.room.view.seq !== of.savedSeq || clock.elapsed() - of.usedAt < 1000) continue;
      this.know({ runId, nextEvent: of.room.nextEvent });
      this.#opened.delete(runId);
      of.frames.close();
    }
  }
}
