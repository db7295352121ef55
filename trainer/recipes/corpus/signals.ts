import type { ProbeSignal } from '~/trainer/nn/signals';

/**
 * Induction: weight on the characters that followed earlier occurrences of the query's own character, mean over the queries that have such a character. Such heads
 * copy the character that followed last time. Source: Olsson et al. 2022, "In-context learning and induction heads", arXiv:2209.11895.
 *
 * @param ids of the probe's examples, [T] each
 */
export const inductionSignal = (ids: readonly ArrayLike<number>[]): ProbeSignal => ({
  name: 'induction',
  title: 'induction',
  meaning: 'weight on what followed the same character before: what copying needs',
  range: [0, 1],
  // The baseline depends on how often characters repeat in the example.
  baseline: () => null,
  names: { title: 'induction', atLeast: 0.5 },
  of(map, { keys, queries, example }) {
    const text = ids[example]!;
    let sum = 0;
    let rows = 0;
    for (let i = 0; i < queries; i++) {
      let weight = 0;
      let found = false;
      for (let j = 1; j <= i; j++) {
        if (text[j - 1] !== text[i]) continue;
        weight += map[i * keys + j]!;
        found = true;
      }
      if (!found) continue;
      sum += weight;
      rows++;
    }
    return rows === 0 ? Number.NaN : sum / rows;
  },
});
