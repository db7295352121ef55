import type { Curve } from '~/app/_charts/curve';
import type { Entry, Steps } from '~/shared/events';
import type { RunView } from '~/shared/view';
import { type HistoryDeps, LevelReader } from './levelReader';
import { earlyRanges, KEPT_CURVES, type Level, Levels, type Zoom } from './levels';
import { RowCache } from './rowCache';

/**
 * The step rows of one run as its charts need them: for each zoom, reduced curves read by range, to which live rows are added as they come. Pure: the
 * server is behind `deps.read`. Whatever cannot be added exactly (skipped rows, a rewind through the middle of a bucket, a fresh view) is read again.
 */
export class History {
  private columns = new Map<string, number>();
  /** Numbers in a step row. */
  private width = 0;
  private head = 0;
  private known = false;
  private fillAsked = false;
  private closed = false;
  private readonly levels = new Levels();
  private zoom: Zoom = null;
  private log = false;
  private active: Level;
  /** On a logarithmic x axis: finer levels of the first steps shown, finest first. */
  private early: readonly Level[] = [];
  private readonly wanted = new Map<string, number>();
  /** Those of them that are drawn with a moving average. */
  private readonly smoothed = new Map<string, number>();
  private weight: number | null = null;
  private readonly listeners = new Set<() => void>();
  private readonly reader: LevelReader;
  private readonly rows: RowCache;

  constructor(
    deps: HistoryDeps,
    private buckets = 1200,
  ) {
    this.active = this.levels.open(null, buckets);
    this.reader = new LevelReader(
      deps,
      (curve, event) => this.appendTo(curve, event),
      () => {
        // Another weight may have been chosen meanwhile.
        this.fill();
        this.rereadTorn();
        this.changed();
      },
    );
    this.rows = new RowCache(
      (question) => deps.read(question),
      () => this.changed(),
      this.weightOf,
    );
  }

  /** Why the newest question failed; null when it did not. */
  get error(): string | null {
    return this.reader.error;
  }

  /** The range shown; null zoom = the whole run, growing. Levels seen before are shown at once. `log`: on a logarithmic x axis. */
  show(zoom: Zoom, log = false): void {
    this.zoom = zoom;
    this.log = log;
    const next = this.levels.open(zoom, this.buckets);
    const ranges = log ? earlyRanges(next.fromStep, next.toStep ?? this.head) : [];
    const early = ranges.map((range) => this.levels.open(range, this.buckets));
    if (next === this.active && early.length === this.early.length && early.every((l, i) => l === this.early[i])) return;
    this.active = next;
    this.early = early;
    this.levels.evict(this.shown());
    this.fill();
    this.changed();
  }

  /** Weight of the moving averages, 0 = none. What is drawn stays until the new ones are there. */
  smooth(weight: number): void {
    const next = weight > 0 ? weight : null;
    if (next === this.weight) return;
    this.weight = next;
    this.rows.clear();
    this.fill();
    this.changed();
  }

  /** Buckets to ask for: at least as many as the widest chart has pixel columns. Coarser levels are dropped. */
  resolve(buckets: number): void {
    const wish = Math.min(4000, Math.max(300, buckets));
    if (wish <= this.buckets) return;
    this.buckets = wish;
    const before = this.shown().map((level) => level.curves);
    this.levels.clear();
    this.show(this.zoom, this.log);
    this.shown().forEach((level, i) => {
      for (const [name, curve] of before[i] ?? []) {
        curve.holes = true;
        level.curves.set(name, curve);
      }
    });
    this.rereadTorn();
  }

  /** Keeps these series read, with a moving average where one is drawn, until the answer is called. */
  want(names: readonly string[], smoothed = false): () => void {
    const release = [this.wanted, ...(smoothed ? [this.smoothed] : [])].map((counts) => counted(counts, names));
    this.fill();
    return () => {
      for (const r of release) r();
    };
  }

  /** Of the range shown; null until it has been read. */
  curve(name: string): Curve | null {
    return this.active.curves.get(name) ?? null;
  }

  /** Finer curves of the first steps shown, finest first, where they have been read (`show`, log). */
  earlyCurves(name: string): Curve[] {
    return this.early.flatMap((level) => level.curves.get(name) ?? []);
  }

  /** Of the whole run, if it has been read. */
  wholeCurve(name: string): Curve | null {
    return this.levels.whole()?.curves.get(name) ?? null;
  }

  /** Steps shown, and how many of them have a row; null until that is known. */
  stepsShown(name: string): { from: number; to: number; rows: number } | null {
    const curve = this.curve(name);
    if (!curve) return null;
    let rows = 0;
    for (let i = 0; i < curve.count; i++) rows += curve.rows[i]!;
    return { from: this.active.fromStep, to: Math.max(this.active.fromStep + 1, this.active.toStep ?? this.head), rows };
  }

  /** The exact value of a series at a step; undefined while it is being read, null when the run has no such row. */
  exact(name: string, step: number): number | null | undefined {
    const found = this.single(name, step);
    return found ? found.curve.values.last[found.i]! : this.rows.value(name, step, this.wanted);
  }

