import { useCallback, useMemo, useRef } from 'react';
import {
  deriveMaps,
  type HeadMaps,
  headMap,
  incomparable,
  type Reference,
  type Source,
  sameLayers,
  sameSize,
} from '~/app/_charts/attention/derive';
import { isLarge, overviewOf } from '~/app/_charts/attention/overview';
import { tokensOfLayers } from '~/app/_charts/attention/pictures';
import { peakOf } from '~/app/_charts/attention/raster';
import { type ColorScale, colorScale, type Quantity, type ScaleKind, scaleOffered } from '~/app/_charts/attention/scale';
import { allHeads, type HeadId, type Hidden, headKey, shownHeads, shownLines } from '~/app/_charts/attention/selection';
import { headName, type MapTokens, noTokens, sameTokens } from '~/app/_charts/attention/tokens';
import { count } from '~/app/_components/format';
import type { AttentionView } from '~/app/_live/attentionView';
import { useOtherRun } from '~/app/_live/otherRun';
import { nearestIndex, type Recorded } from '~/app/_live/recorded';
import type { Example, Look, SnapshotFeed } from '~/app/_live/snapshotFeed';
import { exampleOf, type Snapshots, useFeedVersion } from '~/app/_live/snapshots';
import { mistakes, targetKeys } from '~/shared/aboutSnapshot';
import type { AttentionSnapshot } from '~/shared/attentionSnapshot';
import type { LayerShape } from '~/shared/snapshotFile';

/** Everything that the views draw at one step, from the snapshot and the current selection. */
export interface Scene {
  snapshot: AttentionSnapshot;
  recorded: Recorded;
  source: Source;
  /** The example whose maps are shown; null = an average of all. */
  example: Example;
  /** In words: "probe example 3", "mean of 8 examples, odd one last". */
  sourceWords: string;
  maps: HeadMaps;
  /** What is subtracted, in words; null = nothing. */
  referenceWords: string | null;
  /** The same after a comma, as part of a title: ", minus step 0"; '' = nothing. */
  minusWords: string;
  /** The snapshot that is subtracted, to show both sides; null when nothing or a head is subtracted. */
  other: AttentionSnapshot | null;
  /** What is subtracted, computed from exact weights; null = nothing. */
  exactReference: () => Promise<Reference | null>;
  /** Why the requested reference cannot be subtracted. */
  referenceProblem: string | null;
  scaleKind: ScaleKind;
  scaleOf: (layer: number, head: number) => ColorScale;
  /** Scale for maps that combine several heads. */
  scaleFor: (values: Float32Array, quantity: Quantity) => ColorScale;
  /** Axis labels for a layer's maps. */
  tokensOf: (layer: number) => MapTokens;
  hidden: Hidden;
  shown: HeadId[];
  lines: { layers: number[]; heads: number[] };
  wrong: Int32Array;
}

/** With more keys than this, uniform attention looks black on a scale from 0 to 1. */
const mostOnUnit = 8;

const noLayers: readonly LayerShape[] = [];

/** The last object that was equal to this one, so that what depends on it stays as it is. */
function useSteady<T>(value: T, equal: (a: T, b: T) => boolean): T {
  const last = useRef(value);
  if (last.current !== value && !equal(last.current, value)) last.current = value;
  return last.current;
}

