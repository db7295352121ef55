import type { Curve } from '~/app/_charts/curve';
import type { LineSpec, Mark, PointSpec } from '~/app/_charts/types';
import { evaluationPoints } from '~/app/_live/runMarks';
import { seriesOf } from '~/shared/streams';
import { type Axis, carried, type Place } from './align';
import type { Compared, ComparedRole } from './useCompared';

/** A chart of the page; a run's color follows its position in the list. */

export interface CompareChart {
  title: string;
  percent?: boolean;
  smoothed: boolean;
  /** Evaluation metrics that the chart shows too. */
  points?: 'accuracy';
  /** Name of the run's series that the chart draws; undefined = the run has none. */
  of(run: Compared): string | undefined;
}

const byRole = (role: ComparedRole) => (run: Compared) => run.series.get(role);
const roleCharts: readonly CompareChart[] = [
  { title: 'Loss', smoothed: true, of: byRole('loss') },
  { title: 'Accuracy', percent: true, smoothed: true, points: 'accuracy', of: byRole('accuracy') },
  { title: 'Gradient norm', smoothed: true, of: byRole('gradNorm') },
  { title: 'Learning rate', smoothed: false, of: byRole('learningRate') },
];

/** Limit on charts of series that runs share by name and that have no role; further ones are left out and counted. */
export const SHARED_CHARTS = 24;

/** Names of series that at least two of the runs have, except those that a chart above draws. */
export function sharedNames(runs: readonly Compared[]): string[] {
  const counts = new Map<string, number>();
  for (const { view, series } of runs) {
    const drawn = new Set(series.values());
    for (const s of seriesOf(view))
      if (!drawn.has(s.name) && s.role !== 'gradNormOf') counts.set(s.name, (counts.get(s.name) ?? 0) + 1);
  }
  return [...counts].flatMap(([name, count]) => (count > 1 ? [name] : []));
}

/** One chart for each role that a run has, then one for each name. Until the first run has loaded, all roles are included. */
export function compareCharts(runs: readonly Compared[], names: readonly string[]): CompareChart[] {
  const has = (chart: CompareChart) => runs.some((r) => chart.of(r) !== undefined);
  const named = names.map(
    (name): CompareChart => ({
      title: name,
      smoothed: true,
      of: ({ view }) => (seriesOf(view).some((s) => s.name === name) ? name : undefined),
    }),
  );
  const points = (chart: CompareChart) =>
    chart.points !== undefined &&
    runs.some((r) => r.view.evaluations.some((e) => e.metrics.some((m) => m.role === chart.points)));
  return [...roleCharts.filter((c) => runs.length === 0 || has(c) || points(c)), ...named];
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

export function linesOf(
  runs: readonly Compared[],
  axis: Axis,
  { of, smoothed }: CompareChart,
  named: Names,
  colorOf: (runId: string) => number,
): LineSpec[] {
  return runs.flatMap((run): LineSpec[] => {
    const { runId, history } = run;
    const place = axis.place(runId);
    const series = of(run);
    if (!place || series === undefined) return [];
    const color = colorOf(runId);
    const ownStep = (placed: number) => Math.round(place.back(placed));
    return [
      {
        name: runId,
        label: named.get(runId)!,
        color,
        dashed: color >= 8,
        smoothed,
        thin: !smoothed,
        curve: carrier(() => history.curve(series), place),
        whole: carrier(() => history.wholeCurve(series), place),
        early: () => history.earlyCurves(series).map((curve) => carriedOnce(curve, place)),
        exact: (placed) => {
          const row = history.exact(series, ownStep(placed));
          return row && { ...row, step: place.of(row.step) };
        },
        average: (placed) => history.average(series, ownStep(placed)),
      },
    ];
  });
}

const carrier = (curve: () => Curve | null, place: Place) => () => {
  const of = curve();
  return of && carriedOnce(of, place);
};

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
        color: colorOf(runId),
        points: p.points.map(({ step, value }) => ({ step: Math.round(place.of(step)), value, note: `step ${step}` })),
      }));
  });
}

/** Marks where a branch leaves its parent, if the parent is on the page too. */
export function forksOf(runs: readonly Compared[], axis: Axis, named: Names): Mark[] {
  return runs.flatMap(({ runId, view }) => {
    const { parent } = view;
    const place = axis.place(runId);
    if (!parent || !place || !named.has(parent.runId)) return [];
    return [
      {
        id: `fork ${runId}`,
        step: Math.round(place.of(parent.step)),
        kind: 'status' as const,
        label: `${named.get(runId)} leaves ${named.get(parent.runId)}`,
        detail: `its step ${parent.step}`,
        color: 'accent' as const,
        line: true,
      },
    ];
  });
}
