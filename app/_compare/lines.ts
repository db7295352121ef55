import type { Curve } from '~/app/_charts/curve';
import { formatStep } from '~/app/_charts/format';
import type { LineSpec, Mark, MarkKind, PointSpec } from '~/app/_charts/types';
import { type ChartPlan, type OwnChart, planned } from '~/app/_live/chartPlan';
import { evaluationPoints, happeningsOf } from '~/app/_live/runMarks';
import { lineOf } from '~/app/_run/curves/chartLines';
import { chartKinds } from '~/app/_run/curves/mainCharts';
import { seriesOf } from '~/shared/streams';
import { type Axis, carried, type Place } from './align';
import type { Compared, ComparedRole } from './useCompared';

/** A chart of the page: some series of every run that has them. A run's color follows its position in the list. */
export interface CompareChart extends OwnChart {
  percent: boolean;
  /** Evaluation metrics that the chart shows too. */
  points?: 'accuracy';
}

/** Further runs have a color again, and dashed lines. */
const distinctColors = 8;

/** Limit on charts of series that runs share by name and that have no role; further ones are found by search. */
export const mostShared = 24;

/** Names of series that at least two of the runs have, except those with a chart of their role. */
export function sharedNames(runs: readonly Compared[]): string[] {
  const counts = new Map<string, number>();
  for (const { view, series } of runs) {
    const drawn = new Set(series.values());
    for (const s of seriesOf(view))
      if (!drawn.has(s.name) && s.role !== 'gradNormOf') counts.set(s.name, (counts.get(s.name) ?? 0) + 1);
  }
  return [...counts].flatMap(([name, count]) => (count > 1 ? [name] : []));
}

/**
 * The charts in the person's order: one for each role that a run has, one for each of these names, and those that the person made.
 * Until the first run has loaded, all roles are included.
 */
export function compareCharts(runs: readonly Compared[], names: readonly string[], plan: ChartPlan): CompareChart[] {
  const charts: CompareChart[] = chartKinds.flatMap(({ id, title }) => {
    const first = runs.flatMap((r) => r.series.get(id) ?? [])[0];
    const points =
      id === 'accuracy' && runs.some((r) => r.view.evaluations.some((e) => e.metrics.some((m) => m.role === id)))
        ? id
        : undefined;
    if (first === undefined && points === undefined && runs.length > 0) return [];
    const series = first === undefined ? [] : [first];
    return [{ id, title, series, range: [null, null], percent: id === 'accuracy', ...(points && { points }) }];
  });
  for (const name of names)
    charts.push({ id: `series ${name}`, title: name, series: [name], range: [null, null], percent: false });
  const changed = charts.map((c) => ({ ...c, ...plan.own.find((own) => own.id === c.id) }));
  const made = plan.own.filter((own) => !charts.some((c) => c.id === own.id)).map((own) => ({ ...own, percent: false }));
  return planned(plan, [...changed, ...made]);
}

/** A run's own series for a name in a chart: the one with the same role, whatever its name; else the one with this name. */
export function ownSeries(runs: readonly Compared[]): (run: Compared, name: string) => string | undefined {
  const roles = new Map(runs.flatMap((r) => [...r.series].map(([role, name]): [string, ComparedRole] => [name, role])));
  return ({ view, series }, name) => {
    const role = roles.get(name);
    return (role && series.get(role)) ?? (seriesOf(view).some((s) => s.name === name) ? name : undefined);
  };
}

export type Names = ReadonlyMap<string, string>;

/** Display names; runs with equal names get their id added. */
export function namesOf(runs: readonly Compared[]): Names {
  return new Map(
    runs.map(({ runId, view }) => {
      const { name } = view.setup;
      return [runId, runs.some((r) => r.runId !== runId && r.view.setup.name === name) ? `${name} (${runId})` : name];
    }),
  );
}

/**
 * Names for legends, which have little room: without the parts, separated by colons or commas, with which all begin or end, such as the
 * name that the runs of a sweep share. At least one part stays.
 */
export function legendNames(named: Names): Names {
  let parts = [...named.values()].map((name) => name.split(/(?<=[:,]) /));
  const share = (at: 0 | -1) => parts.length > 1 && parts.every((p) => p.length > 1 && p.at(at) === parts[0]!.at(at));
  while (share(0)) parts = parts.map((p) => p.slice(1));
  while (share(-1)) parts = parts.map((p) => [...p.slice(0, -2), p.at(-2)!.replace(/[:,]$/, '')]);
  return new Map([...named.keys()].map((runId, i) => [runId, parts[i]!.join(' ')]));
}