export function useScene(snapshots: Snapshots, look: Look, view: AttentionView, theme: 'light' | 'dark'): Scene | null {
  const shown = look.shown;
  const example = exampleOf(view.source);
  const reference = useReference(snapshots, shown?.recorded ?? null, view.reference, example);
  const snapshot = shown?.snapshot ?? null;
  const source = useMemo(() => (snapshot ? sourceOf(view, snapshot) : null), [snapshot, view]);
  // Kept while the shape is the same: hidden heads and the layout of the grid are not computed again at every step.
  const shape = useSteady(snapshot?.layers ?? noLayers, sameLayers);
  const derived = useMemo(() => {
    if (!snapshot || !source) return null;
    const problem =
      reference.problem ??
      (reference.value?.kind === 'snapshot' ? incomparable(snapshot, reference.value.snapshot, source) : null) ??
      (reference.value?.kind === 'head' && reference.value.head >= (snapshot.layers[reference.value.layer]?.heads ?? 0)
        ? `there is no ${headName(reference.value.layer, reference.value.head)}`
        : null);
    return { maps: { ...deriveMaps(snapshot, source, problem ? null : reference.value), layers: shape }, problem };
  }, [snapshot, source, reference, shape]);

  const only = derived && !derived.problem && reference.value?.kind === 'head' ? shape[reference.value.layer] : undefined;
  const selection = useMemo(() => {
    const known = allHeads(shape);
    const keys = new Set(known.map(([l, h]) => headKey(l, h)));
    const asked = new Set(view.hidden.filter((k) => keys.has(k)));
    // A head of another size cannot be compared with the one that is subtracted.
    if (only) for (const [l, h] of known) if (!sameSize(shape[l]!, only)) asked.add(headKey(l, h));
    const hidden: Hidden = asked.size < keys.size ? asked : new Set();
    return { hidden, shown: shownHeads(shape, hidden), lines: shownLines(shape, hidden) };
  }, [shape, view.hidden, only]);

  const scales = useMemo(() => {
    if (!derived) return null;
    const { maps } = derived;
    // One color bar for all heads: lift is relative to the layer with the most keys; each row is painted relative to its own.
    const keys = Math.max(...maps.layers.map((l) => l.keys));
    const wanted = view.scale === 'auto' ? (keys > mostOnUnit && maps.quantity === 'weight' ? 'shared' : 'unit') : view.scale;
    const kind = scaleOffered(wanted, maps.quantity) ? wanted : 'unit';
    const make = (peak: number, quantity: Quantity) => {
      const allowed = scaleOffered(kind, quantity) ? kind : 'unit';
      return colorScale({ kind: allowed, quantity, keys, peak, sequential: view.palette, theme });
    };
    const peakOfHead = (l: number, h: number) => {
      const layer = maps.layers[l]!;
      return isLarge(layer) ? overviewOf(maps.values[l]!, layer, maps.causal).peaks[h]! : peakOf(headMap(maps, l, h));
    };
    const shared = make(kind === 'shared' ? Math.max(0, ...selection.shown.map(([l, h]) => peakOfHead(l, h))) : 1, maps.quantity);
    const scaleOf = kind === 'head' ? (l: number, h: number) => make(peakOfHead(l, h), maps.quantity) : () => shared;
    const scaleFor = (values: Float32Array, quantity: Quantity) =>
      quantity === maps.quantity && kind !== 'head' ? shared : make(kind === 'unit' ? 1 : peakOf(values), quantity);
    return { kind, scaleOf, scaleFor };
  }, [derived, selection, view.scale, view.palette, theme]);

  // The same texts and pictures at every step: the axes do not render again while scrubbing unless a label changed.
  const labels = useSteady(
    useMemo(() => (snapshot && source ? tokensOfLayers(snapshot, source) : []), [snapshot, source]),
    sameTokens,
  );
  const labelsOf = useCallback((layer: number) => labels[Math.min(layer, labels.length - 1)] ?? noTokens, [labels]);

  return useMemo(() => {
    if (!snapshot || !shown || !source || !derived || !scales) return null;
    const referenceWords = derived.problem ? null : reference.words;
    return {
      snapshot,
      recorded: shown.recorded,
      source,
      example: source.kind === 'example' ? source.example : null,
      sourceWords: sourceWords(source, snapshot),
      maps: derived.maps,
      referenceWords,
      minusWords: referenceWords === null ? '' : `, minus ${referenceWords}`,
      other: !derived.problem && reference.value?.kind === 'snapshot' ? reference.value.snapshot : null,
      exactReference: derived.problem ? async () => null : reference.exact,
      referenceProblem: derived.problem,
      scaleKind: scales.kind,
      scaleOf: scales.scaleOf,
      scaleFor: scales.scaleFor,
      tokensOf: labelsOf,
      ...selection,
      wrong: mistakes(snapshot),
    };
  }, [snapshot, shown, source, derived, selection, scales, labelsOf, reference]);
}

