import { describeError } from '~/app/_trpc/client';

/** Values in words, by the name of what has the value. */
export type Values = ReadonlyMap<string, string>;

/**
 * After a save that was refused because another person had changed the same rules: reads them again, and says who changed what.
 *
 * @param expected the rules as they were read before they were edited
 * @returns the rules of now; null = the save was refused for another reason
 */
export async function afterConflict<T>(
  refused: unknown,
  expected: T,
  read: () => Promise<T>,
  valuesOf: (rules: T) => Values,
  say: (words: string) => void,
): Promise<T | null> {
  const { field, message } = describeError(refused);
  if (field !== 'expected') return null;
  const now = await read();
  const [before, after] = [valuesOf(expected), valuesOf(now)];
  const changes = [...new Set([...before.keys(), ...after.keys()])]
    .filter((name) => before.get(name) !== after.get(name))
    .map((name) => `${name}: ${before.get(name) ?? 'none'} → ${after.get(name) ?? 'none'}`);
  say(
    `${message.replace('expected: ', '')}: ${changes.join('; ')}. Your own changes stand here on top of theirs: look at them, and save again.`,
  );
  return now;
}
