import { type ChartChoices, chartDefaults, chartParams, fromChartParams } from '~/app/_live/chartSettings';
import { type Comparison, decodeComparison, encodeComparison } from '~/app/_live/comparison';
import { rangeOf } from '~/app/_live/urlState';
import { type Alignment, alignments } from './align';

export const mostCompared = 10;

/** How the charts are shown: as on a run's page, but for the axis. */
export interface CompareChoices extends Omit<ChartChoices, 'x'> {
  x: Alignment;
  /** Text as typed; '' = the lowest loss that all runs have reached. */
  level: string;
}

/** The state that a link to the page carries. */
export interface CompareView {
  runs: readonly string[];
  choices: CompareChoices;
  /** In positions on the common axis. */
  zoom: [number, number] | null;
  attention: Comparison | null;
}

export const compareDefaults: CompareChoices = { ...chartDefaults, x: 'step', level: '' };

/** The page's address; values equal to their defaults are left out. */
export function compareLink({ runs, choices, zoom, attention }: CompareView): string {
  const { x, level, ...charts } = choices;
  const params = new URLSearchParams(chartParams({ ...charts, x: 'step' }));
  if (x !== compareDefaults.x) params.set('x', x);
  if (level !== compareDefaults.level) params.set('level', level);
  if (zoom) params.set('zoom', zoom.join('-'));
  if (attention) params.set('attention', encodeComparison(attention));
  const rest = params.toString();
  // Run ids stay readable, with commas between them.
  return `/compare?runs=${runs.join(',')}${rest && `&${rest}`}`;
}

/** The inverse of compareLink; invalid values get their defaults. */
export function fromCompareLink(params: { get(name: string): string | null }): CompareView {
  return {
    runs: [...new Set((params.get('runs') ?? '').split(',').filter(Boolean))].slice(0, mostCompared),
    choices: {
      ...fromChartParams(params),
      x: alignments.find((a) => a === params.get('x')) ?? compareDefaults.x,
      level: params.get('level') ?? compareDefaults.level,
    },
    zoom: rangeOf(params.get('zoom')),
    attention: decodeComparison(params.get('attention') ?? ''),
  };
}
