import type { PointSpec } from '~/app/_charts/types';
import { type ChartPlan, type OwnChart, planned } from '~/app/_live/chartPlan';
import { evaluationPoints } from '~/app/_live/runMarks';
import type { Series, SeriesRole } from '~/shared/series';
import { seriesOfRole } from '~/shared/streams';
import type { WithLists } from '~/shared/view';
import type { LineLook } from './chartLines';

/** A chart at the top of the page. */
export interface MainChart {
  /** Does not change during the run. */
  id: string;
  title: string;
  lines: readonly LineLook[];
  points: readonly PointSpec[];
  percent: boolean;
  /** Whether the chart shows the clip threshold. */
  clip: boolean;
  range?: OwnChart['range'];
  /** Series of a person's chart that the run does not have: the chart was made for another run, or comes with a link. */
  missing?: readonly string[];
}

/** Largest number of lines in a chart; the other series stay in their groups. */
const MOST_LINES = 12;

/** Roles that share a chart, in the order of the page. A role without a series or metric in the run has no chart. */
export const chartKinds = [
  { id: 'loss', title: 'Loss', roles: ['loss'], color: 0 },
  { id: 'accuracy', title: 'Accuracy', roles: ['accuracy'], color: 0 },
  { id: 'gradNorm', title: 'Gradient norm', roles: ['gradNorm'], color: 3 },
  { id: 'learningRate', title: 'Learning rate', roles: ['baseLearningRate', 'learningRate'], color: 2, exact: true },
] as const satisfies readonly { id: SeriesRole; title: string; roles: readonly SeriesRole[]; color: number; exact?: true }[];

/** Charts at the top of the page, by the roles of the series: loss, accuracy, gradient norm and learning rate, then main series without such a role. */
export function mainCharts(series: readonly Series[], evaluations: WithLists['evaluations']): MainChart[] {
  const charts: MainChart[] = [];
  for (const kind of chartKinds) {
    const exact = 'exact' in kind;
    const members = kind.roles.flatMap((role) => seriesOfRole(series, role)).slice(0, MOST_LINES);
    const points = evaluationPoints(evaluations, (m) => m.role === kind.id);
    if (members.length === 0 && points.length === 0) continue;
    charts.push({
      id: kind.id,
      title: kind.title,
      lines: members.map((s, i) => lineLook(s, kind.color + i, exact)),
      points,
      percent: kind.id === 'accuracy' && members.every((s) => !s.unit),
      clip: kind.id === 'gradNorm',
    });
  }
  const drawn = drawnIn(charts);
  for (const s of series) if (s.main && !drawn.has(s.name)) charts.push({ ...plain(s.name, []), lines: [lineLook(s, 0, false)] });
  return charts;
}

/** A chart for every evaluation metric that the main charts do not show; main metrics come first. */
export function metricCharts(evaluations: WithLists['evaluations']): MainChart[] {
  const main = new Map<string, boolean>();
  for (const e of evaluations)
    for (const m of e.metrics) if (m.role === undefined) main.set(m.name, (main.get(m.name) ?? false) || m.main === true);
  return [...main]
    .sort(([, a], [, b]) => Number(b) - Number(a))
    .map(([name]) =>
      plain(
        name,
        evaluationPoints(evaluations, (m) => m.role === undefined && m.name === name),
      ),
    );
}

const plain = (name: string, points: readonly PointSpec[]): MainChart => ({
  id: `${points.length > 0 ? 'metric' : 'series'} ${name}`,
  title: name,
  lines: [],
  points,
  percent: false,
  clip: false,
});

/** A planned value is not smoothed, and is dashed to differ from the value in effect. */
function lineLook({ name, role }: Series, color: number, exact: boolean): LineLook {
  if (!exact) return { name, label: name, color, smoothed: true };
  return role === 'baseLearningRate'
    ? { name, label: name, color: 7, dashed: true, thin: true }
    : { name, label: name, color, thin: true };
}

/** Applies a person's plan: adds custom charts, or replaces charts of the page with them. */
export function ownCharts(plan: ChartPlan, charts: readonly MainChart[], series: readonly Series[]): MainChart[] {
  const own = (chart: OwnChart): MainChart => {
    const base = charts.find((c) => c.id === chart.id) ?? plain(chart.title, []);
    const lines = chart.series.flatMap((name) => series.find((s) => s.name === name) ?? []);
    return {
      ...base,
      id: chart.id,
      title: chart.title,
      range: chart.range,
      missing: chart.series.filter((name) => !lines.some((s) => s.name === name)),
      lines: lines.map((s, i) => base.lines.find((l) => l.name === s.name) ?? lineLook(s, i, false)),
      percent: lines.length > 0 ? lines.every((s) => s.role === 'accuracy' && !s.unit) : base.percent,
    };
  };
  const changed = charts.map((c) => {
    const mine = plan.own.find((o) => o.id === c.id);
    return mine ? own(mine) : c;
  });
  const made = plan.own.filter((o) => !charts.some((c) => c.id === o.id)).map(own);
  return planned(plan, [...changed, ...made]);
}

/** Why a chart of these series draws nothing. */
export const noSuchSeries = (names: readonly string[]): string =>
  `There is no series ${names.slice(0, 3).join(', ')}${names.length > 3 ? ` and ${names.length - 3} more` : ''} here.`;

/** Names of the series that these charts draw. */
export const drawnIn = (charts: readonly MainChart[]): ReadonlySet<string> =>
  new Set(charts.flatMap((c) => c.lines.map((l) => l.name)));
