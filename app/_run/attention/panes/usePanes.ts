import { useEffect, useMemo, useRef, useSyncExternalStore } from 'react';
import { deriveMaps, type HeadMaps, headMap, type Source, sameLayers } from '~/app/_charts/attention/derive';
import { tokensOfLayers } from '~/app/_charts/attention/pictures';
import { headName, type MapTokens, noTokens, sameTokens } from '~/app/_charts/attention/tokens';
import type { Comparison, Pane } from '~/app/_live/comparison';
import { lowestLoss } from '~/app/_live/equalLoss';
import { together } from '~/app/_live/listeners';
import type { RunBeside } from '~/app/_live/runsBeside';
import type { Example, Look, SnapshotFeed } from '~/app/_live/snapshotFeed';
import { targetKeys } from '~/shared/aboutSnapshot';
import type { AttentionSnapshot } from '~/shared/attentionSnapshot';
import { headCount } from '~/shared/snapshotFile';
import { stepBeside } from './align';

/** Position of the linked panes: a step of one of the runs. */
export interface Position {
  run: string;
  step: number;
}

/** A pane with everything needed to draw it. */
export interface ShownPane {
  pane: Pane;
  /** "A" to "D" */
  letter: string;
  runId: string;
  run: RunBeside | null;
  /** The step that the pane asks for. */
  step: number;
  look: Look | null;
  /** Lowest smoothed loss up to that step. */
  loss: number | null;
  shown: ShownMaps | null;
  /** Why the pane shows nothing, or something other than what was asked for. */
  problems: string[];
}

export interface ShownMaps {
  snapshot: AttentionSnapshot;
  source: Source;
  /** Axis labels for a layer of `maps`. */
  tokensOf: (layer: number) => MapTokens;
  /** Labels of every layer of the snapshot. */
  labels: readonly MapTokens[];
  /** 1 x 1 when a single head is shown. */
  maps: HeadMaps;
  /** null = the whole grid. */
  head: { layer: number; head: number } | null;
  where: string;
}

export const letters = ['A', 'B', 'C', 'D'] as const;

export function usePanes(
  comparison: Comparison,
  runs: ReadonlyMap<string, RunBeside>,
  ownRun: string,
  position: Position,
): ShownPane[] {
  const { panes, align } = comparison;
  const placed = useMemo(
    () =>
      panes.map((pane) => {
        const runId = pane.run ?? ownRun;
        const run = runs.get(runId) ?? null;
        const lead = runs.get(position.run);
        if (typeof pane.at === 'object') return { pane, runId, run, step: pane.at.step, problem: null };
        if (pane.at === 'newest') return { pane, runId, run, step: run?.feed.recorded.at(-1)?.step ?? 0, problem: null };
        if (!run || !lead || run === lead) return { pane, runId, run, step: position.step, problem: null };
        return { pane, runId, run, ...stepBeside(align, lead, position.step, run) };
      }),
    [panes, align, runs, ownRun, position.run, position.step],
  );
  const looks = useLooks(
    placed.map(({ pane, run, step }) => ({
      feed: run?.feed ?? null,
      step,
      example: pane.source === 'mean' ? null : pane.source.example,
    })),
  );
  // Derived again only when the snapshot or the choice changes, so that an unchanged pane does not render again.
  const kept = useRef(new Map<number, { key: unknown[]; shown: ShownMaps | null }>()).current;
  return placed.map(({ pane, runId, run, step, problem }, n) => {
    const look = looks[n] ?? null;
    const snapshot = look?.shown?.snapshot ?? null;
    const key = [snapshot, pane.source, pane.head];
    const before = kept.get(n);
    const shown = before?.key.every((k, i) => k === key[i])
      ? before.shown
      : snapshot && mapsOfPane(snapshot, pane, before?.shown ?? null);
    kept.set(n, { key, shown });
    return {
      pane,
      letter: letters[n] ?? String(n + 1),
      runId,
      run,
      step,
      look,
      loss: run?.loss ? lowestLoss(run.loss, step) : null,
      shown,
      problems: problemsOf(pane, run, look, shown, problem),
    };
  });
}

