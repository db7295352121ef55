/** Which layers and heads are shown. Hidden ones keep their numbers: hiding head 1 leaves head 2 named head 2. Keys are "layer.head", counted from 0. */
export type Hidden = ReadonlySet<string>;
export type HeadId = readonly [layer: number, head: number];
/** Layers with their own numbers of heads. */
export type Layers = readonly { heads: number }[];

export const headKey = (layer: number, head: number): string => `${layer}.${head}`;

/** All heads, layer by layer. */
export const allHeads = (layers: Layers): HeadId[] =>
  layers.flatMap(({ heads }, l) => Array.from({ length: heads }, (_, h) => [l, h] as const));

/** Index of a head among all heads, in the order in which signals list them. */
export const placeOfHead = (layers: Layers, layer: number, head: number): number =>
  layers.slice(0, layer).reduce((n, l) => n + l.heads, head);

export const shownHeads = (layers: Layers, hidden: Hidden): HeadId[] =>
  allHeads(layers).filter(([l, h]) => !hidden.has(headKey(l, h)));

/** Layers and heads with at least one head shown: the rows and columns of the grid. */
export function shownLines(layers: Layers, hidden: Hidden): { layers: number[]; heads: number[] } {
  const shown = shownHeads(layers, hidden);
  const sorted = (values: number[]) => [...new Set(values)].sort((a, b) => a - b);
  return { layers: sorted(shown.map(([l]) => l)), heads: sorted(shown.map(([, h]) => h)) };
}

/** A row of the grid: heads of one layer. */
export interface HeadRow {
  layer: number;
  heads: readonly number[];
}

/** Maps of a layer that is shown alone are not made narrower than this, CSS pixels, to have all of them side by side. */
const leastMap = 64;

/** The rows of the grid: one for each layer, with its heads side by side; a layer that is shown alone takes as many as its heads need. @param width CSS pixels */
export function headRows({ layers, heads }: { layers: readonly number[]; heads: readonly number[] }, width: number): HeadRow[] {
  const most = Math.max(1, Math.floor(width / leastMap));
  if (layers.length !== 1 || heads.length <= most) return layers.map((layer) => ({ layer, heads }));
  const across = Math.ceil(heads.length / Math.ceil(heads.length / most));
  const rows = Math.ceil(heads.length / across);
  return Array.from({ length: rows }, (_, r) => ({ layer: layers[0]!, heads: heads.slice(r * across, (r + 1) * across) }));
}

/** Hides the heads when all of them are shown, else shows them. Never hides the last one. */
export function toggle(hidden: Hidden, ids: readonly HeadId[], layers: Layers): Hidden {
  const keys = ids.map(([l, h]) => headKey(l, h));
  const next = new Set(hidden);
  if (keys.every((k) => !hidden.has(k))) for (const k of keys) next.add(k);
  else for (const k of keys) next.delete(k);
  return next.size >= allHeads(layers).length ? hidden : next;
}

/** Hides all heads except these; without any, hides nothing. */
export function hiddenBut(ids: readonly HeadId[], layers: Layers): Hidden {
  const keep = new Set(ids.map(([l, h]) => headKey(l, h)));
  const others = allHeads(layers).map(([l, h]) => headKey(l, h));
  return new Set(keep.size === 0 ? [] : others.filter((k) => !keep.has(k)));
}

/** Shows only these heads; if they already are the only ones, shows all. */
export function solo(hidden: Hidden, ids: readonly HeadId[], layers: Layers): Hidden {
  const others = hiddenBut(ids, layers);
  return hidden.size === others.size && [...others].every((k) => hidden.has(k)) ? new Set() : others;
}

/** All heads between two, in reading order, as Shift-click selects them. */
export function range(from: HeadId, to: HeadId, layers: Layers): HeadId[] {
  const [a, b] = [placeOfHead(layers, ...from), placeOfHead(layers, ...to)].sort((x, y) => x - y) as [number, number];
  return allHeads(layers).slice(a, b + 1);
}

/** Caption for the heads in an aggregate: "3 of 8 heads" or "layer 1 head 2, layer 2 head 1". Counted from 1. */
export function describeHeads(shown: readonly HeadId[], total: number): string {
  if (shown.length === total) return total === 1 ? 'the only head' : `all ${total} heads`;
  if (shown.length <= 4) return shown.map(([l, h]) => `layer ${l + 1} head ${h + 1}`).join(', ');
  return `${shown.length} of ${total} heads`;
}
