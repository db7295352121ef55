/** Texts as people write them for the control `probeExamples`: one per line, "\n" for a line break inside a text, "\t" for a tab, "\\" for a backslash. */
import { maxProbeExamples } from '~/trainer/base/config';

/**
 * @param length characters per example: the network's context and the next one
 * @returns the ids of each text; a shorter text is padded at its end with character 0
 * @throws RangeError that names the text, what is wrong with it and what would fit
 */
export function parseTexts(written: string, length: number, characters: readonly string[]): Int32Array[] {
  const fail = (why: string): never => {
    throw new RangeError(`probeExamples: ${why}; give texts of 1 to ${length} characters, one per line`);
  };
  const idOf = new Map(characters.map((character, id) => [character, id]));
  const lines = written.split(/\r?\n/).filter((line) => line !== '');
  if (lines.length === 0) fail('there is no text in it');
  if (lines.length > maxProbeExamples) fail(`${lines.length} texts are more than ${maxProbeExamples}`);
  return lines.map((line, i) => {
    const letters = [...line.replace(/\\([nt\\])/g, (_, letter: string) => ({ n: '\n', t: '\t' })[letter] ?? '\\')];
    if (letters.length > length) fail(`text ${i + 1} has ${letters.length} characters`);
    const ids = new Int32Array(length);
    letters.forEach((letter, at) => {
      const id = idOf.get(letter);
      if (id === undefined) fail(`text ${i + 1} has the character ${JSON.stringify(letter)}, which does not occur in the file`);
      ids[at] = id!;
    });
    return ids;
  });
}

export const writeTexts = (texts: readonly string[]): string =>
  texts.map((text) => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\t', '\\t')).join('\n');

/** A character as shown on an axis: an invisible one is replaced by a symbol. */
export function shown(character: string): string {
  const signs: { [character: string]: string } = { ' ': '␣', '\n': '⏎', '\t': '⇥', '\r': '␍' };
  if (Object.hasOwn(signs, character)) return signs[character]!;
  return /^[\p{C}\p{Z}]$/u.test(character)
    ? `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`
    : character;
}
