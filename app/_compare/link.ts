import { type Comparison, decodeComparison, encodeComparison } from '~/app/_live/comparison';
import { alignments } from './align';
import type { CompareChoices } from './CompareControls';

export const mostCompared = 10;

/** The state that a link to the page carries. */
export interface CompareView {
  runs: readonly string[];
  choices: CompareChoices;
  /** In positions on the common axis. */
  zoom: [number, number] | null;
  attention: Comparison | null;
}

const defaults: CompareChoices = { x: 'step', level: '', smoothSteps: 10, log: false, logX: false, robust: false };

/** The page's address; values equal to their defaults are left out. */
export function compareLink({ runs, choices, zoom, attention }: CompareView): string {
  const params = new URLSearchParams();
  const { x, level, smoothSteps, log, logX, robust } = choices;
  if (x !== defaults.x) params.set('x', x);
  if (level !== defaults.level) params.set('level', level);
  if (smoothSteps !== defaults.smoothSteps) params.set('smooth', String(smoothSteps));
  if (log) params.set('log', '1');
  if (logX) params.set('logx', '1');
  if (robust) params.set('robust', '1');
  if (zoom) params.set('zoom', zoom.join('-'));
  if (attention) params.set('attention', encodeComparison(attention));
  const rest = params.toString();
  // Run ids stay readable, with commas between them.
  return `/compare?runs=${runs.join(',')}${rest && `&${rest}`}`;
}

/** The inverse of compareLink; invalid values get their defaults. */
export function fromCompareLink(params: { get(name: string): string | null }): CompareView {
  const smooth = Number(params.get('smooth') ?? Number.NaN);
  const zoom = /^(\d+)-(\d+)$/
    .exec(params.get('zoom') ?? '')
    ?.slice(1)
    .map(Number) as [number, number] | undefined;
  return {
    runs: [...new Set((params.get('runs') ?? '').split(',').filter(Boolean))].slice(0, mostCompared),
    choices: {
      x: alignments.find((a) => a === params.get('x')) ?? defaults.x,
      level: params.get('level') ?? defaults.level,
      smoothSteps: Number.isInteger(smooth) && smooth >= 0 && smooth <= 1e6 ? smooth : defaults.smoothSteps,
      log: params.get('log') === '1',
      logX: params.get('logx') === '1',
      robust: params.get('robust') === '1',
    },
    zoom: zoom && zoom[0] < zoom[1] ? zoom : null,
    attention: decodeComparison(params.get('attention') ?? ''),
  };
}
