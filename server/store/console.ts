/** What runs print (shared/media.ts, `console`): a bounded part of each log. */
import { CONSOLE_BYTES, type ConsoleEvent } from '~/shared/media';

export interface ConsoleQuery {
  runId: string;
  /** Parts before (or after) this place of the log; null: the newest. */
  before: number | null;
  after: number | null;
  /** Only parts that hold this, whatever the case; '' = all. */
  search: string;
  limit: number;
}

export interface ConsolePart {
  seq: number;
  at: number;
  stream: ConsoleEvent['stream'];
  text: string;
}

/** In the order of the log. `more`: there are further ones in the direction that was asked. */
export interface ConsoleAnswer {
  parts: ConsolePart[];
  more: boolean;
}

/** Of the parts that are kept, oldest first, those that a query asks for. */
export function choose(parts: readonly ConsolePart[], { before, after, search, limit }: ConsoleQuery): ConsoleAnswer {
  const wanted = search.toLowerCase();
  const fitting = parts.filter(
    ({ seq, text }) =>
      (before === null || seq < before) &&
      (after === null || seq > after) &&
      (wanted === '' || text.toLowerCase().includes(wanted)),
  );
  const chosen = after === null ? fitting.slice(-limit) : fitting.slice(0, limit);
  return { parts: chosen, more: chosen.length < fitting.length };
}

const encoder = new TextEncoder();
/** What a part counts; an empty one too, so that their number is bounded. */
export const bytesOf = ({ text }: Pick<ConsoleEvent, 'text'>): number => 32 + encoder.encode(text).length;
export const KEPT_BYTES = CONSOLE_BYTES;
