const retryMs = { first: 200, most: 5_000 };

/** How long to wait before trying again. Doubling, up to a cap, with half of it at random, so that many tabs do not come back at once. */
export const backoffMs = (failures: number, random: number): number =>
  Math.min(retryMs.most, retryMs.first * 2 ** (failures - 1)) * (0.5 + random / 2);
