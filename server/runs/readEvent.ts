/** The lenient edge: parses one raw event of a trainer, or says what is wrong with it. */

import type { ZodError } from 'zod';
import { hashOf } from '~/server/base/hash';
import { describeZodError, fieldOf } from '~/server/base/zodError';
import { controlDefaults } from '~/shared/controls';
import { type TrainerEvent, trainerEvent } from '~/shared/events';
import type { BlobRef } from '~/shared/ids';
import { isObject } from '~/shared/own';
import { stepAt } from '~/shared/rows';
import type { Rows } from '~/shared/series';
import { isTime } from '~/shared/times';

interface Wrong {
  message: string;
  field: string | null;
}
/** `leftOut`: declarations, or times of rows, that the event does without, and what is wrong with them. */
export type Read = { ok: true; event: TrainerEvent; leftOut?: Wrong & { names: string[] } } | ({ ok: false } & Wrong);

const wrong = (message: string, field: string | null): Read => ({ ok: false, message, field });

const known: ReadonlySet<string> = new Set(trainerEvent.options.map((o) => o.shape.type.value));

export function readEvent(raw: unknown): Read {
  const type = typeOf(raw);
  if (type === null) return wrong('type: an event is an object with a type', 'type');
  if (!known.has(type)) return wrong(`type: there is no such event; there are ${[...known].join(', ')}`, 'type');
  if (type === 'checkpoint' && 'reference' in (raw as object) && 'blob' in (raw as object))
    return wrong('reference: give the blob or the reference, not both', 'reference');
  const given = filled(type, raw as object);
  const parsed = trainerEvent.safeParse(given);
  if (!parsed.success) {
    const what = { message: describeZodError(parsed.error), field: fieldOf(parsed.error) };
    const rest =
      type === 'started'
        ? withoutWrong(given as Declared, parsed.error)
        : type === 'rows' && what.field === 'times'
          ? withoutWrongTimes(given as Rows)
          : null;
    const right = trainerEvent.safeParse(rest?.event);
    if (rest && right.success) return { ok: true, event: right.data, leftOut: { ...what, names: rest.names } };
    return { ok: false, ...what };
  }
  if (parsed.data.type === 'status' && parsed.data.status === 'crashed')
    return wrong('status: only the server says that a run has crashed; say failed, with a traceback', 'status');
  return { ok: true, event: parsed.data };
}

/** Fields that a program may leave out (PROTOCOL.md): by the event's type. */
const defaults = new Map<string, object>([
  ['started', { device: { device: '' }, controls: {}, values: {} }],
  ['evaluation', { trigger: 'cadence', commandId: null }],
  ['snapshot', { trigger: 'cadence', commandId: null }],
  ['checkpoint', { trigger: 'cadence', commandId: null, lastCommandSeq: 0 }],
  ['status', { message: '' }],
  ['analysis', { commandId: null, message: '', blob: null }],
  ['command.applied', { before: null, after: null, message: '' }],
  ['command.refused', { step: null, message: '' }],
  ['command.scheduled', { message: '' }],
]);

function filled(type: string, raw: object): object {
  const known = defaults.get(type);
  if (!known) return raw;
  const event = { ...known, ...(type === 'checkpoint' && blobOf(raw)), ...raw };
  return type === 'started' ? { ...event, ...declared(event as Declared) } : event;
}

/** A checkpoint that its script stores itself: the bytes stored here are its reference. */
const blobOf = (raw: object): { blob?: BlobRef } => {
  if ('blob' in raw || !('reference' in raw) || typeof raw.reference !== 'string') return {};
  const bytes = referenceBytes(raw.reference);
  return { blob: { hash: hashOf(bytes), bytes: bytes.byteLength } };
};

export const referenceBytes = (reference: string): Uint8Array => new TextEncoder().encode(reference);

interface Declared {
  controls: unknown;
  values: unknown;
}

/**
 * Controls and actions with their optional fields filled in; a control without a value has its default. Anything that is not a
 * declaration stays unchanged: the schema reports it.
 */
