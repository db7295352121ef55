import type { Entry, Steps } from '~/shared/events';
import type { RunView } from '~/shared/fold';
import type { Reduced } from '~/shared/pyramid';
import { Curve } from '../_charts/curve';
import { RowCache } from './rowCache';

export interface RangeQuestion {
  series: string[];
  fromStep: number;
  /** Exclusive; null = up to the newest row. */
  toStep: number | null;
  buckets: number;
}
export type RangeAnswer = Reduced & { headStep: number };

export interface HistoryDeps {
  /** The run's step rows by range (tRPC runs.range). */
  read(question: RangeQuestion): Promise<RangeAnswer>;
  /** Runs `then` after a while; answers a way to call it off. */
  later(then: () => void, ms: number): () => void;
}

/** Most series asked for in one question, so that an answer stays small enough to be read between two frames. */
const SERIES_PER_QUESTION = 40;
/** Curves kept for zoom levels that are not shown now (about 50 kB each). */
const KEPT_CURVES = 400;
const REREAD_MS = 400;

interface Window {
  fromStep: number;
  toStep: number | null;
  buckets: number;
  curves: Map<string, Curve>;
  /** Series being read, with the rows that arrived meanwhile. */
  reading: Map<string, { since: Steps[] }>;
  /** Series whose reading failed; asked for again after a while. */
  failed: Set<string>;
  used: number;
}

/**
 * The step rows of one run as its charts need them: for each zoom, reduced curves read by range, to which live rows are added as they come. Pure: the
 * server is behind `deps.read`. Whatever cannot be added exactly (skipped rows, a rewind through the middle of a bucket, a fresh view) is read again.
 */
export class History {
  /** Why the newest question failed; null when it did not. */
  error: string | null = null;
  private columns = new Map<string, number>();
  /** Numbers in a step row. */
  private width = 0;
  private known = false;
  private fillAsked = false;
  private readonly windows = new Map<string, Window>();
  private active: Window;
  private readonly wanted = new Map<string, number>();
  private readonly listeners = new Set<() => void>();
  /** Raised by whatever makes answers under way worthless. */
  private generation = 0;
  private uses = 0;
  private cancelReread: (() => void) | null = null;
  private closed = false;
  private failures = 0;
  readonly rows: RowCache;

  constructor(
    private readonly deps: HistoryDeps,
    private buckets = 1200,
  ) {
    this.active = this.open(null);
    this.rows = new RowCache(
      (question) => deps.read(question),
      () => this.changed(),
    );
  }

  /** The range shown; null zoom = the whole run, growing. Levels seen before are shown at once. */
  show(zoom: readonly [number, number] | null): void {
    const next = this.open(zoom);
    if (next === this.active) return;
    this.active = next;
    this.evict();
    this.fill();
    this.changed();
  }

  /** Buckets to ask for: at least as many as the widest chart has pixel columns. Coarser levels are dropped. */
  resolve(buckets: number): void {
    const wish = Math.min(4000, Math.max(300, buckets));
    if (wish <= this.buckets) return;
    this.buckets = wish;
    const { fromStep, toStep } = this.active;
    this.windows.clear();
    const before = this.active.curves;
    this.active = this.open(toStep === null && fromStep === 0 ? null : [fromStep, toStep!]);
    for (const [name, curve] of before) {
      curve.holes = true;
      this.active.curves.set(name, curve);
    }
    this.fill();
    this.rereadHoles();
  }

  /** Keeps these series read until the answer is called. */
  want(names: readonly string[]): () => void {
    for (const n of names) this.wanted.set(n, (this.wanted.get(n) ?? 0) + 1);
    this.fill();
    return () => {
      for (const n of names) {
        const left = (this.wanted.get(n) ?? 1) - 1;
        if (left > 0) this.wanted.set(n, left);
        else this.wanted.delete(n);
      }
    };
  }

