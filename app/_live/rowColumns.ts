import type { Curve } from '~/app/_charts/curve';
import { rowCount, stepAt, widthOf } from '~/shared/rows';
import type { StreamHead } from '~/shared/streams';
import type { Arrival } from './levels';

/** Where the values of each series stand in the rows of its stream. */
export class RowColumns {
  private readonly columns = new Map<string, { stream: string; index: number }>();

  /** Records the positions of series. A view lists only part of a run's series; positions of the others come with their rows. */
  learn(streams: readonly Pick<StreamHead, 'name' | 'columns' | 'at'>[]): void {
    for (const { name: stream, columns, at } of streams)
      for (const [i, { name }] of columns.entries()) this.columns.set(name, { stream, index: at?.[i] ?? i });
  }

  /** Adds the values of a curve's series; rows that the server left out tear the curve. */
  addTo(curve: Curve, arrival: Arrival): void {
    const column = this.columns.get(curve.name);
    const full = curve.toStep !== null && curve.lastStep >= curve.toStep;
    if (arrival.type === 'skipped') {
      const its = arrival.stream === null || !column || column.stream === arrival.stream;
      if (its && arrival.last > curve.lastStep && !full) curve.tear();
      return;
    }
    if (column?.stream !== arrival.stream || full) return;
    const count = rowCount(arrival);
    const width = widthOf(arrival);
    for (let k = 0; k < count; k++)
      curve.append(stepAt(arrival, k), arrival.values[k * width + column.index]!, arrival.times?.[k]);
  }
}
