/** Limits of a run's tags. */
export const mostTags = 50;
/** Characters. */
export const longestTag = 40;
