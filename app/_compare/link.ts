import { type ChartChoices, chartDefaults, chartParams, fromChartParams } from '~/app/_live/chartSettings';
import { comparePage, mostCompared } from '~/app/_live/comparePage';
import { type Comparison, decodeComparison, encodeComparison } from '~/app/_live/comparison';
import { rangeOf } from '~/app/_live/urlState';
import { type Alignment, alignments } from './align';

/** How the charts are shown: as on a run's page, but for the axis. */
export interface CompareChoices extends Omit<ChartChoices, 'x'> {
  x: Alignment;
  /** Text as typed; '' = the lowest loss that all runs have reached. */
  level: string;
}

/** The state that a link to the page carries. */
export interface CompareView {
  /** A run's position is its color; '' = the position of a run that was left out, so that the others keep theirs. */
  runs: readonly string[];
  choices: CompareChoices;
  /** In positions on the common axis. */
  zoom: [number, number] | null;
  attention: Comparison | null;
}

export const compareDefaults: CompareChoices = { ...chartDefaults, x: 'step', level: '' };

/** Takes the first free position, that of a run that was left out before. */
export const withRun = (runs: readonly string[], runId: string): string[] => {
  const free = runs.indexOf('');
  return free < 0 ? [...runs, runId] : runs.with(free, runId);
};

/** The other runs keep their positions. */
export const withoutRun = (runs: readonly string[], runId: string): string[] => {
  const left = runs.map((id) => (id === runId ? '' : id));
  return left.slice(0, left.findLastIndex((id) => id !== '') + 1);
};

/** The page's address; values equal to their defaults are left out. */
export function compareLink({ runs, choices, zoom, attention }: CompareView): string {
  const { x, level, ...charts } = choices;
  const params = new URLSearchParams(chartParams({ ...charts, x: 'step' }));
  if (x !== compareDefaults.x) params.set('x', x);
  if (level !== compareDefaults.level) params.set('level', level);
  if (zoom) params.set('zoom', zoom.join('-'));
  if (attention) params.set('attention', encodeComparison(attention));
  const rest = params.toString();
  return `${comparePage(runs)}${rest && `&${rest}`}`;
}

/** The inverse of compareLink; invalid values get their defaults. */
export function fromCompareLink(params: { get(name: string): string | null }): CompareView {
  const runs = params.get('runs')?.split(',') ?? [];
  return {
    runs: withoutRun(runs.filter((id, i) => id === '' || runs.indexOf(id) === i).slice(0, mostCompared), ''),
    choices: {
      ...fromChartParams(params),
      x: alignments.find((a) => a === params.get('x')) ?? compareDefaults.x,
      level: params.get('level') ?? compareDefaults.level,
    },
    zoom: rangeOf(params.get('zoom')),
    attention: decodeComparison(params.get('attention') ?? ''),
  };
}