function declared({ controls, values }: Declared): Partial<Declared> {
  if (!isObject(controls)) return {};
  const list = (given: unknown, fill: (spec: object) => object): unknown =>
    given === undefined ? [] : Array.isArray(given) ? given.map((s: unknown) => (isObject(s) ? fill(s) : s)) : given;
  const control = (spec: object) => ({ ...controlDefaults, label: nameOf(spec), ...spec });
  const specs = list(controls.values, control);
  const actions = list(controls.actions, (spec) => {
    const action = { label: nameOf(spec), help: '', risky: false, ...spec };
    return { ...action, args: list('args' in action ? action.args : [], control) };
  });
  if (!isObject(values) || !Array.isArray(specs)) return { controls: { ...controls, values: specs, actions } };
  const missing = specs.flatMap((s: unknown) =>
    isObject(s) && typeof s.name === 'string' && !Object.hasOwn(values, s.name) ? [[s.name, s.default] as const] : [],
  );
  return { controls: { ...controls, values: specs, actions }, values: { ...Object.fromEntries(missing), ...values } };
}

/**
 * The event without the controls and actions that are wrong, so that one of them does not take pause and stop with it, and their
 * names. null: something else is wrong.
 */
function withoutWrong(event: Declared, { issues }: ZodError): { event: object; names: string[] } | null {
  const { values, actions } = event.controls as Record<'values' | 'actions', unknown[]>;
  const found = issues.map(({ path: [first, second, at] }) => {
    if (first === 'values') return values.find((spec) => isObject(spec) && nameOf(spec) === second);
    const list = second === 'values' ? values : second === 'actions' ? actions : [];
    return typeof at === 'number' ? list[at] : undefined;
  });
  if (!found.every(isObject)) return null;
  const wrong = new Set<unknown>(found);
  const right = (spec: unknown) => !wrong.has(spec);
  const kept = values.filter(right);
  const dropped = new Set(values.filter((spec) => !right(spec)).map((spec) => nameOf(spec as object)));
  const current = Object.entries(event.values as object).filter(([name]) => !dropped.has(name));
  return {
    event: { ...event, controls: { values: kept, actions: actions.filter(right) }, values: Object.fromEntries(current) },
    names: found.filter((spec, i) => found.indexOf(spec) === i).map((spec) => String(nameOf(spec))),
  };
}

/**
 * Rows some of which have a time that no calendar has, because the clock of their process is wrong: each of those gets the time of
 * the row before it, or of the first right one; if none is right, the rows get the time of the commit.
 *
 * @returns null: something else is wrong with the times
 */
function withoutWrongTimes({ times, ...rows }: Rows): { event: object; names: string[] } | null {
  const first = times?.find(isTime);
  const bad = times ? [...times.keys()].filter((i) => !isTime(times[i]!)) : [];
  if (!times || bad.length === 0) return null;
  const right = times.slice();
  for (const i of bad) right[i] = i > 0 ? right[i - 1]! : first!;
  const steps = bad.slice(0, 5).map((i) => `the time of step ${stepAt(rows, i)}`);
  const more = bad.length > steps.length ? [`and ${bad.length - steps.length} more`] : [];
  return { event: first === undefined ? rows : { ...rows, times: right }, names: [...steps, ...more] };
}

const nameOf = (spec: object): unknown => ('name' in spec ? spec.name : '');

/** Its type, unchecked; null when it has none. */
export function typeOf(raw: unknown): string | null {
  if (typeof raw !== 'object' || raw === null || !Object.hasOwn(raw, 'type')) return null;
  const { type } = raw as { type: unknown };
  return typeof type === 'string' ? type : null;
}

/** More rows than any event can hold: a greater count is invalid. */
const MOST_ROWS = 2 ** 31;

/** How many numbers an event takes, even if it is invalid: its declared number of rows, else one. */
export function numbersOf(raw: unknown): number {
  if (typeOf(raw) !== 'rows') return 1;
  const { steps } = raw as { steps?: unknown };
  const count = steps instanceof Float64Array ? steps.length : (steps as { count?: unknown } | null | undefined)?.count;
  return typeof count === 'number' && Number.isInteger(count) && count > 0 && count <= MOST_ROWS ? count : 1;
}
