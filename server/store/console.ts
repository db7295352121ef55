/** What runs print (shared/media.ts, `console`): a bounded part of each log. */
import { CONSOLE_BYTES, type ConsoleEvent } from '~/shared/media';

const encoder = new TextEncoder();
/** What a part counts; an empty one too, so that their number is bounded. */
export const bytesOf = ({ text }: Pick<ConsoleEvent, 'text'>): number => 32 + encoder.encode(text).length;
export const KEPT_BYTES = CONSOLE_BYTES;
