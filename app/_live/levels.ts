import type { Curve } from '~/app/_charts/curve';
import type { Rows } from '~/shared/series';

/** Steps shown; null = the whole run, growing. */
export type Zoom = readonly [number, number] | null;

/** What arrives of a run's rows: rows, or word that the server left out rows up to a step. */
export type Arrival = Rows | Skipped;

/** Rows that the server left out for a slow viewer: of these streams (null = of any), with steps first..last. */
export interface Skipped {
  type: 'skipped';
  stream: string | null;
  first: number;
  last: number;
}

/** One range of steps at one resolution, and its curves. */
export interface Level {
  /** null = from the run's first row. */
  fromStep: number | null;
  /** Exclusive; null = grows with the run. */
  toStep: number | null;
  buckets: number;
  curves: Map<string, Curve>;
  /** Series being read, with the rows that arrived meanwhile. */
  reading: Map<string, { since: Arrival[] }>;
  /** Series whose reading failed; asked for again after a while. */
  failed: Set<string>;
  used: number;
}

/** Curves kept for zoom levels that are not shown now (about 60 kB each). */
export const KEPT_CURVES = 400;

/** The zoom levels seen so far, so that coming back to one asks nothing. Bounded; those looked at longest ago go first. */
export class Levels {
  private readonly levels = new Map<string, Level>();
  private uses = 0;

  /** @param kept curves kept of levels that are not shown */
  constructor(private readonly kept = KEPT_CURVES) {}

  open(zoom: Zoom, buckets: number): Level {
    const key = keyOf(zoom);
    let level = this.levels.get(key);
    if (!level) {
      level = {
        fromStep: zoom ? Math.floor(zoom[0]) : null,
        toStep: zoom ? Math.max(Math.floor(zoom[0]) + 1, Math.ceil(zoom[1])) : null,
        buckets,
        curves: new Map(),
        reading: new Map(),
        failed: new Set(),
        used: 0,
      };
      this.levels.set(key, level);
    }
    level.used = ++this.uses;
    return level;
  }

  /** Of the whole run, if it was opened. */
  whole(): Level | null {
    return this.levels.get(keyOf(null)) ?? null;
  }

  all(): Iterable<Level> {
    return this.levels.values();
  }

  /** Keeps what is shown, the whole run, and of the others as many as there is room for. */
  evict(shown: readonly Level[]): void {
    const others = [...this.levels].filter(([key, level]) => !shown.includes(level) && key !== keyOf(null));
    others.sort(([, a], [, b]) => b.used - a.used);
    let kept = 0;
    for (const [key, level] of others) {
      kept += level.curves.size;
      if (kept > this.kept) this.levels.delete(key);
    }
  }

  clear(): void {
    this.levels.clear();
  }
}

const keyOf = (zoom: Zoom): string => (zoom ? `${Math.floor(zoom[0])}..${Math.ceil(zoom[1])}` : 'all');

/**
 * Ranges, finest first, that a logarithmic x axis needs besides [from, to): there the first steps take as much room as the rest, so that one bucket of the whole range
 * would be many pixels wide. Each reaches eight times as far as the one before, up to half the whole.
 */
export function earlyRanges(from: number, to: number): [number, number][] {
  const out: [number, number][] = [];
  // Powers of two, where the buckets of every level end.
  for (let end = from <= 0 ? 1024 : 2 ** Math.ceil(Math.log2(from * 8)); end < to / 2; end *= 8) out.push([from, end]);
  return out;
}
