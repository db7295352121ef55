/** From low to high, readable on both themes; a run without the value is gray. */
export const colorAt = (at: number | null): string =>
  at === null ? 'var(--color-dim)' : `color-mix(in oklab, var(--color-series-2) ${Math.round(100 * at)}%, var(--color-series-1))`;