  /** The moving average of a series at a step, as `exact`; null also where none is kept. */
  average(name: string, step: number): number | null | undefined {
    const weight = this.weightOf(name);
    if (weight === null) return null;
    const found = this.single(name, step);
    return found?.curve.smoothing === weight ? found.curve.ema[found.i]! : this.rows.average(name, step, this.wanted);
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** A fresh view: what came between is unknown, so everything is read again; what is drawn stays until then. */
  reset(view: RunView): void {
    this.name(view.series);
    this.head = view.step;
    // Questions may be asked before the first view is there: their answers hold.
    if (this.known) {
      this.reader.forget(this.levels.all());
      this.rows.clear();
      const shown = this.shown();
      for (const level of this.levels.all()) {
        if (!shown.includes(level)) level.curves.clear();
        else for (const c of level.curves.values()) c.holes = true;
      }
      this.rereadTorn();
    }
    this.known = true;
    this.show(this.zoom, this.log);
    this.fill();
    this.changed();
  }

  entries(entries: readonly Entry[], skipped: readonly [number, number] | null): void {
    if (skipped) for (const level of this.levels.all()) for (const c of level.curves.values()) markHole(c, skipped);
    for (const { event } of entries) {
      if (event.type === 'steps') this.append(event);
      else if (event.type === 'run.assigned') this.cut(event.fromStep);
      else if (event.type === 'run.started') {
        this.name(event.series);
        this.fill();
      }
    }
    this.rereadTorn();
    this.changed();
  }

  close(): void {
    this.closed = true;
    this.reader.close();
    this.levels.clear();
    this.listeners.clear();
  }

  private append(event: Steps): void {
    this.head = Math.max(this.head, event.firstStep + event.count);
    for (const level of this.levels.all()) {
      for (const curve of level.curves.values()) this.appendTo(curve, event);
      for (const r of new Set(level.reading.values())) if (!r.since.includes(event)) r.since.push(event);
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
    this.head = fromStep;
    this.reader.forget(this.levels.all());
    this.rows.clear();
    for (const level of this.levels.all()) for (const c of level.curves.values()) c.cut(fromStep);
    this.fill();
  }

  private name(series: readonly { name: string }[]): void {
    this.columns = new Map(series.map((s, i) => [s.name, i]));
    this.width = series.length;
  }

  private shown(): Level[] {
    return [this.active, ...this.early];
  }

  private readonly weightOf = (name: string): number | null => (this.smoothed.has(name) ? this.weight : null);

  /** The bucket that ends with this step: its last value is the step's. */
  private single(name: string, step: number): { curve: Curve; i: number } | null {
    for (const level of [...this.shown(), this.levels.whole()]) {
      const curve = level?.curves.get(name);
      const i = curve?.at(step) ?? -1;
      if (i >= 0 && (curve!.bucketSteps === 1 || (step === curve!.headStep - 1 && i === curve!.count - 1)))
        return { curve: curve!, i };
    }
    return null;
  }

  /** Asks, once per turn, for what is wanted and missing: in the range shown, and in the whole run. */
  private fill(): void {
    if (this.fillAsked) return;
    this.fillAsked = true;
    queueMicrotask(() => {
      this.fillAsked = false;
      if (this.closed) return;
      for (const level of new Set([...this.shown(), this.levels.whole()])) {
        if (!level) continue;
        const { curves, reading, failed } = level;
        if (curves.size > KEPT_CURVES) for (const name of curves.keys()) if (!this.wanted.has(name)) curves.delete(name);
        const missing = (n: string) => !this.complete(n, curves.get(n)) && !reading.has(n) && !failed.has(n);
        this.reader.read(level, [...this.wanted.keys()].filter(missing), this.weightOf);
      }
    });
  }

  private complete(name: string, curve: Curve | undefined): boolean {
    return curve !== undefined && (this.weightOf(name) ?? curve.smoothing) === curve.smoothing;
  }

  /** After a while reads again what has holes or could not be read; of levels not shown it is forgotten. */
  private rereadTorn(): void {
    const torn = ({ failed, curves, reading }: Level) => [
      ...new Set([...failed, ...[...curves.values()].filter((c) => c.holes && !reading.has(c.name)).map((c) => c.name)]),
    ];
    if (![...this.levels.all()].some((level) => torn(level).length > 0)) return;
    this.reader.again(() => {
      const shown = this.shown();
      for (const level of this.levels.all()) {
        const names = torn(level);
        level.failed.clear();
        if (shown.includes(level)) this.reader.read(level, names, this.weightOf);
        else for (const n of names) level.curves.delete(n);
      }
      this.fill();
    });
  }

  private changed(): void {
    for (const l of this.listeners) l();
  }
}

/** Counts users of names up, and down again when the answer is called. */
function counted(counts: Map<string, number>, names: readonly string[]): () => void {
  for (const n of names) counts.set(n, (counts.get(n) ?? 0) + 1);
  return () => {
    for (const n of names) {
      const left = (counts.get(n) ?? 1) - 1;
      if (left > 0) counts.set(n, left);
      else counts.delete(n);
    }
  };
}

function markHole(curve: Curve, [first, last]: readonly [number, number]): void {
  if (last >= curve.headStep && (curve.toStep === null || first < curve.toStep)) curve.holes = true;
}
