import type { LineSpec } from '../_charts/types';
import type { History } from '../_live/history';

/** A chart line that reads a series of the page's run. */
export function lineOf(history: History, series: string, rest: Omit<LineSpec, 'name' | 'curve' | 'whole' | 'exact'>): LineSpec {
  return {
    name: series,
    ...rest,
    curve: () => history.curve(series),
    whole: () => history.wholeCurve(series),
    exact: (step) => history.exact(series, step),
  };
}

/** "transformer.layers.0.norm1.weight" -> "L1 norm1.weight": layers count from 1 on screen. */
export const parameterLabel = (name: string): string =>
  name.replace(/^transformer\.layers\.(\d+)\./, (_, layer: string) => `L${Number(layer) + 1} `);