/** Keeps the layers and labels of the maps shown before where they are equal, so that only pixels are drawn again. */
function mapsOfPane(snapshot: AttentionSnapshot, pane: Pane, before: ShownMaps | null): ShownMaps {
  const source: Source =
    pane.source === 'mean'
      ? { kind: 'mean', byTarget: targetKeys(snapshot) !== null }
      : { kind: 'example', example: Math.min(pane.source.example, snapshot.examples - 1) };
  const all = deriveMaps(snapshot, source, null);
  const { layers } = all;
  const known = pane.head !== null && pane.head.head < (layers[pane.head.layer]?.heads ?? 0);
  const head = known ? pane.head : headCount(layers) === 1 ? { layer: 0, head: 0 } : null;
  const labels = steady(before?.labels, tokensOfLayers(snapshot, source), sameTokens);
  const own = head ? [{ ...layers[head.layer]!, heads: 1 }] : layers;
  return {
    snapshot,
    source,
    tokensOf: (layer) => labels[head ? head.layer : layer] ?? noTokens,
    labels,
    maps: {
      ...all,
      layers: steady(before?.maps.layers, own, sameLayers),
      values: head ? [headMap(all, head.layer, head.head)] : all.values,
    },
    head,
    where: head ? headName(head.layer, head.head) : `${headCount(layers)} heads in ${layers.length} layers`,
  };
}

const steady = <T>(before: T | undefined, now: T, equal: (a: T, b: T) => boolean): T =>
  before !== undefined && equal(before, now) ? before : now;

function problemsOf(
  pane: Pane,
  run: RunBeside | null,
  look: Look | null,
  shown: ShownMaps | null,
  problem: string | null,
): string[] {
  if (!run) return [];
  if (run.error) return [run.error];
  if (!look?.nearest) return ['it has no snapshot'];
  if (look.error) return [`step ${look.nearest.step}: ${look.error}`];
  if (!shown) return [];
  const { layers, examples } = shown.snapshot;
  const out = problem ? [problem] : [];
  if (pane.head && pane.head.head >= (layers[pane.head.layer]?.heads ?? 0))
    out.push(
      `it has no ${headName(pane.head.layer, pane.head.head)}, only ${headCount(layers)} heads in ${layers.length} layers`,
    );
  if (pane.source !== 'mean' && pane.source.example >= examples)
    out.push(`it has ${examples} probe examples: showing example ${examples}`);
  return out;
}

/** Snapshots to show at several steps, from one feed or several. These are fetched before their neighbors. */
function useLooks(wanted: readonly { feed: SnapshotFeed | null; step: number; example: Example }[]): (Look | null)[] {
  const feeds = [...new Set(wanted.map((w) => w.feed).filter((f) => f !== null))];
  const known = useRef(feeds);
  if (known.current.length !== feeds.length || known.current.some((f, n) => f !== feeds[n])) known.current = feeds;
  const steady = known.current;
  const subscribe = useMemo(() => (listener: () => void) => together(steady.map((feed) => feed.subscribe(listener))), [steady]);
  const version = useSyncExternalStore(
    subscribe,
    () => steady.map((feed) => feed.version).join(),
    () => '',
  );
  const asked = wanted.map((w) => `${w.feed ? steady.indexOf(w.feed) : -1}@${w.step}/${w.example}`).join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the two texts change whenever the request or the loaded snapshots change.
  const looks = useMemo(
    () => wanted.map(({ feed, step, example }) => feed?.look(step, example) ?? null),
    [asked, version, steady],
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: as above.
  useEffect(() => {
    for (const { feed, step, example } of wanted) feed?.aim(step, example);
    for (const [n, { feed, example }] of wanted.entries()) {
      const { nearest, shown } = looks[n] ?? {};
      if (feed && nearest && shown?.recorded !== nearest) feed.want(nearest, example);
    }
  }, [looks]);
  return looks;
}
