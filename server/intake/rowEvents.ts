/** Converts logged rows, with any subset of names at a step, to events of a trainer: every series is a stream of its own. */
import { columnOf } from '~/server/base/namedSeries';
import type { StreamLookup } from '~/server/store/streamState';
import type { Refusal } from '~/shared/commands';
import type { TrainerEvent } from '~/shared/events';
import { refuse } from '~/shared/refusals';
import type { Series } from '~/shared/series';

export interface Row {
  step: number;
  /** ms since 1970. */
  at: number;
  values: (readonly [name: string, value: number])[];
}

/** @returns the events, or the invalid row: its step is not after the last one of the series */
export function rowEvents(
  streams: StreamLookup,
  rows: readonly Row[],
  column: (name: string) => Series = columnOf,
): TrainerEvent[] | Refusal {
  const series = new Map<string, { last: number | null; steps: number[]; times: number[]; values: number[] }>();
  const declarations: TrainerEvent[] = [];
  for (const [i, { step, at: time, values }] of rows.entries()) {
    const at = rows.length > 1 ? `${i}.` : '';
    for (const [name, value] of values) {
      let own = series.get(name);
      if (!own) {
        const owner = streams.owner(name);
        if (owner !== null && owner !== name)
          return refuse(
            'invalid',
            `${at}${name}: "${name}" is logged in stream "${owner}" by another way; give it another name`,
            name,
          );
        if (owner === null) declarations.push({ type: 'series', stream: name, columns: [column(name)] });
        own = { last: streams.stream(name)?.lastStep ?? null, steps: [], times: [], values: [] };
        series.set(name, own);
      }
      if (own.last !== null && step <= own.last)
        return refuse(
          'conflict',
          `${at}step: "${name}" has a value at step ${own.last} already; step ${step} does not come after it (to go back, rewind first)`,
          `${at}step`,
        );
      own.last = step;
      own.steps.push(step);
      own.times.push(time);
      own.values.push(value);
    }
  }
  const events = [...series].map(
    ([stream, { steps, times, values }]): TrainerEvent => ({
      type: 'rows',
      stream,
      steps: Float64Array.from(steps),
      times: Float64Array.from(times),
      values: Float64Array.from(values),
    }),
  );
  return [...declarations, ...events];
}
