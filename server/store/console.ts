/** Console output of runs (shared/media.ts, `console`): a bounded part of each log. */
import { CONSOLE_BYTES, type ConsoleEvent } from '~/shared/media';

const encoder = new TextEncoder();
/** Counted bytes of a part; more than 0 even when empty, so that the number of parts is bounded. */
export const bytesOf = ({ text }: Pick<ConsoleEvent, 'text'>): number => 32 + encoder.encode(text).length;
export const KEPT_BYTES = CONSOLE_BYTES;
