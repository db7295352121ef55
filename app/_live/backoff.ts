const retryMs = { first: 200, most: 5_000 };

/** Delay before the next attempt: doubles up to a cap, half of it random, so that many tabs do not reconnect at once. */
export const backoffMs = (failures: number, random: number): number =>
  Math.min(retryMs.most, retryMs.first * 2 ** (failures - 1)) * (0.5 + random / 2);
