import type { LineSpec } from '~/app/_charts/types';
import type { History } from '~/app/_live/history';
import type { Series } from '~/shared/series';

/** Which series a line shows, and how; without its numbers. */
export type LineLook = Omit<LineSpec, 'curve' | 'early' | 'whole' | 'exact' | 'average'>;

/** A chart line that reads a series of the run on the page. */
export const lineOf = (history: History, look: LineLook): LineSpec => ({
  ...look,
  curve: () => history.curve(look.name),
  whole: () => history.wholeCurve(look.name),
  early: () => history.earlyCurves(look.name),
  exact: (step) => history.exact(look.name, step),
  average: (step) => history.average(look.name, step),
});

/** "transformer.layers.0.norm1.weight" -> "L1 norm1.weight": layers count from 1 on screen. */
export const parameterLabel = (name: string): string =>
  name.replace(/^transformer\.layers\.(\d+)\./, (_, layer: string) => `L${Number(layer) + 1} `);

/** Name of a series on screen: for a norm of one parameter, that parameter; otherwise the series' own name. */
export const seriesLabel = ({ role, of, name }: Pick<Series, 'role' | 'of' | 'name'>): string =>
  role === 'gradNormOf' && of ? parameterLabel(of) : name;
