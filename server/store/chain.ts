import { createHash } from 'node:crypto';
import { canonical } from '~/shared/canonical';
import type { Entry } from '~/shared/events';
import { serialize } from '~/shared/json';
import { withPlainSteps } from '~/shared/rows';

/** Start of a run's chain, before its first entry. */
export const firstLink: Uint8Array = new Uint8Array(32);

/**
 * The hash chain of a run's log: SHA-256 over the previous hash and the entry, so that the last hash identifies the whole log.
 * Two logs with the same last hash are the same, entry by entry and number by number, whichever store holds them.
 *
 * The hash covers an entry's seq, attempt and time, then its event as canonical JSON. For step rows: their stream and the bytes
 * of their steps (left out if consecutive), times (left out if all equal the entry's) and values. For console output only its
 * existence: old texts are emptied.
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

/** The bytes of doubles, with all NaNs made equal. */
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