  /** Of the range shown; null until it has been read. */
  curve(name: string): Curve | null {
    return this.active.curves.get(name) ?? null;
  }

  /** Of the whole run, if it has been read: where a zoomed curve's smoothing begins. */
  wholeCurve(name: string): Curve | null {
    return this.windows.get(keyOf(null))?.curves.get(name) ?? null;
  }

  /** The exact value of a series at a step; undefined while it is being read, null when the run has no such row. */
  exact(name: string, step: number): number | null | undefined {
    for (const w of [this.active, this.windows.get(keyOf(null))]) {
      const curve = w?.curves.get(name);
      if (curve && curve.count > 0 && step === curve.headStep - 1 && curve.at(step) === curve.count - 1)
        return curve.values.last[curve.count - 1]!;
      if (curve?.bucketSteps === 1) {
        const i = curve.at(step);
        if (i >= 0) return curve.values.last[i]!;
      }
    }
    return this.rows.value(name, step, this.wanted);
  }

  get loading(): boolean {
    return this.active.reading.size > 0;
  }

  has(name: string): boolean {
    return this.columns.has(name);
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** A fresh view: what came between is unknown, so everything is read again; what is drawn stays until then. */
  reset(view: RunView): void {
    this.name(view.series);
    // Questions may be asked before the first view is there: their answers hold.
    if (this.known) {
      this.generation++;
      this.rows.clear();
      for (const w of this.windows.values()) {
        if (w !== this.active) w.curves.clear();
        else for (const c of w.curves.values()) c.holes = true;
        w.reading.clear();
      }
      this.rereadHoles();
    }
    this.known = true;
    this.fill();
    this.changed();
  }

  entries(entries: readonly Entry[], skipped: readonly [number, number] | null): void {
    if (skipped) for (const w of this.windows.values()) for (const c of w.curves.values()) markHole(c, skipped);
    for (const { event } of entries) {
      if (event.type === 'steps') this.append(event);
      else if (event.type === 'run.assigned') this.cut(event.fromStep);
      else if (event.type === 'run.started') {
        this.name(event.series);
        this.fill();
      }
    }
    this.rereadHoles();
    this.changed();
  }

  close(): void {
    this.closed = true;
    this.cancelReread?.();
    this.windows.clear();
    this.listeners.clear();
  }

  private append(event: Steps): void {
    for (const w of this.windows.values()) {
      for (const curve of w.curves.values()) this.appendTo(curve, event);
      for (const r of new Set(w.reading.values())) if (!r.since.includes(event)) r.since.push(event);
    }
    this.rows.append(event, this.columns, this.width);
  }

  private appendTo(curve: Curve, event: Steps): void {
    const column = this.columns.get(curve.name);
    if (column === undefined) return;
    const end = curve.toStep === null ? event.count : Math.min(event.count, curve.toStep - event.firstStep);
    for (let k = Math.max(0, curve.headStep - event.firstStep); k < end; k++)
      curve.append(event.firstStep + k, event.values[k * this.width + column]!);
  }

  /** The run goes on from `fromStep`: later rows are superseded, and answers under way may still hold them. */
  private cut(fromStep: number): void {
    this.generation++;
    this.rows.clear();
    for (const w of this.windows.values()) {
      w.reading.clear();
      for (const c of w.curves.values()) c.cut(fromStep);
    }
    this.fill();
  }

  private open(zoom: readonly [number, number] | null): Window {
    const key = keyOf(zoom);
    let w = this.windows.get(key);
    if (!w) {
      w = {
        fromStep: zoom ? Math.max(0, Math.floor(zoom[0])) : 0,
        toStep: zoom ? Math.max(Math.floor(zoom[0]) + 1, Math.ceil(zoom[1])) : null,
        buckets: this.buckets,
        curves: new Map(),
        reading: new Map(),
        failed: new Set(),
        used: 0,
      };
      this.windows.set(key, w);
    }
    w.used = ++this.uses;
    return w;
  }

  /** Forgets the zoom levels looked at longest ago; the whole run and the level shown stay. */
  private evict(): void {
    const others = [...this.windows].filter(([key, w]) => w !== this.active && key !== keyOf(null));
    others.sort(([, a], [, b]) => b.used - a.used);
    let kept = 0;
    for (const [key, w] of others) {
      kept += w.curves.size;
      if (kept > KEPT_CURVES) this.windows.delete(key);
    }
  }

  private name(series: readonly { name: string }[]): void {
    this.columns = new Map(series.map((s, i) => [s.name, i]));
    this.width = series.length;
  }

  /** Asks, once per turn, for what is wanted and missing: in the range shown, and in the whole run (smoothing goes on from there). */
  private fill(): void {
    if (this.fillAsked) return;
    this.fillAsked = true;
    queueMicrotask(() => {
      this.fillAsked = false;
      if (this.closed) return;
      for (const w of new Set([this.active, this.windows.get(keyOf(null))])) {
        if (!w) continue;
        for (const [name] of w.curves) if (!this.wanted.has(name) && w.curves.size > KEPT_CURVES) w.curves.delete(name);
        const there = (n: string) => w.curves.has(n) || w.reading.has(n) || w.failed.has(n);
        this.readAll(
          w,
          [...this.wanted.keys()].filter((n) => !there(n)),
        );
      }
    });
  }

  private readAll(w: Window, names: string[]): void {
    for (let i = 0; i < names.length; i += SERIES_PER_QUESTION) void this.read(w, names.slice(i, i + SERIES_PER_QUESTION));
  }

  private rereadHoles(): void {
    if (this.closed || this.cancelReread) return;
    const torn = (w: Window) => [
      ...new Set([...w.failed, ...[...w.curves.values()].filter((c) => c.holes && !w.reading.has(c.name)).map((c) => c.name)]),
    ];
    if (![...this.windows.values()].some((w) => torn(w).length > 0)) return;
    this.cancelReread = this.deps.later(
      () => {
        this.cancelReread = null;
        for (const w of this.windows.values()) {
          const names = torn(w);
          w.failed.clear();
          if (w === this.active) this.readAll(w, names);
          else for (const n of names) w.curves.delete(n);
        }
        this.fill();
      },
      Math.min(10_000, REREAD_MS * 2 ** this.failures),
    );
  }

  private async read(w: Window, names: string[]): Promise<void> {
    const { generation } = this;
    const ticket = { since: [] as Steps[] };
    for (const n of names) w.reading.set(n, ticket);
    const mine = () => names.filter((n) => w.reading.get(n) === ticket);
    try {
      const answer = await this.deps.read({ series: names, fromStep: w.fromStep, toStep: w.toStep, buckets: w.buckets });
      if (this.closed || generation !== this.generation) return;
      for (const name of mine()) {
        const curve = Curve.of(name, answer, w.buckets, w.fromStep, w.toStep);
        for (const event of ticket.since) this.appendTo(curve, event);
        curve.version = (w.curves.get(name)?.version ?? 0) + 1;
        w.curves.set(name, curve);
        w.reading.delete(name);
      }
      this.error = null;
      this.failures = 0;
    } catch (e) {
      if (this.closed || generation !== this.generation) return;
      for (const name of mine()) {
        w.reading.delete(name);
        w.failed.add(name);
      }
      this.error = e instanceof Error ? e.message : String(e);
      this.failures++;
    }
    this.rereadHoles();
    this.changed();
  }

  private changed(): void {
    for (const l of this.listeners) l();
  }
}

const keyOf = (zoom: readonly [number, number] | null): string => (zoom ? `${Math.floor(zoom[0])}-${Math.ceil(zoom[1])}` : 'all');

function markHole(curve: Curve, [first, last]: readonly [number, number]): void {
  if (last >= curve.headStep && (curve.toStep === null || first < curve.toStep)) curve.holes = true;
}
