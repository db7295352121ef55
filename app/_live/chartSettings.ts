import type { XKind } from '~/app/_charts/xMap';
import { type ChartPlan, decodePlan, encodePlan, noPlan } from './chartPlan';
import { useSelected } from './select';
import { createStore, type Store } from './store';

/** The x axis: steps, epochs, time, or a series of the run ("series:tokens"); steps if the run lacks that series. */
export type XChoice = Exclude<XKind, 'series'> | `series:${string}`;
const plain: readonly XChoice[] = ['step', 'epoch', 'relative', 'wall'];
const isXChoice = (text: string | null): text is XChoice =>
  text !== null && (plain.some((p) => p === text) || (text.startsWith('series:') && text.length > 7));

export const kindOf = (x: XChoice): XKind => (x.startsWith('series:') ? 'series' : (x as XKind));
export const xSeriesOf = (x: XChoice): string | null => (x.startsWith('series:') ? x.slice(7) : null);
export const seriesChoice = (name: string): XChoice => `series:${name}`;

/** Display settings of all charts of the page. Part of the page's address (chartParams), so that a link shows the same view. */
export interface ChartChoices {
  /** Approximate rows in the moving average; 0 = none, null = derived from the length of the run (smoothingFor). */
  smoothSteps: number | null;
  log: boolean;
  /** Logarithmic x axis; ignored for clock time. */
  logX: boolean;
  robust: boolean;
  x: XChoice;
  /** A regular expression on series names; '' = all. */
  search: string;
  /** Groups of series that are not in their initial state: folded, or unfolded if nothing else would be visible. */
  open: readonly string[];
  gradients: 'lines' | 'map';
  plan: ChartPlan;
}

export const chartDefaults: ChartChoices = {
  smoothSteps: null,
  log: false,
  logX: false,
  robust: false,
  x: 'step',
  search: '',
  open: [],
  gradients: 'map',
  plan: noPlan,
};

/** Shorter runs are not smoothed: an average would hide most of the run. */
const shortRows = 200;
/** Rows that the moving average covers. @param rows approximate number of rows of the run */
export const smoothingFor = ({ smoothSteps }: Pick<ChartChoices, 'smoothSteps'>, rows: number): number =>
  smoothSteps ?? (rows < shortRows ? 0 : 10);

/** Weight of the old average; the newest value has weight 1 / smoothSteps. */
export const smoothingWeight = (smoothSteps: number): number => (smoothSteps > 1 ? 1 - 1 / smoothSteps : 0);

/** Values of the smoothing slider. */
export const smoothStops = [0, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000] as const;

/** The tab's chart settings. */
export const chartChoices: Store<ChartChoices> = createStore(chartDefaults);
export const useChartChoices = <T>(select: (c: ChartChoices) => T): T => useSelected(chartChoices, select);

/** As query parameters; values equal to their defaults are left out. */
export function chartParams(c: ChartChoices): Record<string, string> {
  const out: Record<string, string> = {};
  if (c.smoothSteps !== chartDefaults.smoothSteps) out.smooth = String(c.smoothSteps);
  if (c.log) out.log = '1';
  if (c.logX) out.logx = '1';
  if (c.robust) out.robust = '1';
  if (c.x !== chartDefaults.x) out.x = c.x;
  if (c.search) out.find = c.search;
  if (c.open.length > 0) out.open = c.open.map(encodeURIComponent).join(',');
  if (c.gradients !== chartDefaults.gradients) out.gradients = c.gradients;
  const plan = encodePlan(c.plan);
  if (plan) out.charts = plan;
  return out;
}

/** The inverse of chartParams; an invalid parameter gets its default. */
export function fromChartParams(params: { get(name: string): string | null }): ChartChoices {
  const smooth = Number(params.get('smooth') ?? Number.NaN);
  const x = params.get('x');
  return {
    smoothSteps: Number.isInteger(smooth) && smooth >= 0 && smooth <= 1e6 ? smooth : chartDefaults.smoothSteps,
    log: params.get('log') === '1',
    logX: params.get('logx') === '1',
    robust: params.get('robust') === '1',
    x: isXChoice(x) ? x : chartDefaults.x,
    search: params.get('find') ?? '',
    open: (params.get('open') ?? '').split(',').filter(Boolean).map(safeDecode),
    gradients: params.get('gradients') === 'lines' ? 'lines' : 'map',
    plan: decodePlan(params.get('charts')),
  };
}

export const saysCharts = (params: { has(name: string): boolean }): boolean =>
  ['smooth', 'log', 'logx', 'robust', 'x', 'find', 'open', 'gradients', 'charts'].some((name) => params.has(name));

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
