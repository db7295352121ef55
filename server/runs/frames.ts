/**
 * What the viewers of one run are sent: log entries in frames at display rate, each viewer from its own place. Pure: viewers are ports, time is given.
 *
 * Every viewer has a queue of entries it has not been sent and at most `window` frames it has not answered. While it does not answer, its queue grows only
 * by what is rare: of step rows the last before each other entry stays (a fold over the rest then gives the same view), the rest is left out and named in
 * `skippedSteps`. Nobody waits for anybody.
 */

import type { Clock } from '~/server/base/clock';
import type { Entry } from '~/shared/events';
import type { Actor } from '~/shared/ids';
import { pack } from '~/shared/pack';
import type { Cursor, Frame, Watcher } from '~/shared/protocol';
import { firstStepOf, rowCount, rowsBetween, stepAt } from '~/shared/series';
import type { RunView } from '~/shared/view';
import { lastSeq } from './log';

export interface ViewerPort {
  actor: Actor;
  /** One Frame, packed; `acknowledge` once the viewer has taken it. */
  frame(packed: Uint8Array, acknowledge: () => void): void;
  watchers(watchers: Watcher[]): void;
  /** The viewer is let go; it may come back with its cursor. */
  drop(reason: string): void;
}

export interface FrameSettings {
  /** Least time between two frames to a viewer. */
  everyMs: number;
  /** The same when something waits that somebody asked for: the answer to a click is not held back for a frame's time. */
  urgentMs: number;
  /** Frames a viewer may leave unanswered. */
  window: number;
  /** A frame unanswered for longer drops the viewer. */
  stuckMs: number;
  /** Numbers in queued step rows beyond which a viewer's rows are skipped. */
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

/** Other entries than step rows that a viewer may fall behind by. */
const maxQueuedEntries = 20_000;

export interface Viewer {
  readonly port: ViewerPort;
}

interface Member extends Viewer {
  /** Last seq sent. */
  sent: number;
  queue: Entry[];
  queuedValues: number;
  /** The queue holds more than step rows. */
  urgent: boolean;
  skipped: [number, number] | null;
  /** When each unanswered frame was sent, oldest first. */
  unanswered: number[];
}

export class Frames {
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
    private view: RunView,
    private readonly clock: Clock,
    private readonly settings: FrameSettings = frameSettings,
  ) {}

  get size(): number {
    return this.#members.size;
  }

  /** People watching; several tabs of one are one watcher. */
  watchers(): Watcher[] {
    const byId = new Map<string, Watcher>();
    for (const { port } of this.#members) {
      const known = byId.get(port.actor.id);
      if (known) known.tabs += 1;
      else byId.set(port.actor.id, { actor: port.actor, tabs: 1 });
    }
    return [...byId.values()];
  }

  /** New entries, in order, with the view that has them. */
  publish(entries: Entry[], view: RunView): void {
    this.view = view;
    for (const whole of entries) {
      const entry = withoutText(whole);
      this.#recent.push(entry);
      this.#recentValues += valuesOf(entry);
      for (const m of this.#members) {
        m.queue.push(entry);
        m.queuedValues += valuesOf(entry);
        m.urgent ||= entry.event.type !== 'rows';
      }
    }
    while (this.#recent.length > this.settings.reach.entries || this.#recentValues > this.settings.reach.values)
      this.#recentValues -= valuesOf(this.#recent.shift()!);
    for (const m of this.#members) if (m.queuedValues > this.settings.maxQueuedValues) skipRows(m);
    for (const m of this.#members) if (m.queue.length > maxQueuedEntries) this.#drop(m, 'fell too far behind');
    this.#schedule();
  }

  /**
   * Frames follow from the place after the cursor, or after the returned view (packed) when there is no cursor, it is of another attempt, or its place is
   * out of reach. What the answer says and the first frame fit without a gap or a repeat, as nothing happens in between.
   */
  join(port: ViewerPort, cursor: Cursor | null): { viewer: Viewer; view: Uint8Array | null } {
    const missed = cursor && this.#since(cursor);
    const queue = missed ?? [];
    const queuedValues = queue.reduce((n, e) => n + valuesOf(e), 0);
    const member: Member = {
      port,
      sent: missed ? cursor.seq : this.view.seq,
      queue: [...queue],
      queuedValues,
      urgent: false,
      skipped: null,
      unanswered: [],
    };
    if (member.queuedValues > this.settings.maxQueuedValues) skipRows(member);
    this.#members.add(member);
    this.#watchersChanged();
    this.#schedule();
    return { viewer: member, view: missed ? null : this.#packed() };
  }

  leave(viewer: Viewer): void {
    if (this.#members.delete(viewer as Member)) this.#watchersChanged();
  }

  close(): void {
    this.#timer?.cancel();
    this.#watchersTimer?.();
    this.#members.clear();
  }

  /** Entries after the cursor; null when they are not all at hand. */
  #since(cursor: Cursor): Entry[] | null {
    if (cursor.attempt !== this.view.attempt || cursor.seq > this.view.seq) return null;
    if (cursor.seq === this.view.seq) return [];
    const first = this.#recent.findIndex((e) => e.seq === cursor.seq + 1);
    return first < 0 ? null : this.#recent.slice(first);
  }

  #packed(): Uint8Array {
    if (this.#packedView?.seq !== this.view.seq) this.#packedView = { seq: this.view.seq, bytes: pack(this.view) };
    return this.#packedView.bytes;
  }

  #flush(): void {
    const now = this.clock.elapsed();
    this.#lastFlush = now;
    // Viewers that keep up are all sent the same: packed once.
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
      m.sent = this.view.seq;
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
        this.#schedule();
      });
    }
    this.#schedule();
  }

