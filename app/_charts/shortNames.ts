/**
 * Names shortened to the available space, each still different from the others. The ends of words are removed before whole words, as parameters differ in
 * the beginnings and the numbers: "transformer.layers.0.linear1.weight" becomes "tran.laye.0.line1.weig".
 *
 * @param fits whether there is space for a name
 */
export function shortNames(names: readonly string[], fits: (name: string) => boolean): string[] {
  const distinct = (list: readonly string[]) => new Set(list).size === new Set(names).size;
  for (let letters = 12; letters >= 1; letters--) {
    const short = names.map((name) => (fits(name) ? name : name.replace(/\p{L}+/gu, (word) => word.slice(0, letters))));
    if (!distinct(short)) break;
    if (short.every(fits)) return short;
  }
  // Still too long: the end of a name, from where it differs, after a number that makes it unique.
  return names.map((name, i) => {
    if (fits(name)) return name;
    let from = 0;
    while (from < name.length && !fits(`${i + 1} …${name.slice(from)}`)) from++;
    return `${i + 1} …${name.slice(from)}`;
  });
}
