/** The flags of `parseArgs` with `tokens`, in order. */
export const flagsOf = (tokens: readonly { kind: string; rawName?: string }[]): string[] =>
  tokens.flatMap(({ kind, rawName }) => (kind === 'option' ? [rawName!] : []));

/** @returns what is wrong where a flag that takes one value is given twice: which of the two was meant is not known; or null */
export function givenTwice(flags: readonly string[]): string | null {
  const twice = flags.find((flag, i) => flags.indexOf(flag) < i);
  return twice === undefined ? null : `${twice} is given twice; give it once`;
}
