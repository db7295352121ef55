/**
 * Numbers that describe a head's map, declared with their meaning: a snapshot contains the declaration, and pages show its meaning with the number.
 * A recipe adds its own signals to those of every snapshot.
 */
import {
  confidence,
  distance,
  drift,
  entropy,
  type Map2,
  oddMass,
  type PatternName,
  patternScore,
  patterns,
  visibleKeys,
} from '~/shared/attention';
import type { SignalSpec } from '~/shared/snapshotFile';

/** One head's map of one example. */
export interface HeadMap {
  queries: number;
  keys: number;
  /** Query i looks at no later key. */
  causal: boolean;
  /** Position of the example in the probe. */
  example: number;
  layer: number;
  head: number;
  /** The same map in the previous snapshot; null when there is none. */
  previous: Map2 | null;
}

const none = () => null;

export type MapShape = Pick<HeadMap, 'queries' | 'keys' | 'causal'>;

export interface ProbeSignal extends Omit<SignalSpec, 'baseline'> {
  /** Value for a uniform map of this size; null = does not apply. */
  baseline(shape: MapShape): number | null;
  /** The signal compares with the previous snapshot. */
  needsPrevious?: true;
  /** The value for the exact f32 map, [queries, keys]; NaN = undefined. */
  of(map: Map2, at: HeadMap): number;
}

/** Mean over the rows of 1 / keys that the row's query may look at. */
export function uniformWeight(shape: MapShape): number {
  let sum = 0;
  for (let i = 0; i < shape.queries; i++) sum += 1 / visibleKeys(shape, i);
  return sum / shape.queries;
}

export const entropySignal: ProbeSignal = {
  name: 'entropy',
  title: 'entropy',
  meaning: '1 = uniform over the keys a query may look at, 0 = all weight on one key',
  range: [0, 1],
  baseline: none,
  names: { title: 'uniform', atLeast: 0.98 },
  role: 'entropy',
  of: entropy,
};

export const confidenceSignal: ProbeSignal = {
  name: 'confidence',
  title: 'confidence',
  meaning: 'mean of each row’s largest weight',
  range: [0, 1],
  baseline: uniformWeight,
  of: confidence,
};

export const driftSignal: ProbeSignal = {
  name: 'drift',
  title: 'drift',
  meaning: 'change since the snapshot before: look where it peaks',
  range: null,
  baseline: none,
  needsPrevious: true,
  of: (map, at) => (at.previous ? drift(map, at.previous, at) : Number.NaN),
};

/** Every snapshot has these. */
export const commonSignals: readonly ProbeSignal[] = [entropySignal, confidenceSignal, driftSignal];

const patternWords: Record<PatternName, { title: string; meaning: string }> = {
  diagonal: { title: 'itself', meaning: 'weight of each position on itself' },
  antiDiagonal: { title: 'mirror', meaning: 'weight on the mirrored position' },
  previous: { title: 'previous', meaning: 'weight on the position before' },
  next: { title: 'next', meaning: 'weight on the position after' },
  first: { title: 'first', meaning: 'weight on the first position' },
};

/** A head is named after a pattern if at least half of its weight is on it. */
const half = 0.5;

/** Mean weight of a uniform map on a pattern's cells: the mean of 1 / keys over the rows that have a visible cell. */
function uniformOn(pattern: PatternName, shape: MapShape): number | null {
  let sum = 0;
  let rows = 0;
  for (let i = 0; i < shape.queries; i++) {
    const key = patterns[pattern](i, shape);
    const visible = visibleKeys(shape, i);
    if (key === null || key >= visible) continue;
    sum += 1 / visible;
    rows++;
  }
  return rows === 0 ? null : sum / rows;
}

/** Mean weight on a pattern's cells, over the rows that have a cell. */
export const patternSignal = (pattern: PatternName, more: Partial<Pick<ProbeSignal, 'meaning' | 'main'>> = {}): ProbeSignal => ({
  name: pattern,
  ...patternWords[pattern],
  range: [0, 1],
  baseline: (shape) => uniformOn(pattern, shape),
  names: { title: patternWords[pattern].title, atLeast: half },
  of: (map, at) => patternScore(map, at, patterns[pattern]),
  ...more,
});

export const distanceSignal: ProbeSignal = {
  name: 'distance',
  title: 'distance',
  meaning: 'mean distance looked over, in positions',
  range: null,
  baseline: none,
  of: distance,
};

/** Mean weight that the other items give to one item of a set. @param itemOf the item's position in each example */
export const itemSignal = (
  spec: Pick<ProbeSignal, 'name' | 'title' | 'meaning' | 'main'>,
  itemOf: (example: number) => number,
): ProbeSignal => ({
  ...spec,
  range: [0, 1],
  baseline: uniformWeight,
  names: { title: spec.title, atLeast: half },
  of: (map, at) => oddMass(map, at, itemOf(at.example)),
});
