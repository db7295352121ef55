import type { Curve } from '~/app/_charts/curve';
import type { LineSpec, Mark, PointSpec } from '~/app/_charts/types';
import { type Axis, carried, type Place } from './align';
import type { Compared, ComparedSeries } from './useCompared';

/** What the charts of the page show; colours are the runs' places in the list. */

export interface CompareChart {
  series: ComparedSeries;
  title: string;
  percent?: boolean;
  smoothed: boolean;
  points?: 'accuracy';
}

export const compareCharts: readonly CompareChart[] = [
  { series: 'loss', title: 'Loss', smoothed: true },
  { series: 'accuracy', title: 'Accuracy', percent: true, smoothed: true, points: 'accuracy' },
  { series: 'gradNorm', title: 'Gradient norm', smoothed: true },
  { series: 'learningRate', title: 'Learning rate', smoothed: false },
];

export type Names = ReadonlyMap<string, string>;

/** Runs of the same name get their id beside it. */
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
  { series, smoothed }: CompareChart,
  named: Names,
  colourOf: (runId: string) => number,
): LineSpec[] {
  return runs.flatMap(({ runId, history }): LineSpec[] => {
    const place = axis.place(runId);
    if (!place) return [];
    const color = colourOf(runId);
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
        exact: (placed) => history.exact(series, ownStep(placed)),
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

/** Carries a curve to the axis, once for each of its states. */
function carriedOnce(curve: Curve, place: Place): Curve {
  const last = made.get(curve);
  if (last?.version === curve.version && last.place === place) return last.out;
  const out = carried(curve, place);
  made.set(curve, { version: curve.version, place, out });
  return out;
}

/** Validation results of each run. */
export function pointsOf(
  runs: readonly Compared[],
  axis: Axis,
  what: 'accuracy',
  named: Names,
  colourOf: (runId: string) => number,
): PointSpec[] {
  return runs.flatMap(({ runId, view }) => {
    const place = axis.place(runId);
    const found = view.evaluations.filter((e) => e.split === 'validation');
    if (!place || found.length === 0) return [];
    return [
      {
        name: `${runId} validation`,
        label: `${named.get(runId)} validation`,
        color: colourOf(runId),
        points: found.map((e) => ({ step: Math.round(place.of(e.step)), value: e[what], note: `step ${e.step}` })),
      },
    ];
  });
}

/** Where a branch leaves a parent that is on the page too. */
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
