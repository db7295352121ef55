import { useMemo, useRef } from 'react';
import {
  deriveMaps,
  type HeadMaps,
  headMap,
  incomparable,
  type Reference,
  type Source,
  sameSize,
} from '~/app/_charts/attention/derive';
import { pictureUrl } from '~/app/_charts/attention/pictures';
import { peakOf } from '~/app/_charts/attention/raster';
import { type ColorScale, colorScale, type Quantity, type ScaleKind, scaleOffered } from '~/app/_charts/attention/scale';
import { allHeads, type HeadId, type Hidden, headKey, shownHeads, shownLines } from '~/app/_charts/attention/selection';
import { headName, type MapTokens, noTokens, tokensOf } from '~/app/_charts/attention/tokens';
import type { AttentionView } from '~/app/_live/attentionView';
import { useOtherRun } from '~/app/_live/otherRun';
import { type Example, type Look, nearestIndex, type Recorded } from '~/app/_live/snapshotFeed';
import { exampleOf, type Snapshots, useFeedVersion } from '~/app/_live/snapshots';
import { type AttentionSnapshot, mistakes, targetKeys } from '~/shared/attentionSnapshot';
import type { LayerShape } from '~/shared/snapshotFile';

/** Everything that the views draw at one step, from the snapshot and the current selection. */
export interface Scene {
  snapshot: AttentionSnapshot;
  recorded: Recorded;
  source: Source;
  /** In words: "probe example 3", "mean of 8 examples, odd one last". */
  sourceWords: string;
  maps: HeadMaps;
  /** What is subtracted, in words; null = nothing. */
  referenceWords: string | null;
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
const mostOnUnit = 16;

const noLayers: readonly LayerShape[] = [];
const noTokensOf = () => noTokens;

/** Keeps the same object while the lists of layers are equal. */
function useSteady(layers: readonly LayerShape[]): readonly LayerShape[] {
  const last = useRef(layers);
  const same =
    last.current === layers ||
    (last.current.length === layers.length &&
      last.current.every((l, i) => {
        const o = layers[i]!;
        return l.heads === o.heads && l.queries === o.queries && l.keys === o.keys && l.name === o.name;
      }));
  if (!same) last.current = layers;
  return last.current;
}

export function useScene(snapshots: Snapshots, look: Look, view: AttentionView, theme: 'light' | 'dark'): Scene | null {
  const shown = look.shown;
  const example = exampleOf(view.source);
  const reference = useReference(snapshots, shown?.recorded ?? null, view.reference, example);
  const snapshot = shown?.snapshot ?? null;
  const source = useMemo(() => (snapshot ? sourceOf(view, snapshot) : null), [snapshot, view]);
  const derived = useMemo(() => {
    if (!snapshot || !source) return null;
    const problem =
      reference.problem ??
      (reference.value?.kind === 'snapshot' ? incomparable(snapshot, reference.value.snapshot, source) : null) ??
      (reference.value?.kind === 'head' && reference.value.head >= (snapshot.layers[reference.value.layer]?.heads ?? 0)
        ? `there is no ${headName(reference.value.layer, reference.value.head)}`
        : null);
    return { maps: deriveMaps(snapshot, source, problem ? null : reference.value), problem };
  }, [snapshot, source, reference]);

  // Kept while the shape is the same, so that the hidden heads are not computed again at every step.
  const shape = useSteady(snapshot?.layers ?? noLayers);
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
    const peakOfHead = (l: number, h: number) => peakOf(headMap(maps, l, h));
    const shared = make(kind === 'shared' ? Math.max(0, ...selection.shown.map(([l, h]) => peakOfHead(l, h))) : 1, maps.quantity);
    const scaleOf = kind === 'head' ? (l: number, h: number) => make(peakOfHead(l, h), maps.quantity) : () => shared;
    const scaleFor = (values: Float32Array, quantity: Quantity) =>
      quantity === maps.quantity && kind !== 'head' ? shared : make(kind === 'unit' ? 1 : peakOf(values), quantity);
    return { kind, scaleOf, scaleFor };
  }, [derived, selection, view.scale, view.palette, theme]);

  // The same texts and pictures at every step: the axes do not render again while scrubbing unless a label changed.
  const tokens = useMemo(() => {
    if (!snapshot || !source) return noTokensOf;
    const { pictures } = snapshot;
    const known = new Map<number, MapTokens>();
    return (layer: number) => {
      const at = Math.min(layer, snapshot.layers.length - 1);
      const found = known.get(at) ?? tokensOf(snapshot, source, at, pictures && ((n) => pictureUrl(pictures, n)));
      known.set(at, found);
      return found;
    };
  }, [snapshot, source]);
  const tokenKey = useMemo(
    () => (snapshot ? JSON.stringify([...new Set(snapshot.layers.map((_, l) => l))].slice(0, 8).map((l) => tokens(l))) : ''),
    [snapshot, tokens],
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: equal content, equal object.
  const steadyTokens = useMemo(() => tokens, [tokenKey, snapshot?.layers.length]);

  return useMemo(() => {
    if (!snapshot || !shown || !source || !derived || !scales) return null;
    return {
      snapshot,
      recorded: shown.recorded,
      source,
      sourceWords: sourceWords(source, snapshot),
      maps: derived.maps,
      referenceWords: derived.problem ? null : reference.words,
      other: !derived.problem && reference.value?.kind === 'snapshot' ? reference.value.snapshot : null,
      exactReference: derived.problem ? async () => null : reference.exact,
      referenceProblem: derived.problem,
      scaleKind: scales.kind,
      scaleOf: scales.scaleOf,
      scaleFor: scales.scaleFor,
      tokensOf: steadyTokens,
      ...selection,
      wrong: mistakes(snapshot),
    };
  }, [snapshot, shown, source, derived, selection, scales, steadyTokens, reference]);
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

function useReference(
  snapshots: Snapshots,
  shown: Recorded | null,
  asked: AttentionView['reference'],
  example: Example,
): ResolvedReference {
  const version = useFeedVersion(snapshots);
  const runId = asked !== null && typeof asked === 'object' && 'run' in asked ? asked.run : null;
  const other = useOtherRun(runId, shown?.step ?? 0, example);
  const otherShown = other.look.shown;
  const within = useMemo((): ResolvedReference => {
    void version;
    if (!asked || !shown || (typeof asked === 'object' && 'run' in asked)) return none;
    if (typeof asked === 'object' && 'layer' in asked)
      return {
        value: { kind: 'head', ...asked },
        words: headName(asked.layer, asked.head),
        problem: null,
        exact: async () => ({ kind: 'head', ...asked }),
      };
    const list = snapshots.feed.recorded;
    const at = list.findIndex((r) => r.seq === shown.seq);
    const recorded = asked === 'first' ? list[0] : asked === 'previous' ? list[at - 1] : list[nearestIndex(list, asked.step)];
    if (!recorded) return { ...none, problem: 'there is no snapshot before this one' };
    const snapshot = snapshots.feed.at(recorded, example);
    if (!snapshot) {
      snapshots.feed.want(recorded, example);
      return { ...none, problem: `step ${recorded.step} is loading` };
    }
    return {
      value: { kind: 'snapshot', snapshot },
      words: `step ${recorded.step}`,
      problem: null,
      exact: async () => ({ kind: 'snapshot', snapshot: await snapshots.feed.load(recorded, { example, exact: true }) }),
    };
  }, [snapshots, shown, asked, version, example]);
  return useMemo((): ResolvedReference => {
    if (runId === null) return within;
    if (other.error) return { ...none, problem: `run ${runId}: ${other.error}` };
    if (other.look.error) return { ...none, problem: `${other.name}: ${other.look.error}` };
    if (!otherShown)
      return {
        ...none,
        problem: other.name === null || other.look.nearest ? 'the other run is loading' : `${other.name} has no snapshot`,
      };
    return {
      value: { kind: 'snapshot', snapshot: otherShown.snapshot },
      words: `${other.name} at step ${otherShown.recorded.step}`,
      problem: null,
      exact: async () => ({
        kind: 'snapshot',
        snapshot: (await other.feed?.load(otherShown.recorded, { example, exact: true })) ?? otherShown.snapshot,
      }),
    };
  }, [runId, within, other.error, other.name, other.look.error, other.look.nearest, other.feed, otherShown, example]);
}
