/** The lenient edge: one event of a trainer as it came, and what is wrong with it. */
import { describeZodError } from '~/server/base/zodError';
import { type TrainerEvent, trainerEvent } from '~/shared/events';

export type Read = { ok: true; event: TrainerEvent } | { ok: false; message: string };

const known: ReadonlySet<string> = new Set(trainerEvent.options.map((o) => o.shape.type.value));

export function readEvent(raw: unknown): Read {
  const type = typeOf(raw);
  if (type === null) return { ok: false, message: 'type: an event is an object with a type' };
  if (!known.has(type)) return { ok: false, message: `type: there is no such event; there are ${[...known].join(', ')}` };
  const parsed = trainerEvent.safeParse(raw);
  if (!parsed.success) return { ok: false, message: describeZodError(parsed.error) };
  if (parsed.data.type === 'status' && parsed.data.status === 'crashed')
    return { ok: false, message: 'status: only the server says that a run has crashed; say failed, with a traceback' };
  return { ok: true, event: parsed.data };
}

/** Its type as it stands; null when it has none. */
export function typeOf(raw: unknown): string | null {
  if (typeof raw !== 'object' || raw === null || !Object.hasOwn(raw, 'type')) return null;
  const { type } = raw as { type: unknown };
  return typeof type === 'string' ? type : null;
}

/** More rows than any event could hold: a count beyond it is no count. */
const MOST_ROWS = 2 ** 31;

/** How many numbers an event takes, whatever else is wrong with it: as many as it says that it has rows, else one. */
export function numbersOf(raw: unknown): number {
  if (typeOf(raw) !== 'rows') return 1;
  const { steps } = raw as { steps?: unknown };
  const count = steps instanceof Float64Array ? steps.length : (steps as { count?: unknown } | null | undefined)?.count;
  return typeof count === 'number' && Number.isInteger(count) && count > 0 && count <= MOST_ROWS ? count : 1;
}
