/** Colors from low to high, readable in both themes; gray for a run without the value. */
export const colorAt = (at: number | null): string =>
  at === null ? 'var(--color-dim)' : `color-mix(in oklab, var(--color-series-2) ${Math.round(100 * at)}%, var(--color-series-1))`;
