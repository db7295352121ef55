import type { Curve } from '~/app/_charts/curve';
import type { RowAt } from '~/app/_charts/types';
import type { TimeAnchor } from '~/app/_charts/xMap';
import type { Entry } from '~/shared/events';
import { lastStepOf } from '~/shared/rows';
import type { RunView } from '~/shared/view';
import { type HistoryDeps, LevelReader } from './levelReader';
import { type Arrival, earlyRanges, KEPT_CURVES, type Level, Levels, type Skipped, type Zoom } from './levels';
import { call, Listeners } from './listeners';
import { anchorsOf, firstStepOf, strideOf, timesOf } from './rowAxis';
import { RowColumns } from './rowColumns';
import { SingleRows } from './singleRows';
import { WantedSeries } from './wantedSeries';

/**
 * The step rows of one run for its charts: for each zoom, reduced curves read by range; live rows are appended to the curves of
 * their stream. Pure: it reaches the server through `deps.read`. Changes that cannot be applied exactly (skipped rows, a rewind
 * into the middle of a bucket, a fresh view) are read again.
 */
export class History {
  private readonly columns = new RowColumns();
  private head = 0;
  private known = false;
  private fillAsked = false;
  private closed = false;
  private readonly levels = new Levels();
  private readonly details: SingleRows;
  private zoom: Zoom = null;
  private log = false;
  private active: Level;
  /** For a logarithmic x axis: finer levels of the first steps shown, finest first. */
  private early: readonly Level[] = [];
  private readonly wanted = new WantedSeries();
  private readonly listeners = new Listeners();
  readonly subscribe = this.listeners.add;
  private readonly reader: LevelReader;

  constructor(
    deps: HistoryDeps,
    private buckets = 1200,
  ) {
    this.active = this.levels.open(null, buckets);
    this.details = new SingleRows({
      wanted: this.wanted,
      complete: (name, curve) => this.complete(name, curve),
      read: (level, names) => this.reader.read(level, names, this.wanted.weightOf),
    });
    this.reader = new LevelReader(
      deps,
      (curve, arrival) => this.columns.addTo(curve, arrival),
      () => {
        // Another weight may have been chosen meanwhile.
        this.fill();
        this.rereadTorn();
        this.changed();
      },
    );
  }

  /** Why the last read failed; null when it succeeded. */
  get error(): string | null {
    return this.reader.error;
  }

  /** Sets the range shown; null zoom = the whole run, growing. Cached levels are shown at once. `log`: logarithmic x axis. */
  show(zoom: Zoom, log = false): void {
    this.zoom = zoom;
    this.log = log;
    // The timeline and the axes need the whole run, whatever is shown.
    this.levels.open(null, this.buckets);
    const next = this.levels.open(zoom, this.buckets);
    const ranges = log ? earlyRanges(next.fromStep ?? 0, next.toStep ?? this.head) : [];
    const early = ranges.map((range) => this.levels.open(range, this.buckets));
    if (next === this.active && early.length === this.early.length && early.every((l, i) => l === this.early[i])) return;
    this.active = next;
    this.early = early;
    this.levels.evict(this.shown());
    this.fill();
    this.changed();
  }

  /** Sets the weight of the moving averages, 0 = none. Old averages stay visible until the new ones arrive. */
  smooth(weight: number): void {
    const next = weight > 0 ? weight : null;
    if (next === this.wanted.weight) return;
    this.wanted.weight = next;
    this.details.clear();
    this.fill();
    this.changed();
  }

  /** Sets the number of buckets to read: at least the pixel width of the widest chart. Coarser levels are dropped. */
  resolve(buckets: number): void {
    const wish = Math.min(4000, Math.max(300, buckets));
    if (wish <= this.buckets) return;
    this.buckets = wish;
    const before = this.inDetail().map((level) => level.curves);
    this.levels.clear();
    this.show(this.zoom, this.log);
    this.inDetail().forEach((level, i) => {
      for (const [name, curve] of before[i] ?? []) {
        curve.holes = true;
        level.curves.set(name, curve);
      }
    });
    this.rereadTorn();
  }

  /** Keeps these series loaded, with moving averages if `smoothed`, until the returned function is called. */
  want(names: readonly string[], smoothed = false): () => void {
    const release = this.wanted.add(names, smoothed);
    this.fill();
    return release;
  }

  /** The curve of the range shown; null until it has been read. */
  curve(name: string): Curve | null {
    return this.active.curves.get(name) ?? null;
  }

  /** Finer curves of the first steps shown, finest first, as far as they have been read (see `show`, log). */
  earlyCurves(name: string): Curve[] {
    return this.early.flatMap((level) => level.curves.get(name) ?? []);
  }

  /** The curve of the whole run; null until it has been read. */
  wholeCurve(name: string): Curve | null {
    return this.levels.whole()?.curves.get(name) ?? null;
  }

  /** Steps shown, and how many rows a series has in them; null until known. */
  stepsShown(name: string): { from: number; to: number; rows: number } | null {
    const curve = this.curve(name);
    if (!curve || curve.count === 0) return null;
    const from = this.active.fromStep ?? curve.firstStep;
    const to = this.active.toStep ?? Math.max(this.head, curve.lastStep + 1);
    let rows = 0;
    for (let i = 0; i < curve.count; i++) if (curve.lastSteps[i]! >= from && curve.steps[i]! < to) rows += curve.rows[i]!;
    return { from, to, rows };
  }

