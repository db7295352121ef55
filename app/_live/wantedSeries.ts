import { together } from './listeners';

/** The series that a page draws, counted by user, and which of them are drawn with a moving average. */
export class WantedSeries {
  private readonly all = new Map<string, number>();
  private readonly smoothed = new Map<string, number>();
  /** Weight of the moving averages; null = none. */
  weight: number | null = null;

  /** Adds a user of these series. @returns removes it */
  add(names: readonly string[], smoothed: boolean): () => void {
    return together([this.all, ...(smoothed ? [this.smoothed] : [])].map((counts) => counted(counts, names)));
  }

  names(): string[] {
    return [...this.all.keys()];
  }

  has(name: string): boolean {
    return this.all.has(name);
  }

  /** Weight of the average that a series is drawn with; null = none. */
  readonly weightOf = (name: string): number | null => (this.smoothed.has(name) ? this.weight : null);
}

/** Adds one user to each name; the returned function removes them. */
function counted(counts: Map<string, number>, names: readonly string[]): () => void {
  for (const n of names) counts.set(n, (counts.get(n) ?? 0) + 1);
  return () => {
    for (const n of names) {
      const left = (counts.get(n) ?? 1) - 1;
      if (left > 0) counts.set(n, left);
      else counts.delete(n);
    }
  };
}
