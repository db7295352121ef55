/** Which layers and heads are shown. Hidden ones keep their numbers: hiding head 1 leaves head 2 named head 2. Keys are "layer.head", counted from 0. */
export type Hidden = ReadonlySet<string>;
export type HeadId = readonly [layer: number, head: number];

export const headKey = (layer: number, head: number): string => `${layer}.${head}`;

export function allHeads(layers: number, heads: number): HeadId[] {
  return Array.from({ length: layers * heads }, (_, n) => [Math.floor(n / heads), n % heads] as const);
}

export const shownHeads = (layers: number, heads: number, hidden: Hidden): HeadId[] =>
  allHeads(layers, heads).filter(([l, h]) => !hidden.has(headKey(l, h)));

/** Layers and heads that have anything to show: the rows and columns of the grid. */
export function shownLines(layers: number, heads: number, hidden: Hidden): { layers: number[]; heads: number[] } {
  const shown = shownHeads(layers, heads, hidden);
  const sorted = (values: number[]) => [...new Set(values)].sort((a, b) => a - b);
  return { layers: sorted(shown.map(([l]) => l)), heads: sorted(shown.map(([, h]) => h)) };
}

/** Hides the heads when all of them are shown, else shows them. Never hides the last one. */
export function toggle(hidden: Hidden, ids: readonly HeadId[], layers: number, heads: number): Hidden {
  const keys = ids.map(([l, h]) => headKey(l, h));
  const next = new Set(hidden);
  if (keys.every((k) => !hidden.has(k))) for (const k of keys) next.add(k);
  else for (const k of keys) next.delete(k);
  return next.size >= layers * heads ? hidden : next;
}

/** Shows these alone; when they already are alone, everything again. */
export function solo(hidden: Hidden, ids: readonly HeadId[], layers: number, heads: number): Hidden {
  const keep = new Set(ids.map(([l, h]) => headKey(l, h)));
  const others = allHeads(layers, heads)
    .map(([l, h]) => headKey(l, h))
    .filter((k) => !keep.has(k));
  const alone = hidden.size === others.length && others.every((k) => hidden.has(k));
  return alone ? new Set() : new Set(others);
}

/** All heads between two, in reading order: what a shift-click means. */
export function range(from: HeadId, to: HeadId, heads: number): HeadId[] {
  const [a, b] = [from[0] * heads + from[1], to[0] * heads + to[1]].sort((x, y) => x - y) as [number, number];
  return Array.from({ length: b - a + 1 }, (_, n) => [Math.floor((a + n) / heads), (a + n) % heads] as const);
}

/** "3 of 8 heads" or "layer 1 head 2, layer 2 head 1": what an aggregate is of, for its caption. Numbers from 1. */
export function describeHeads(shown: readonly HeadId[], total: number): string {
  if (shown.length === total) return total === 1 ? 'the only head' : `all ${total} heads`;
  if (shown.length <= 4) return shown.map(([l, h]) => `layer ${l + 1} head ${h + 1}`).join(', ');
  return `${shown.length} of ${total} heads`;
}
