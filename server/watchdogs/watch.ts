import { betterOf } from '~/shared/columns';
import { mainMetric } from '~/shared/evaluations';
import type { Entry } from '~/shared/events';
import { rowCount, stepAt } from '~/shared/rows';
import type { Rows } from '~/shared/series';
import { mainSeries, type StreamHead, seriesOf, seriesOfRole, seriesWithRole } from '~/shared/streams';
import type { RunView } from '~/shared/view';
import type { Watchdog, WatchdogKind } from '~/shared/watchdogs';
import { openRule, type Rule, type Seen } from './rules';

/** A rule has fired: at which step, and the evidence in one sentence. */
export interface Firing {
  kind: WatchdogKind;
  step: number;
  message: string;
}

/** Column indices in a stream's rows; null: not in this stream. */
interface Columns {
  width: number;
  loss: number | null;
  /** Further losses, such as those of a GAN. */
  losses: { name: string; at: number }[];
  gradNorm: number | null;
  main: number | null;
}

/** Watches one run, using the roles of its series. Pure: takes entries and the time, returns firings; the caller acts on them. */
export class Watch {
  readonly #rules: Rule[];
  readonly #fired = new Set<WatchdogKind>();
  #streams: RunView['streams'] | null = null;
  readonly #columns = new Map<string, Columns>();
  #lastLoss = Number.NaN;

  constructor(rules: readonly Watchdog[]) {
    this.#rules = rules.filter((r) => r.enabled).map(openRule);
  }

  /** @param view the run's view after the entry, for its series and their roles */
  entry(view: RunView, entry: Entry): Firing[] {
    const { event } = entry;
    if (event.type === 'run.assigned' || event.type === 'rewind') {
      for (const r of this.#rules) {
        if (!r.reset) continue;
        r.reset();
        this.#fired.delete(r.rule.kind);
      }
      return [];
    }
    if (event.type === 'status' && event.status === 'running') {
      for (const r of this.#rules) r.resumed?.();
      return [];
    }
    if (event.type === 'snapshot') {
      const entropy = event.signals.find((s) => s.role === 'entropy')?.values;
      if (!entropy) return [];
      const chance = chanceLoss(view);
      return this.#ask(event.step, (r) => r.snapshot?.(event.step, entropy, this.#lastLoss, chance));
    }
    if (event.type === 'evaluation') {
      const main = mainSeries(view) ? null : mainMetric(event);
      return main ? this.#ask(event.step, (r) => r.progress?.(event.step, { ...main, noisy: false })) : [];
    }
    return event.type === 'rows' ? this.#rows(view, event) : [];
  }

  #rows(view: RunView, event: Rows): Firing[] {
    const columns = this.#columnsOf(view, event.stream);
    if (!columns) return [];
    const { width, loss: lossAt, losses, gradNorm: gradNormAt, main: mainAt } = columns;
    if (lossAt === null && gradNormAt === null && mainAt === null && losses.length === 0) return [];
    const main = mainSeries(view);
    const measure = { name: main?.name ?? 'smoothed loss', better: main ? betterOf(main) : 'lower', noisy: !main } as const;
    const progressAt = main ? mainAt : view.best ? null : lossAt;
    const firings: Firing[] = [];
    for (let i = 0; i < rowCount(event); i++) {
      const value = (at: number | null) => (at === null ? undefined : event.values[i * width + at]!);
      const seen: Seen = { loss: value(lossAt), gradNorm: value(gradNormAt), losses: losses.map((l) => [l.name, value(l.at)!]) };
      if (seen.loss !== undefined) this.#lastLoss = seen.loss;
      const step = stepAt(event, i);
      firings.push(...this.#ask(step, (r) => r.row?.(step, seen)));
      const progress = value(progressAt);
      if (progress !== undefined) firings.push(...this.#ask(step, (r) => r.progress?.(step, { ...measure, value: progress })));
    }
    return firings;
  }

  #columnsOf(view: RunView, stream: string): Columns | undefined {
    if (this.#streams?.length !== view.streams.length || this.#streams.some((s, i) => s.columns !== view.streams[i]!.columns)) {
      this.#columns.clear();
      const of = (role: 'loss' | 'gradNorm') => seriesWithRole(view, role);
      const place = (s: StreamHead, series: ReturnType<typeof of>): number | null => {
        const i = series?.stream === s.name ? s.columns.findIndex((c) => c.name === series.name) : -1;
        return i < 0 ? null : (s.at?.[i] ?? i);
      };
      const loss = of('loss');
      const further = seriesOfRole(seriesOf(view), 'loss').filter((c) => c.name !== loss?.name);
      for (const s of view.streams)
        this.#columns.set(s.name, {
          width: s.width,
          loss: place(s, loss),
          losses: further.flatMap((c) => {
            const at = place(s, c);
            return at === null ? [] : [{ name: c.name, at }];
          }),
          gradNorm: place(s, of('gradNorm')),
          main: place(s, mainSeries(view)),
        });
    }
    this.#streams = view.streams;
    return this.#columns.get(stream);
  }

  /** Must be called about every second. @param freeBytes of the data folder's disk; null = not known */
  tick(view: RunView, now: number, freeBytes: number | null): Firing[] {
    return this.#ask(view.step, (r) => r.tick?.(view, now, freeBytes));
  }

  /** `undefined` = the rule does not use this kind of input; `null` = the condition has ended. */
  #ask(step: number, question: (r: Rule) => string | null | undefined): Firing[] {
    const firings: Firing[] = [];
    for (const r of this.#rules) {
      const message = question(r);
      if (message === undefined) continue;
      if (message === null) this.#fired.delete(r.rule.kind);
      else if (!this.#fired.has(r.rule.kind) || r.again?.(step)) {
        this.#fired.add(r.rule.kind);
        firings.push({ kind: r.rule.kind, step, message });
      }
    }
    return firings;
  }
}

/** Loss of a model that ignores its input; NaN where the run does not declare it: then no loss counts as near it. */
const chanceLoss = (view: RunView): number => seriesWithRole(view, 'loss')?.chance ?? Number.NaN;
