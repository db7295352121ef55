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