function sourceOf(view: AttentionView, s: AttentionSnapshot): Source {
  if (typeof view.source === 'string') return { kind: view.source, byTarget: view.byRole && targetKeys(s) !== null };
  // With fewer examples than before the last one is shown, and the panel's picker says which.
  return { kind: 'example', example: Math.min(view.source.example, s.examples - 1) };
}

function sourceWords(source: Source, s: AttentionSnapshot): string {
  if (source.kind === 'example') {
    const { name } = s.exampleLabels[source.example]!;
    return `probe example ${source.example + 1}${name === undefined ? '' : ` (${name})`}`;
  }
  const of = source.kind === 'mean' ? 'mean' : 'spread (standard deviation)';
  return `${of} over ${s.examples} examples${source.byTarget ? `, ${s.words.target} last` : ''}`;
}

interface ResolvedReference {
  value: Reference | null;
  words: string | null;
  problem: string | null;
  /** Computes the reference from exact weights. */
  exact: () => Promise<Reference | null>;
}
const none: ResolvedReference = { value: null, words: null, problem: null, exact: async () => null };

const ofSnapshot = (
  { snapshot, recorded }: NonNullable<Look['shown']>,
  words: string,
  feed: SnapshotFeed | null,
  example: Example,
): ResolvedReference => ({
  value: { kind: 'snapshot', snapshot },
  words,
  problem: null,
  exact: async () => ({
    kind: 'snapshot',
    snapshot: (await feed?.load(recorded, { example, exact: true })) ?? snapshot,
  }),
});

function useReference(
  snapshots: Snapshots,
  shown: Recorded | null,
  asked: AttentionView['reference'],
  example: Example,
): ResolvedReference {
  const { feed } = snapshots;
  const version = useFeedVersion(snapshots);
  const runId = asked !== null && typeof asked === 'object' && 'run' in asked ? asked.run : null;
  const other = useOtherRun(runId, shown?.step ?? 0, example);
  const { look } = other;
  return useMemo((): ResolvedReference => {
    void version;
    if (!asked || !shown) return none;
    if (runId !== null) {
      if (other.error) return { ...none, problem: `run ${runId}: ${other.error}` };
      if (look.error) return { ...none, problem: `${other.name}: ${look.error}` };
      if (look.shown)
        return ofSnapshot(look.shown, `${other.name} at step ${count(look.shown.recorded.step)}`, other.feed, example);
      return {
        ...none,
        problem: other.name === null || look.nearest ? 'the other run is loading' : `${other.name} has no snapshot`,
      };
    }
    if (typeof asked === 'object' && 'layer' in asked) {
      const value = { kind: 'head', ...asked } as const;
      return { value, words: headName(asked.layer, asked.head), problem: null, exact: async () => value };
    }
    const list = feed.recorded;
    const at = list.findIndex((r) => r.seq === shown.seq);
    const step = typeof asked === 'object' && 'step' in asked ? asked.step : 0;
    const recorded = asked === 'first' ? list[0] : asked === 'previous' ? list[at - 1] : list[nearestIndex(list, step)];
    if (!recorded) return { ...none, problem: 'there is no snapshot before this one' };
    const snapshot = feed.at(recorded, example);
    if (snapshot) return ofSnapshot({ snapshot, recorded }, `step ${count(recorded.step)}`, feed, example);
    feed.want(recorded, example);
    const why = feed.whyNot(recorded);
    return { ...none, problem: `step ${count(recorded.step)} ${why === null ? 'is loading' : `could not be read: ${why}`}` };
  }, [asked, shown, feed, version, example, runId, other.error, other.name, other.feed, look]);
}
