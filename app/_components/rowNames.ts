/**
 * What each row of a list is called in the names of its buttons. Rows with the same words are told apart by their place.
 * @param words what a reader sees of each row @param place where the i-th row is
 */
export function rowNames(words: readonly string[], place: (i: number) => string = (i) => `line ${i + 1}`): string[] {
  const times = new Map<string, number>();
  for (const one of words) times.set(one, (times.get(one) ?? 0) + 1);
  return words.map((one, i) => (times.get(one)! > 1 ? `${one}, ${place(i)}` : one));
}

/** Names of the runs of a list; equal ones with the runs' ids. */
export const runNames = (runs: readonly { runId: string; name: string }[]): string[] =>
  rowNames(
    runs.map((run) => run.name),
    (i) => runs[i]!.runId,
  );
