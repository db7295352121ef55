/**
 * Sends log entries to the viewers of one run: in frames at display rate, to each viewer from its own position. Pure: viewers are
 * ports, the clock is injected.
 *
 * Every viewer has a queue of unsent entries and at most `window` unacknowledged frames. While it does not acknowledge, its queue
 * keeps all entries but few step rows: of those, the last before each other entry stays (a fold over the rest then gives the same
 * view), the others are left out and named in `skippedSteps`. No viewer waits for another. Used where the log is written, and by
 * relays (cluster/relay.ts).
 */

import type { Clock } from '~/server/base/clock';
import type { Entry } from '~/shared/events';
import type { Actor } from '~/shared/ids';
import { pack } from '~/shared/pack';
import type { RunView } from '~/shared/view';
import type { Cursor, Frame } from '~/shared/viewerProtocol';
import { mostPeopleListed, type Watcher, type Watching } from '~/shared/watching';
import { type FrameQueue, skipRows, spanning, valuesOf, withoutText } from './frameQueue';

export interface ViewerPort {
  actor: Actor;
  /** One Frame, packed; `acknowledge` once the viewer has taken it. */
  frame(packed: Uint8Array, acknowledge: () => void): void;
  watchers(watching: Watching): void;
  /** Ends the viewer's subscription; it may come back with its cursor. */
  drop(reason: string): void;
}

export interface FrameSettings {
  /** Least time between two frames to a viewer. */
  everyMs: number;
  /** The same when the queue holds more than step rows: an answer to a click does not wait for a whole frame time. */
  urgentMs: number;
  /** Frames that a viewer may leave unacknowledged. */
  window: number;
  /** A viewer with a frame unacknowledged for longer is dropped. */
  stuckMs: number;
  /** When the queued step rows hold more numbers than this, a viewer's rows are skipped. */
  maxQueuedValues: number;
  /** Entries, and numbers in their step rows, kept for viewers that come back. */
  reach: { entries: number; values: number };
}

export const frameSettings: FrameSettings = {
  everyMs: 66,
  urgentMs: 15,
  window: 2,
  stuckMs: 10_000,
  maxQueuedValues: 65_536,
  reach: { entries: 5000, values: 500_000 },
};

/** At most 1,000 messages a second say who watches a run. */
const msPerWatcher = 1;

/** Most queued entries, other than step rows, of a viewer. */
const maxQueuedEntries = 20_000;

export interface Viewer {
  readonly port: ViewerPort;
}

interface Member extends Viewer, FrameQueue {
  /** Last seq sent. */
  sent: number;
  /** The queue holds more than step rows. */
  urgent: boolean;
  /** When each unanswered frame was sent, oldest first. */
  unanswered: number[];
  /** A relay sends the frames to this viewer: it only counts as a watcher. */
  relayed: boolean;
}

/** Where a viewer begins: its cursor (null: at the present view), or `relayed`. */
export type Joining = Cursor | null | 'relayed';

export class Frames {
  #view: RunView;
  readonly #members = new Set<Member>();
  /** The log's newest entries without a gap, up to `view.seq`. */
  readonly #recent: Entry[] = [];
  #recentValues = 0;
  #lastFlush = Number.NEGATIVE_INFINITY;
  #timer: { at: number; cancel: () => void } | null = null;
  #watchersTimer: (() => void) | null = null;
  #packedView: { seq: number; bytes: Uint8Array } | null = null;

  constructor(
    private readonly runId: string,
    view: RunView,
    private readonly clock: Clock,
    private readonly settings: FrameSettings = frameSettings,
  ) {
    this.#view = view;
  }

  /** The run after all entries that were published. */
  get view(): RunView {
    return this.#view;
  }

  get size(): number {
    return this.#members.size;
  }

  /** People who watch; several tabs of one person are one watcher. */
  watchers(): Watcher[] {
    const byId = new Map<string, Watcher>();
    for (const { port } of this.#members) {
      const known = byId.get(port.actor.id);
      if (known) known.tabs += 1;
      else byId.set(port.actor.id, { actor: port.actor, tabs: 1 });
    }
    return [...byId.values()];
  }