  /** The row in force at a step: the newest at or before it. undefined while it is being read, null when the series has none. */
  exact(name: string, step: number): RowAt | null | undefined {
    const found = this.details.at(name, step, this.inDetail(), false);
    return found && { step: found.curve.lastSteps[found.i]!, value: found.curve.values.last[found.i]! };
  }

  /** The moving average at the row that `exact` returns, with the same undefined and null; also null where no average is kept. */
  average(name: string, step: number): number | null | undefined {
    if (this.wanted.weightOf(name) === null) return null;
    const found = this.details.at(name, step, this.inDetail(), true);
    return found && (Number.isFinite(found.curve.values.last[found.i]!) ? found.curve.ema[found.i]! : Number.NaN);
  }

  /** First step of the charts' axis, from the rows read so far. */
  startStep(): number {
    return firstStepOf(this.levels.whole(), this.head);
  }

  /** Approximate number of steps between two rows, for the series with the most rows. */
  stride(): number {
    return strideOf(this.levels.whole());
  }

  /** Times at which steps were reached, from the rows read; the narrower the range shown, the finer. */
  times(): TimeAnchor[] {
    return timesOf(this.levels.whole(), this.active);
  }

  /** Values of a series by step, for use as an x axis. */
  valuesOf(name: string): TimeAnchor[] {
    const curves = new Set([this.wholeCurve(name), this.curve(name)]);
    return [...curves].flatMap((c) => (c ? anchorsOf(c, c.values.last) : []));
  }

  /** Starts from a fresh view: entries may be missing, so all curves are read again; old ones stay visible until then. */
  reset(view: RunView): void {
    this.learn(view.streams);
    this.head = view.step;
    // Reads that started before the first view stay valid.
    if (this.known) {
      this.reader.forget(this.all());
      this.details.clear();
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

  entries(entries: readonly Entry[], skipped: readonly Skipped[]): void {
    for (const s of skipped) this.arrive(s);
    for (const { event } of entries) {
      if (event.type === 'rows') this.arrive(event);
      else if (event.type === 'run.assigned') this.cut(event.fromStep);
      else if (event.type === 'rewind') this.cut(event.step);
      else if (event.type === 'series') this.learn([{ name: event.stream, columns: event.columns, at: null }]);
      else if (event.type === 'started')
        this.learn((event.streams ?? []).map(({ stream, columns }) => ({ name: stream, columns, at: null })));
    }
    this.rereadTorn();
    this.changed();
  }

  close(): void {
    this.closed = true;
    this.reader.close();
    this.levels.clear();
    this.details.clear();
    this.listeners.clear();
  }

  private arrive(arrival: Arrival): void {
    if (arrival.type === 'rows') this.head = Math.max(this.head, lastStepOf(arrival) + 1);
    for (const level of this.all()) {
      for (const curve of level.curves.values()) this.columns.addTo(curve, arrival);
      for (const r of new Set(level.reading.values())) if (!r.since.includes(arrival)) r.since.push(arrival);
    }
  }

  /** Rows at and after `step` are replaced by what follows; reads in progress may still return the old ones. */
  private cut(step: number): void {
    this.head = Math.min(this.head, step);
    this.reader.forget(this.all());
    this.details.clear();
    for (const level of this.levels.all()) for (const c of level.curves.values()) c.cut(step);
    this.fill();
  }

  /** Records the positions of series in the rows of their streams. */
  learn(streams: Parameters<RowColumns['learn']>[0]): void {
    this.columns.learn(streams);
  }

  private *all(): Iterable<Level> {
    yield* this.levels.all();
    yield* this.details.all();
  }

  private shown(): Level[] {
    return [this.active, ...this.early];
  }

  /** Levels in which a row is looked for, finest first. */
  private inDetail(): Level[] {
    const whole = this.levels.whole();
    return whole ? [...this.shown(), whole] : this.shown();
  }

  /** Requests the wanted series that are missing, once per turn: in the range shown, and over the whole run. */
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
        this.reader.read(level, this.wanted.names().filter(missing), this.wanted.weightOf);
      }
    });
  }

  private complete(name: string, curve: Curve | undefined): boolean {
    return curve !== undefined && (this.wanted.weightOf(name) ?? curve.smoothing) === curve.smoothing;
  }

  /** After a delay, reads incomplete or failed curves again; on levels that are not shown they are dropped. */
  private rereadTorn(): void {
    const torn = ({ failed, curves, reading }: Level) => [
      ...new Set([...failed, ...[...curves.values()].filter((c) => c.holes && !reading.has(c.name)).map((c) => c.name)]),
    ];
    if (![...this.all()].some((level) => torn(level).length > 0)) return;
    this.reader.again(() => {
      const shown = this.inDetail();
      for (const level of this.all()) {
        const names = torn(level);
        level.failed.clear();
        if (shown.includes(level)) this.reader.read(level, names, this.wanted.weightOf);
        else for (const n of names) level.curves.delete(n);
      }
      this.fill();
    });
  }

  private changed(): void {
    this.listeners.each(call);
  }
}