  #frame(m: Member): Frame {
    return {
      runId: this.runId,
      attempt: this.view.attempt,
      from: m.sent + 1,
      to: this.view.seq,
      entries: m.queue,
      skippedSteps: m.skipped,
      caughtUp: m.skipped && { step: this.view.step, streams: this.view.streams },
    };
  }

  /** One timer: the next frame, or the next look at who is stuck. */
  #schedule(): void {
    let due = Number.POSITIVE_INFINITY;
    for (const m of this.#members) {
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

  #drop(m: Member, reason: string): void {
    this.leave(m);
    m.port.drop(reason);
  }

  #watchersChanged(): void {
    if (this.#watchersTimer) return;
    this.#watchersTimer = this.clock.after(this.settings.everyMs, () => {
      this.#watchersTimer = null;
      const watchers = this.watchers();
      for (const { port } of this.#members) port.watchers(watchers);
    });
  }
}

/** What a process prints is read by whoever looks at it (`runs.console`): no viewer needs it for its view. */
function withoutText(entry: Entry): Entry {
  const { event } = entry;
  return event.type === 'console' && event.text !== '' ? { ...entry, event: { ...event, text: '' } } : entry;
}

const valuesOf = ({ event }: Entry): number => (event.type === 'rows' ? event.values.length : 0);

/** Leaves out queued rows but the last of each stream before each other entry, and the last of all: a fold over the rest then gives the same view. */
function skipRows(m: Member): void {
  const kept: Entry[] = [];
  // From the end, so that the first row met of a stream is its last.
  const met = new Set<string>();
  for (const entry of m.queue.toReversed()) {
    const { event } = entry;
    if (event.type !== 'rows') {
      met.clear();
      kept.push(entry);
      continue;
    }
    const isLast = !met.has(event.stream);
    met.add(event.stream);
    const leftOut = rowCount(event) - (isLast ? 1 : 0);
    if (leftOut > 0) {
      const [first, last] = [firstStepOf(event), stepAt(event, leftOut - 1)];
      m.skipped = m.skipped ? [Math.min(m.skipped[0], first), Math.max(m.skipped[1], last)] : [first, last];
    }
    if (isLast) kept.push(lastRow(entry));
  }
  m.queue = kept.reverse();
  m.queuedValues = kept.reduce((n, e) => n + valuesOf(e), 0);
}

function lastRow(entry: Entry): Entry {
  const { event } = entry;
  if (event.type !== 'rows' || rowCount(event) === 1) return entry;
  const { times, values, ...last } = rowsBetween(event, rowCount(event) - 1, rowCount(event));
  // Copies: the rest of the batch need not be kept for it.
  return { ...entry, seq: lastSeq(entry), event: { ...last, ...(times && { times: times.slice() }), values: values.slice() } };
}
