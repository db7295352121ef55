import type { Curve } from '~/app/_charts/curve';
import type { Rows } from '~/shared/series';

/** Steps shown; null = the whole run, growing. */
export type Zoom = readonly [number, number] | null;

/** An update of a run's rows: new rows, or a notice that the server left out rows up to a step. */
export type Arrival = Rows | Skipped;

/** Rows that the server left out for a slow viewer: steps first..last of these streams (null = of any stream). */
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
  /** Series whose read failed; repeated after a delay. */
  failed: Set<string>;
  used: number;
}

/** Curves cached for zoom levels that are not shown now (about 60 kB each). */
export const KEPT_CURVES = 400;

/** A cache of zoom levels, so that returning to one needs no request. Bounded; least recently used levels are evicted first. */
export class Levels {
  private readonly levels = new Map<string, Level>();
  private uses = 0;

  /** @param kept number of curves kept for levels that are not shown */
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

  /** The level of the whole run, if it was opened. */
  whole(): Level | null {
    return this.levels.get(keyOf(null)) ?? null;
  }

  all(): Iterable<Level> {
    return this.levels.values();
  }

  /** Keeps the levels shown, the whole run, and as many others as fit. */
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
 * Ranges, finest first, that a logarithmic x axis needs besides [from, to): the first steps are as wide as all others there, so
 * one bucket of the whole range would be many pixels wide. Each range is eight times as long as the previous one, up to half of
 * the whole.
 */
export function earlyRanges(from: number, to: number): [number, number][] {
  const out: [number, number][] = [];
  // Powers of two: the buckets of every level end there.
  for (let end = from <= 0 ? 1024 : 2 ** Math.ceil(Math.log2(from * 8)); end < to / 2; end *= 8) out.push([from, end]);
  return out;
}
