import { z } from 'zod';
import { exactName } from './ids';
import { isTime, timeWish } from './times';

/**
 * What a run measures. A *series* is one number over the steps. Series that are logged together form a *stream*: a row of a stream has a step, a time and one value for
 * each of its series. A series that has no value at a step has no row there (absent); NaN and infinities are values.
 */

/** The meaning of a series to views and rules, whatever its name. */
export const seriesRole = z.enum([
  'loss',
  'accuracy',
  'learningRate',
  'baseLearningRate',
  'gradNorm',
  'gradNormOf', // of one parameter, named in `of`
  'clipThreshold',
  'clipped',
  'epoch',
  'stepsPerSecond',
  'stepMs',
]);
export type SeriesRole = z.infer<typeof seriesRole>;

export const better = z.enum(['lower', 'higher']);
export type Better = z.infer<typeof better>;

export const seriesName = exactName(512);
export const streamName = exactName(512);

export const series = z.strictObject({
  name: seriesName,
  unit: z.string().max(32).optional(),
  /** Orders and groups charts: "loss", "gradient norm per parameter", ... */
  group: z.string().max(128).optional(),
  role: seriesRole.optional(),
  /** `gradNormOf`: the parameter's name. */
  of: z.string().max(512).optional(),
  better: better.optional(),
  /** Its value for a model that answers without looking at its input; left out: not known. */
  chance: z.number().optional(),
  /** The number that says how good the run is. */
  main: z.boolean().optional(),
  /** Can be used as an x axis. */
  x: z.boolean().optional(),
});
export type Series = z.infer<typeof series>;

export const MAX_COLUMNS = 4096;
export const streamSpec = z.strictObject({ stream: streamName, columns: z.array(series).min(1).max(MAX_COLUMNS) });
export type StreamSpec = z.infer<typeof streamSpec>;

/** Declares a stream; repeating the declaration changes nothing. A series belongs to one stream of its run. */
export const seriesDeclared = z.strictObject({ type: z.literal('series'), ...streamSpec.shape });
export type SeriesDeclared = z.infer<typeof seriesDeclared>;

/** Step of a row: any safe integer. */
export const rowStep = z.int();
export const MAX_ROWS = 65_536;
const doubles = z.custom<Float64Array>((v) => v instanceof Float64Array, 'a Float64Array is needed');

/** Rows of one stream, steps ascending. Takes one seq per row. */
export const rows = z
  .strictObject({
    type: z.literal('rows'),
    stream: streamName,
    /** A range of consecutive steps, or each step. */
    steps: z.union([z.strictObject({ first: rowStep, count: z.int().positive().max(MAX_ROWS) }), doubles]),
    /** [count], ms since 1970; left out: the time of the server's commit. */
    times: doubles.optional(),
    /** [count, columns], row-major. */
    values: doubles,
  })
  .superRefine((event, context) => {
    const wrong = rowsError(event);
    if (wrong) context.addIssue({ code: 'custom', ...wrong });
  });
export type Rows = z.infer<typeof rows>;

function rowsError({
  steps,
  times,
  values,
}: Pick<Rows, 'steps' | 'times' | 'values'>): { path: string[]; message: string } | null {
  const count = steps instanceof Float64Array ? steps.length : steps.count;
  if (count === 0) return { path: ['steps'], message: 'at least one row is needed' };
  if (count > MAX_ROWS) return { path: ['steps'], message: `${count} rows are more than the ${MAX_ROWS} of one event` };
  if (steps instanceof Float64Array) {
    for (let i = 0; i < steps.length; i++) {
      if (!Number.isSafeInteger(steps[i]))
        return { path: ['steps'], message: `row ${i}: ${steps[i]} is not a step; give a whole number` };
      if (i > 0 && steps[i]! <= steps[i - 1]!)
        return { path: ['steps'], message: `row ${i}: step ${steps[i]} does not come after step ${steps[i - 1]}` };
    }
  } else if (!Number.isSafeInteger(steps.first + (count - 1)))
    return { path: ['steps'], message: `step ${steps.first} + ${count - 1} is more than 2^53 - 1` };
  if (times && times.length !== count)
    return { path: ['times'], message: `${count} rows need ${count} times, got ${times.length}` };
  const wrong = times?.find((t) => !isTime(t));
  if (wrong !== undefined) return { path: ['times'], message: `${timeWish}, not ${wrong}` };
  if (values.length % count !== 0 || values.length === 0)
    return { path: ['values'], message: `${values.length} numbers are not ${count} rows of one length` };
  return null;
}
