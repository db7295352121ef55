import { useMemo } from 'react';
import { deriveMaps, type HeadMaps, incomparable, type Reference, type Source } from '~/app/_charts/attention/derive';
import { pictureUrl } from '~/app/_charts/attention/pictures';
import { peakOf } from '~/app/_charts/attention/raster';
import { type ColourScale, colourScale, type Quantity, type ScaleKind, scaleOffered } from '~/app/_charts/attention/scale';
import { allHeads, type HeadId, type Hidden, headKey, shownHeads, shownLines } from '~/app/_charts/attention/selection';
import { headName, type Token, tokensOf } from '~/app/_charts/attention/tokens';
import type { AttentionView } from '~/app/_live/attentionView';
import { useOtherRun } from '~/app/_live/otherRun';
import { type Look, nearestIndex, type Recorded } from '~/app/_live/snapshotFeed';
import { type Snapshots, useFeedVersion } from '~/app/_live/snapshots';
import { type AttentionSnapshot, mistakes } from '~/shared/attentionSnapshot';

/** Everything the views draw at one step, from the snapshot and what is chosen. */
export interface Scene {
  snapshot: AttentionSnapshot;
  recorded: Recorded;
  source: Source;
  /** In words: "probe example 3", "mean of 8 examples, odd one last". */
  sourceWords: string;
  maps: HeadMaps;
  /** What is subtracted, in words; null = nothing. */
  referenceWords: string | null;
  /** The snapshot subtracted, for showing both sides; null for nothing or a head. */
  other: AttentionSnapshot | null;
  /** Why what was asked to be subtracted is not. */
  referenceProblem: string | null;
  scaleKind: ScaleKind;
  scaleOf: (layer: number, head: number) => ColourScale;
  /** For maps made of several heads. */
  scaleFor: (values: Float32Array, quantity: Quantity) => ColourScale;
  tokens: Token[];
  hidden: Hidden;
  shown: HeadId[];
  lines: { layers: number[]; heads: number[] };
  wrong: Int32Array;
}

export function useScene(snapshots: Snapshots, look: Look, view: AttentionView, theme: 'light' | 'dark'): Scene | null {
  const shown = look.shown;
  const reference = useReference(snapshots, shown?.recorded ?? null, view.reference);
  const snapshot = shown?.snapshot ?? null;
  const source = useMemo(() => (snapshot ? sourceOf(view, snapshot) : null), [snapshot, view]);
  const derived = useMemo(() => {
    if (!snapshot || !source) return null;
    const problem =
      reference.problem ??
      (reference.value?.kind === 'snapshot' ? incomparable(snapshot, reference.value.snapshot, source) : null) ??
      (reference.value?.kind === 'head' && (reference.value.layer >= snapshot.layers || reference.value.head >= snapshot.heads)
        ? `there is no ${headName(reference.value.layer, reference.value.head)}`
        : null);
    return { maps: deriveMaps(snapshot, source, problem ? null : reference.value), problem };
  }, [snapshot, source, reference]);

  const layers = snapshot?.layers ?? 0;
  const heads = snapshot?.heads ?? 0;
  const selection = useMemo(() => {
    const known = new Set(allHeads(layers, heads).map(([l, h]) => headKey(l, h)));
    const asked = new Set(view.hidden.filter((k) => known.has(k)));
    const hidden: Hidden = asked.size < known.size ? asked : new Set();
    return { hidden, shown: shownHeads(layers, heads, hidden), lines: shownLines(layers, heads, hidden) };
  }, [layers, heads, view.hidden]);

  const scales = useMemo(() => {
    if (!derived) return null;
    const { maps } = derived;
    const kind = scaleOffered(view.scale, maps.quantity) ? view.scale : 'unit';
    const cells = maps.queries * maps.keys;
    const make = (peak: number, quantity: Quantity) => {
      const allowed = scaleOffered(kind, quantity) ? kind : 'unit';
      return colourScale({ kind: allowed, quantity, keys: maps.keys, peak, sequential: view.palette, theme });
    };
    const peakOfHead = (l: number, h: number) => {
      const at = (l * maps.heads + h) * cells;
      return peakOf(maps.values, at, at + cells);
    };
    const shared = make(kind === 'shared' ? Math.max(0, ...selection.shown.map(([l, h]) => peakOfHead(l, h))) : 1, maps.quantity);
    const scaleOf = kind === 'head' ? (l: number, h: number) => make(peakOfHead(l, h), maps.quantity) : () => shared;
    const scaleFor = (values: Float32Array, quantity: Quantity) =>
      quantity === maps.quantity && kind !== 'head' ? shared : make(kind === 'unit' ? 1 : peakOf(values), quantity);
    return { kind, scaleOf, scaleFor };
  }, [derived, selection, view.scale, view.palette, theme]);

  // The same words and pictures at every step: the axes are left alone while scrubbing unless something on them changed.
  const tokens = useMemo(() => {
    if (!snapshot || !source) return [];
    const { pictures } = snapshot;
    return tokensOf(snapshot, source, pictures && ((n) => pictureUrl(pictures, n)));
  }, [snapshot, source]);
  const tokenKey = JSON.stringify(tokens);
  // biome-ignore lint/correctness/useExhaustiveDependencies: equal content, equal object.
  const steadyTokens = useMemo(() => tokens, [tokenKey]);

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
      referenceProblem: derived.problem,
      scaleKind: scales.kind,
      scaleOf: scales.scaleOf,
      scaleFor: scales.scaleFor,
      tokens: steadyTokens,
      ...selection,
      wrong: mistakes(snapshot),
    };
  }, [snapshot, shown, source, derived, selection, scales, steadyTokens, reference]);
}

