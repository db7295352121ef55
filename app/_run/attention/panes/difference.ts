import { type HeadMaps, minus, sameShape } from '~/app/_charts/attention/derive';
import { exampleKey } from '~/shared/aboutSnapshot';
import { headCount, type LayerShape } from '~/shared/snapshotFile';
import type { ShownMaps, ShownPane } from './usePanes';

export type Difference = { maps: HeadMaps; note: string | null } | { maps: null; note: string };

/** The maps of one pane minus those of another, cell by cell; or why they cannot be subtracted. */
export function paneDifference(a: ShownPane | undefined, b: ShownPane | undefined): Difference {
  if (!a?.shown || !b?.shown) return { maps: null, note: 'both panes have to be there' };
  const [p, q] = [a.shown, b.shown];
  const sizes = ({ maps: { layers } }: ShownMaps) =>
    headCount(layers) === 1 ? `one head of ${layers[0]!.queries} × ${layers[0]!.keys}` : shapeText(layers);
  if (!sameShape(p.maps.layers, q.maps.layers))
    return {
      maps: null,
      note:
        (p.head === null) === (q.head === null) || p.maps.layers[0]!.keys !== q.maps.layers[0]!.keys
          ? `${a.letter} has ${sizes(p)}, ${b.letter} has ${sizes(q)}: there is no difference cell by cell`
          : `one shows a head and the other the grid: choose a head, or the grid, in both`,
    };
  return { maps: minus(p.maps, q.maps.values), note: sameInputs(p, q) ? null : 'their inputs are not the same' };
}

function sameInputs(p: ShownMaps, q: ShownMaps): boolean {
  if (p.source.kind !== 'example' || q.source.kind !== 'example') return p.source.kind === q.source.kind;
  return exampleKey(p.snapshot, p.source.example) === exampleKey(q.snapshot, q.source.example);
}

/** "4 × 4 heads of 10 × 10"; one such text per kind of layer. */
export function shapeText(layers: readonly LayerShape[]): string {
  const kinds = new Map<string, number>();
  for (const { heads, queries, keys } of layers) {
    const kind = `${heads} heads of ${queries} × ${keys}`;
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  return [...kinds].map(([kind, count]) => `${count} × ${kind}`).join(', ');
}
