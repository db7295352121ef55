/** What a request to the HTTP intake says, as rows and events. */
import { z } from 'zod';
import type { Room } from '~/server/runs/room';
import { refusalReason } from '~/shared/commands';
import { controlValue } from '~/shared/controls';
import { histogram, MAX_CONSOLE_CHARACTERS, table } from '~/shared/media';
import { isObject } from '~/shared/own';
import { rowStep } from '~/shared/series';
import { isSeconds, isTime, timeWish } from '~/shared/times';
import { numberOf, parsed, plain, RequestError, readJson } from './body';
import type { Row } from './rowEvents';

/** A JSON object of a request. */
export type Item = Record<string, unknown>;

/** The body as a list: one JSON object, an array of them, or one per line. */
export function items(text: string): Item[] {
  const lines = text.split('\n').flatMap((line, i) => (line.trim() === '' ? [] : [{ line, i }]));
  const whole = tried(text);
  const list =
    whole === undefined && lines.length > 0
      ? lines.map(({ line, i }) => tried(line) ?? wrongLine(i, line))
      : [whole ?? {}].flat();
  return list.map((item, i) => {
    if (isObject(item)) return item;
    throw new RequestError(400, `${i}: a JSON object is needed, got ${JSON.stringify(item)?.slice(0, 80)}`, String(i));
  });
}

function tried(text: string): unknown {
  try {
    return readJson(text);
  } catch {
    return undefined;
  }
}

function wrongLine(i: number, line: string): never {
  try {
    throw new Error(String(readJson(line)));
  } catch (error) {
    throw new RequestError(400, `line ${i + 1}: no JSON: ${(error as Error).message}`);
  }
}

const rowShape = z.strictObject({
  step: rowStep.optional(),
  time: z
    .number()
    .refine(isTime, timeWish)
    .refine((time) => !isSeconds(time), {
      error: ({ input }) => `${input} is a time in seconds; give ms since 1970: ${Math.round(Number(input) * 1000)}`,
    })
    .optional(),
  // Not z.record: names such as "__proto__" must stay unchanged.
  values: z.custom<Record<string, unknown>>(isObject, 'an object is needed'),
});

/** {"loss": 1}, or {"step": 7, "time": ..., "values": {"loss": 1}}; without a step, the one after the last is used. */
export function rows(list: readonly Item[], { view }: Room): Row[] {
  let next = view.step;
  return list.map((item, i) => {
    const { step: at, time, ...values } = item;
    const at0 = list.length > 1 ? `${i}.` : '';
    const row = parsed(
      rowShape,
      isObject(item.values) ? item : { ...(at !== undefined && { step: at }), ...(time !== undefined && { time }), values },
      at0,
    );
    const step = row.step ?? next;
    next = step + 1;
    const entries = Object.entries(row.values).map(([name, value]) => {
      const number = numberOr400(at0 + name, value);
      if (name === '' || name.length > 512)
        throw new RequestError(
          400,
          `${at0}${JSON.stringify(name.slice(0, 40))}: a name has 1 to 512 characters`,
          at0 + name.slice(0, 40),
        );
      return [name, number] as const;
    });
    return { step, at: row.time ?? Date.now(), values: entries };
  });
}

function numberOr400(field: string, value: unknown): number {
  const number = numberOf(value);
  if (number !== null) return number;
  const got = JSON.stringify(value).slice(0, 80);
  throw new RequestError(400, `${field}: a number is needed (or "NaN", "Infinity", "-Infinity"), got ${got}`, field);
}

export const sample = (kind: 'histogram' | 'table', content: object, item: Item, room: Room) => ({
  type: 'media',
  kind,
  step: room.view.step,
  ...item,
  text: JSON.stringify(kind === 'histogram' ? parsed(histogram, content) : parsed(table, content)),
});

export const cell = (value: unknown) =>
  typeof value === 'number' || typeof value === 'boolean' || value === null
    ? value
    : typeof value === 'string'
      ? plain(value)
      : JSON.stringify(value);

export function consoleEvents(text: string, item: Item = {}): { text: string }[] {
  const parts: ({ text: string } & Item)[] = [];
  for (let at = 0; at < text.length; at += MAX_CONSOLE_CHARACTERS)
    parts.push({ type: 'console', stream: 'out', ...item, text: text.slice(at, at + MAX_CONSOLE_CHARACTERS) });
  return parts;
}

/** {"loss": 1, ...}, or the protocol's list of metrics. */
export function metrics(given: unknown): unknown {
  if (Array.isArray(given)) return given.map((m: unknown) => (isObject(m) ? { ...m, value: numberOf(m.value) ?? m.value } : m));
  if (!isObject(given))
    throw new RequestError(
      400,
      `metrics: give an object of numbers by name, not ${JSON.stringify(given)?.slice(0, 80) ?? 'nothing'}`,
      'metrics',
    );
  return Object.entries(given).map(([name, value]) => ({
    name,
    value: numberOr400(`metrics.${name}`, value),
    ...(name === 'loss' && { role: 'loss', better: 'lower' }),
    ...(name === 'accuracy' && { role: 'accuracy', better: 'higher' }),
  }));
}

const answered = z.strictObject({
  id: z.string(),
  outcome: z.enum(['applied', 'scheduled', 'refused']).default('applied'),
  step: z.int().optional(),
  before: controlValue.default(null),
  after: controlValue.default(null),
  reason: refusalReason.default('failed'),
  message: z.string().max(500).default(''),
});

export function answerEvent(item: Item, { view }: Room): unknown {
  const { id, outcome, step = view.step, before, after, reason, message } = parsed(answered, item);
  const asked = view.openCommands.find((c) => c.command.id === id);
  if (!asked) throw new RequestError(404, `id: no command ${id} waits for an answer`, 'id');
  const answer = { type: `command.${outcome}`, commandId: id, seq: asked.seq, step, message };
  if (outcome === 'applied') return { ...answer, before, after };
  return outcome === 'refused' ? { ...answer, reason } : answer;
}
