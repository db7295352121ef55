/** What MLflow's client sends as metrics, parameters, tags and states, in the form of a run here, and back. */

import { z } from 'zod';
import { columnOf } from '~/server/base/namedSeries';
import type { Room } from '~/server/runs/room';
import { withoutUnseen } from '~/shared/ids';
import type { Config, Json } from '~/shared/setup';
import { isTime, timeWish } from '~/shared/times';
import type { RunStatus, RunView } from '~/shared/view';
import { numberOf, RequestError } from './body';
import { type Row, rowEvents } from './rowEvents';

/** Setting in which a run keeps its full MLflow tags; short ones are also tags of the run. */
export const tagsKey = 'mlflow.tags';
export const runNameTag = 'mlflow.runName';
const noteTag = 'mlflow.note.content';

export const int64 = z.union([
  z.int(),
  z
    .string()
    .regex(/^-?\d{1,16}$/, 'give a whole number, or one as text')
    .transform(Number),
]);
/** Clients that write protobuf's JSON send numbers as text. */
const decimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
export const time = int64.refine(isTime, timeWish);
export const pair = z.object({ key: z.string().min(1).max(250), value: z.string() });
export const metric = z.object({
  key: z.string().min(1).max(500),
  value: z.unknown().transform((v, ctx) => {
    const number = numberOf(typeof v === 'string' && decimal.test(v) ? Number(v) : v);
    if (number === null) ctx.addIssue({ code: 'custom', message: 'a number is needed' });
    return number ?? 0;
  }),
  timestamp: time.default(() => Date.now()),
  step: int64.default(0),
});
type Metric = z.infer<typeof metric>;

export const jsonNumber = (value: number): number | string => (Number.isFinite(value) ? value : String(value));

export const statusOf: Record<RunStatus, string> = {
  queued: 'SCHEDULED',
  starting: 'RUNNING',
  running: 'RUNNING',
  paused: 'RUNNING',
  waiting: 'RUNNING',
  finished: 'FINISHED',
  stopped: 'KILLED',
  failed: 'FAILED',
  crashed: 'FAILED',
};

/** null: the run has not ended. */
export const ourStatus = {
  RUNNING: null,
  SCHEDULED: null,
  FINISHED: 'finished',
  FAILED: 'failed',
  KILLED: 'stopped',
} as const;

/** Name of the series with the step that was logged to MLflow, where it was not above the last one. */
export const stepOf = (key: string): string => `step as logged/${key}`;

/**
 * MLflow accepts values in any order, and several at one step. Here the steps of a series ascend: such a value is placed after
 * the last one, and its logged step is kept in a second series.
 */
export function metricEvents({ streams }: Room, metrics: readonly Metric[]) {
  const last = new Map<string, number | null>();
  const rows = metrics.map(({ key, value, timestamp, step }): Row => {
    const before = last.get(key) ?? streams.stream(key)?.lastStep ?? null;
    const at = before !== null && step <= before ? before + 1 : step;
    last.set(key, at);
    return {
      step: at,
      at: timestamp,
      values:
        at === step
          ? [[key, value]]
          : [
              [key, value],
              [stepOf(key), step],
            ],
    };
  });
  return rowEvents(streams, rows, (name) =>
    name.startsWith(stepOf('')) ? { ...columnOf(name), group: 'step as logged' } : columnOf(name),
  );
}

/** New parameters: a parameter can be set only once. */
export function newParams({ setup }: RunView, params: readonly { key: string; value: string }[]): Config {
  const sent = new Map<string, string>();
  const config: [string, Json][] = params.map(({ key, value }) => {
    const known = sent.get(key) ?? (Object.hasOwn(setup.config, key) ? asText(setup.config[key]!) : value);
    sent.set(key, value);
    if (known !== value)
      throw new RequestError(
        400,
        `Changing param values is not allowed. Param with key='${key}' was already logged with value='${known}'; attempted to log '${value}'`,
      );
    return [key, asJson(value)];
  });
  return Object.fromEntries(config);
}

/** Parameters are texts; numbers as Python writes them are stored as numbers, so that runs can be sorted by them. */
function asJson(value: string): Json {
  const number = value === '' ? Number.NaN : Number(value);
  return Number.isFinite(number) && asText(number) === value ? number : value;
}

/** A value as Python writes it. */
export function asText(value: Json): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value !== 'number') return JSON.stringify(value);
  const size = Math.abs(value);
  if (value === 0 || (size >= 1e-4 && size < 1e16)) return String(value);
  return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
}

export function tagsOf({ setup }: Pick<RunView, 'setup'>): Map<string, string> {
  const kept = Object.hasOwn(setup.config, tagsKey) ? (setup.config[tagsKey] as Record<string, string>) : {};
  const named = setup.notes ? [[noteTag, setup.notes] as const] : [];
  return new Map<string, string>([[runNameTag, setup.name], ...named, ...Object.entries(kept)]);
}

/** The event for changed tags. @param changes null = the tag is deleted */
export function setupEvent(view: RunView, changes: ReadonlyMap<string, string | null>, config: Config = {}): unknown {
  const all = tagsOf(view);
  for (const [key, value] of changes)
    if (value === null) all.delete(key);
    else all.set(key, value);
  if (changes.size === 0) return { type: 'setup', config };
  const made = described(all, config);
  return {
    type: 'setup',
    ...made,
    ...(changes.get(noteTag) === null && { notes: '' }),
    ...(!made.config?.[tagsKey] && { removed: [tagsKey] }),
  };
}

/**
 * Name and notes are the run's own; other tags are kept in full in the config, and become tags "key=value" of the run where they
 * fit.
 */
export function described(
  all: ReadonlyMap<string, string>,
  config: Config,
): { name?: string; notes?: string; tags?: string[]; config?: Config } {
  const name = all.get(runNameTag);
  const notes = all.get(noteTag);
  const kept = [...all].filter(([key, value]) =>
    key === runNameTag ? value.length > 80 : key === noteTag ? value.length > 4000 : true,
  );
  const short = kept.flatMap(([key, value]) => {
    const tag = withoutUnseen(value === '' ? key : `${key}=${value}`).trim();
    return key.startsWith('mlflow.') || tag.length > 40 ? [] : [tag];
  });
  return {
    ...(name && { name: withoutUnseen(name).slice(0, 80) }),
    ...(notes !== undefined && { notes: notes.slice(0, 4000) }),
    tags: short.slice(0, 50),
    config: { ...config, ...(kept.length > 0 && { [tagsKey]: Object.fromEntries(kept) }) },
  };
}
