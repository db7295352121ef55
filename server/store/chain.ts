import { createHash } from 'node:crypto';
import { canonical } from '~/server/base/canonical';
import type { Entry } from '~/shared/events';
import { serialize } from '~/shared/json';
import { withPlainSteps } from '~/shared/series';

/** The chain of a run before its first entry. */
export const firstLink: Uint8Array = new Uint8Array(32);

/**
 * The hash chain of a run's log: SHA-256 over the hash before and the entry, so that the last one stands for the whole log. Two logs with the same last hash are
 * the same, entry by entry and number by number, whichever store holds them.
 *
 * An entry counts as: its seq, attempt and time, then its event as canonical JSON. Step rows count as their stream and the bytes of their steps (left out where
 * they are consecutive), times (left out where all are the entry's) and values. Of console output only that there was some: its text is emptied when it is old.
 */
export function nextLink(before: Uint8Array, { seq, attempt, at, event }: Entry): Uint8Array {
  const hash = createHash('sha256').update(before);
  const head = { seq, attempt, at, type: event.type };
  if (event.type === 'console') return hash.update(canonical(head)).digest();
  if (event.type !== 'rows') return hash.update(canonical({ ...head, event: serialize(event) })).digest();
  const { stream, steps, values } = withPlainSteps(event);
  const times = event.times?.some((t) => t !== at) ? event.times : null;
  const plain = steps instanceof Float64Array ? null : steps;
  hash.update(canonical({ ...head, stream, steps: plain, times: times !== null }));
  for (const numbers of [plain ? null : (steps as Float64Array), times, values]) if (numbers) hash.update(bytesOf(numbers));
  return hash.digest();
}

/** The bytes of doubles, with one form of NaN. */
function bytesOf(numbers: Float64Array): Uint8Array {
  let own = numbers;
  for (let i = 0; i < numbers.length; i++)
    if (Number.isNaN(numbers[i]!)) {
      if (own === numbers) own = numbers.slice();
      own[i] = Number.NaN;
    }
  return new Uint8Array(own.buffer, own.byteOffset, own.byteLength);
}

export const hex = (link: Uint8Array): string => Buffer.from(link).toString('hex');