function sourceOf(view: AttentionView, s: AttentionSnapshot): Source {
  if (typeof view.source === 'string') return { kind: view.source, byRole: view.byRole && s.task === 'anomaly' };
  // Fewer examples than there were: the last one, and the panel's picker says which.
  return { kind: 'example', example: Math.min(view.source.example, s.examples - 1) };
}

function sourceWords(source: Source, s: AttentionSnapshot): string {
  if (source.kind === 'example') return `probe example ${source.example + 1}`;
  const of = source.kind === 'mean' ? 'mean' : 'spread (standard deviation)';
  return `${of} over ${s.examples} examples${source.byRole ? ', odd one last' : ''}`;
}

interface ResolvedReference {
  value: Reference | null;
  words: string | null;
  problem: string | null;
}
const none: ResolvedReference = { value: null, words: null, problem: null };

function useReference(snapshots: Snapshots, shown: Recorded | null, asked: AttentionView['reference']): ResolvedReference {
  const version = useFeedVersion(snapshots);
  const runId = asked !== null && typeof asked === 'object' && 'run' in asked ? asked.run : null;
  const other = useOtherRun(runId, shown?.step ?? 0);
  const otherShown = other.look.shown;
  const within = useMemo((): ResolvedReference => {
    void version;
    if (!asked || !shown || (typeof asked === 'object' && 'run' in asked)) return none;
    if (typeof asked === 'object' && 'layer' in asked)
      return { value: { kind: 'head', ...asked }, words: headName(asked.layer, asked.head), problem: null };
    const list = snapshots.feed.recorded;
    const at = list.findIndex((r) => r.seq === shown.seq);
    const recorded = asked === 'first' ? list[0] : asked === 'previous' ? list[at - 1] : list[nearestIndex(list, asked.step)];
    if (!recorded) return { ...none, problem: 'there is no snapshot before this one' };
    const snapshot = snapshots.feed.at(recorded);
    if (!snapshot) {
      snapshots.feed.want(recorded);
      return { ...none, problem: `step ${recorded.step} is loading` };
    }
    return { value: { kind: 'snapshot', snapshot }, words: `step ${recorded.step}`, problem: null };
  }, [snapshots, shown, asked, version]);
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
    };
  }, [runId, within, other.error, other.name, other.look.error, other.look.nearest, otherShown]);
}