  /** New entries, in order, with the view after them. `skipped`: the steps of rows that are missing among them (Frame.skippedSteps). */
  publish(entries: Entry[], view: RunView, skipped: Frame['skippedSteps'] = null): void {
    this.#view = view;
    for (const whole of entries) {
      const entry = withoutText(whole);
      this.#recent.push(entry);
      this.#recentValues += valuesOf(entry);
      for (const m of this.#members) {
        if (m.relayed) continue;
        m.queue.push(entry);
        m.queuedValues += valuesOf(entry);
        m.urgent ||= entry.event.type !== 'rows';
      }
    }
    if (skipped) {
      this.#recent.length = 0;
      this.#recentValues = 0;
      for (const m of this.#members) if (!m.relayed) m.skipped = spanning(m.skipped, skipped);
    }
    while (this.#recent.length > this.settings.reach.entries || this.#recentValues > this.settings.reach.values)
      this.#recentValues -= valuesOf(this.#recent.shift()!);
    for (const m of this.#members) if (m.queuedValues > this.settings.maxQueuedValues) skipRows(m);
    for (const m of this.#members) if (m.queue.length > maxQueuedEntries) this.#drop(m, 'fell too far behind');
    this.#schedule();
  }

  /**
   * Frames follow from the seq after the cursor, or after the returned view (packed) when there is no cursor, it is of another
   * attempt, or its seq is out of reach. The answer and the first frame join without a gap or a repeat, as nothing happens in
   * between.
   */
  join(port: ViewerPort, from: Joining): { viewer: Viewer; view: Uint8Array | null } {
    const relayed = from === 'relayed';
    const cursor = relayed ? null : from;
    const missed = cursor && this.#since(cursor);
    const queue = missed ?? [];
    const queuedValues = queue.reduce((n, e) => n + valuesOf(e), 0);
    const member: Member = {
      port,
      sent: missed ? cursor.seq : this.#view.seq,
      queue: [...queue],
      queuedValues,
      urgent: false,
      skipped: null,
      unanswered: [],
      relayed,
    };
    if (member.queuedValues > this.settings.maxQueuedValues) skipRows(member);
    this.#members.add(member);
    this.#watchersChanged();
    this.#schedule();
    return { viewer: member, view: missed || relayed ? null : this.#packed() };
  }

  leave(viewer: Viewer): void {
    if (this.#members.delete(viewer as Member)) this.#watchersChanged();
  }

  close(): void {
    this.#timer?.cancel();
    this.#watchersTimer?.();
    this.#members.clear();
  }

  /** Entries after the cursor; null when some are no longer in memory. */
  #since(cursor: Cursor): Entry[] | null {
    if (cursor.attempt !== this.#view.attempt || cursor.seq > this.#view.seq) return null;
    if (cursor.seq === this.#view.seq) return [];
    const first = this.#recent.findIndex((e) => e.seq === cursor.seq + 1);
    return first < 0 ? null : this.#recent.slice(first);
  }

  #packed(): Uint8Array {
    if (this.#packedView?.seq !== this.#view.seq) this.#packedView = { seq: this.#view.seq, bytes: pack(this.#view) };
    return this.#packedView.bytes;
  }

  #flush(): void {
    const now = this.clock.elapsed();
    this.#lastFlush = now;
    // Viewers that keep up all get the same frame: it is packed once.
    const packed = new Map<string, Uint8Array>();
    for (const m of this.#members) {
      if (m.unanswered.length > 0 && now - m.unanswered[0]! > this.settings.stuckMs) {
        this.#drop(m, `no answer for ${Math.round((now - m.unanswered[0]!) / 1000)} s`);
        continue;
      }
      if (m.queue.length === 0 || m.unanswered.length >= this.settings.window) continue;
      const key = `${m.sent} ${m.skipped}`;
      const bytes = packed.get(key) ?? pack(this.#frame(m));
      packed.set(key, bytes);
      m.sent = this.#view.seq;
      m.queue = [];
      m.queuedValues = 0;
      m.urgent = false;
      m.skipped = null;
      m.unanswered.push(now);
      let answered = false;
      m.port.frame(bytes, () => {
        if (answered) return;
        answered = true;
        m.unanswered.shift();
        if (this.#members.has(m)) this.#schedule([m]);
      });
    }
    this.#schedule();
  }

  #frame(m: Member): Frame {
    return {
      runId: this.runId,
      attempt: this.#view.attempt,
      from: m.sent + 1,
      to: this.#view.seq,
      entries: m.queue,
      skippedSteps: m.skipped,
      caughtUp: m.skipped && { step: this.#view.step, streams: this.#view.streams },
    };
  }

  /** One timer: for the next frame, or the next check for stuck viewers. `of`: those for whom something changed. */
  #schedule(of: Iterable<Member> = this.#members): void {
    let due = Number.POSITIVE_INFINITY;
    for (const m of of) {
      if (m.queue.length > 0 && m.unanswered.length < this.settings.window)
        due = Math.min(due, this.#lastFlush + (m.urgent ? this.settings.urgentMs : this.settings.everyMs));
      if (m.unanswered.length > 0) due = Math.min(due, m.unanswered[0]! + this.settings.stuckMs + 1);
    }
    if (due === Number.POSITIVE_INFINITY || (this.#timer && this.#timer.at <= due)) return;
    this.#timer?.cancel();
    const cancel = this.clock.after(Math.max(0, due - this.clock.elapsed()), () => {
      this.#timer = null;
      this.#flush();
    });
    this.#timer = { at: due, cancel };
  }

  /** Ends what all viewers get; each is told why. */
  dropAll(reason: string): void {
    for (const m of [...this.#members]) this.#drop(m, reason);
  }

  #drop(m: Member, reason: string): void {
    this.leave(m);
    m.port.drop(reason);
  }

  #watchersChanged(): void {
    if (this.#watchersTimer) return;
    this.#watchersTimer = this.clock.after(Math.max(this.settings.everyMs, this.#members.size * msPerWatcher), () => {
      this.#watchersTimer = null;
      const all = this.watchers();
      const watching = { listed: all.slice(0, mostPeopleListed), people: all.length, tabs: this.#members.size };
      for (const { port } of this.#members) port.watchers(watching);
    });
  }
}