export function linesOf(
  runs: readonly Compared[],
  axis: Axis,
  { series }: CompareChart,
  named: Names,
  colorOf: (runId: string) => number,
): LineSpec[] {
  const own = ownSeries(runs);
  return runs.flatMap((run): LineSpec[] => {
    const place = axis.place(run.runId);
    const names = [...new Set(series.flatMap((name) => own(run, name) ?? []))];
    if (!place) return [];
    const color = colorOf(run.runId);
    return names.map((name, i) => {
      const exact = run.series.get('learningRate') === name;
      const label = series.length > 1 ? `${named.get(run.runId)} ${name}` : named.get(run.runId)!;
      const look = { name, label, color, dashed: color >= distinctColors || i > 0, smoothed: !exact, thin: exact };
      return carriedLine({ ...lineOf(run.history, look), name: `${run.runId} ${name}` }, place);
    });
  });
}

/** A line of a run's own steps on the common axis. */
function carriedLine(line: LineSpec, place: Place): LineSpec {
  const { curve, whole, early, exact, average } = line;
  const ownStep = (placed: number) => Math.round(place.back(placed));
  const carry = (of: Curve | null | undefined) => (of ? carriedOnce(of, place) : null);
  return {
    ...line,
    curve: () => carry(curve()),
    whole: () => carry(whole?.()),
    early: () => early?.().map((of) => carriedOnce(of, place)) ?? [],
    exact: (placed) => {
      const row = exact?.(ownStep(placed));
      return row && { ...row, step: place.of(row.step) };
    },
    average: (placed) => average?.(ownStep(placed)),
  };
}

const made = new WeakMap<Curve, { version: number; place: Place; out: Curve }>();

/** Converts a curve to the axis, and caches the result for each state of the curve. */
function carriedOnce(curve: Curve, place: Place): Curve {
  const last = made.get(curve);
  if (last?.version === curve.version && last.place === place) return last.out;
  const out = carried(curve, place);
  made.set(curve, { version: curve.version, place, out });
  return out;
}

/** Evaluation results of each run: one line per split and metric with that role. */
export function pointsOf(
  runs: readonly Compared[],
  axis: Axis,
  what: 'accuracy',
  named: Names,
  colorOf: (runId: string) => number,
): PointSpec[] {
  return runs.flatMap(({ runId, view }) => {
    const place = axis.place(runId);
    if (!place) return [];
    return evaluationPoints(view.evaluations, (m) => m.role === what)
      .filter((p) => p.points.length > 1)
      .map((p) => ({
        name: `${runId} ${p.name}`,
        label: `${named.get(runId)} ${p.label}`,
        ...(colorOf(runId) < distinctColors && { short: p.label }),
        color: colorOf(runId),
        points: p.points.map(({ step, value }) => ({
          step: Math.round(place.of(step)),
          value,
          note: `step ${formatStep(step)}`,
        })),
      }));
  });
}

/** Kinds of a run's marks that are shown among those of other runs: what people did, and what went wrong. */
const shownMarks: ReadonlySet<MarkKind> = new Set(['command', 'refused', 'alert', 'status', 'note']);

/** The marks of every run in its color, and where a branch leaves its parent, if the parent is on the page too. */
export function comparedMarks(runs: readonly Compared[], axis: Axis, named: Names, colorOf: (runId: string) => number): Mark[] {
  return runs.flatMap(({ runId, view }) => {
    const { parent } = view;
    const place = axis.place(runId);
    if (!place) return [];
    const step = (own: number) => Math.round(place.of(own));
    const marks: Mark[] = happeningsOf(view)
      .marks.filter((m) => shownMarks.has(m.kind))
      .map((m) => ({
        ...m,
        id: `${runId} ${m.id}`,
        step: step(m.step),
        label: `${named.get(runId)}: ${m.label}`,
        color: colorOf(runId),
        line: false,
      }));
    if (parent && named.has(parent.runId))
      marks.push({
        id: `fork ${runId}`,
        step: step(parent.step),
        kind: 'status',
        label: `${named.get(runId)} leaves ${named.get(parent.runId)}`,
        detail: `its step ${formatStep(parent.step)}`,
        color: 'accent',
        line: true,
      });
    return marks;
  });
}
