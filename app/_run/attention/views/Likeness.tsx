import { useEffect, useMemo, useRef } from 'react';
import { ColorBar } from '~/app/_charts/attention/ColorBar';
import { sameSize } from '~/app/_charts/attention/derive';
import { LikenessMatrix } from '~/app/_charts/attention/LikenessMatrix';
import { colorScale } from '~/app/_charts/attention/scale';
import { allHeads, type HeadId, type Layers, placeOfHead } from '~/app/_charts/attention/selection';
import { headName } from '~/app/_charts/attention/tokens';
import { useSize } from '~/app/_charts/useSize';
import { Choose } from '~/app/_components/Choose';
import { count } from '~/app/_components/format';
import { Remark } from '~/app/_components/Remark';
import { attentionView } from '~/app/_live/attentionView';
import { runOption, useOtherRun, useOtherRuns } from '~/app/_live/otherRun';
import { useRunStore } from '~/app/_live/RunProvider';
import { nearestIndex } from '~/app/_live/recorded';
import { type Snapshots, useFeedVersion } from '~/app/_live/snapshots';
import { pickHead } from '~/app/_run/attention/focusStore';
import { Check } from '~/app/_run/attention/Toolbar';
import { useSettled } from '~/app/_run/attention/useSettled';
import { useWorkspace } from '~/app/_run/attention/workspaceContext';
import { exampleKey, overExamples, targetKeys } from '~/shared/aboutSnapshot';
import { type AttentionSnapshot, mapOf } from '~/shared/attentionSnapshot';
import { cheapestPairs, type HeadExamples, headDistances, likeTogether } from '~/shared/headMatching';
import { useWork } from './useWork';

/** Orders similar heads side by side, or pairs this run's heads with another run's to compare seeds head by head. */
export function Likeness() {
  const { snapshots, scene, large, view, theme } = useWorkspace();
  const box = useRef<HTMLDivElement>(null);
  const { width } = useSize(box);
  const { runId } = useRunStore();
  const others = useOtherRuns(runId);
  const { with: otherId, sorted } = view.likeness;
  const own = useAllMaps(snapshots, useSettled(scene.snapshot).step);
  const beside = useOtherRun(otherId, scene.recorded.step, null);
  const other = otherId === null ? null : (beside.look.shown?.snapshot ?? null);
  const problem =
    otherId === null
      ? null
      : (beside.error ??
        beside.look.error ??
        (own && other && !own.layers.some((l) => other.layers.some((o) => sameSize(l, o)))
          ? `its maps are ${sizesOf(other)}, these ${sizesOf(own)}: heads cannot be compared`
          : null));
  const fitting = problem ? null : other;
  const alike = own && fitting ? sameExamples(own, fitting) : true;
  const ragged = [own, fitting].some((s) => s && !s.layers.every((l) => sameSize(l, s.layers[0]!)));
  const start = useMemo(() => {
    if (!own || (otherId !== null && !fitting)) return null;
    return function* () {
      const [a, b] = fitting ? [headsOf(own, alike), headsOf(fitting, alike)] : [headsOf(own, true), null];
      const distances = yield* headDistances(a, b ?? a);
      return {
        distances,
        rows: a.length,
        columns: (b ?? a).length,
        layers: own.layers,
        otherLayers: fitting?.layers ?? own.layers,
        matched: b !== null,
      };
    };
  }, [own, fitting, alike, otherId]);
  const { value, progress } = useWork(start);
  const order = useMemo(() => {
    if (!value) return null;
    const { distances, rows, columns } = value;
    const asTheyAre = Array.from({ length: rows }, (_, i) => i);
    if (!value.matched) {
      const heads = sorted ? likeTogether(distances, rows) : asTheyAre;
      return { rowOrder: heads, columnOrder: heads, pairs: null };
    }
    const pairs = cheapestPairs(distances, rows, columns);
    const taken = new Set(pairs);
    const left = Array.from({ length: columns }, (_, c) => c).filter((c) => !taken.has(c));
    return { rowOrder: asTheyAre, columnOrder: [...[...pairs].filter((c) => c >= 0), ...left], pairs };
  }, [value, sorted]);
  const scale = useMemo(() => colorScale({ sequential: view.palette, theme }), [view.palette, theme]);
  const naming = (layers: Layers) => {
    const heads = allHeads(layers);
    return (h: number) => (([l, head]) => `${l + 1}.${head + 1}`)(heads[h] ?? [0, 0]);
  };
  const set = (change: Partial<typeof view.likeness>) => attentionView.set({ likeness: { ...view.likeness, ...change } });
  return (
    <div ref={box} className="flex min-w-0 flex-col gap-2">
      <div className="flex flex-wrap items-center gap-3 text-xs text-dim">
        <Choose
          label="compared with"
          options={[{ value: '', text: 'each other' }, ...others.map(runOption)]}
          value={otherId ?? ''}
          unlisted={`run ${otherId}`}
          onPick={(id) => set({ with: id || null })}
        />
        {otherId === null && (
          <Check title="heads with similar maps beside each other" checked={sorted} onChange={(on) => set({ sorted: on })}>
            like beside like
          </Check>
        )}
        {progress !== null && <span role="status">{Math.round(100 * progress)} % compared</span>}
      </div>
      {problem && <Remark tone="warn">{`${beside.name ?? otherId}: ${problem}`}</Remark>}
      {otherId !== null && !problem && !other && <Remark>the other run is loading …</Remark>}
      {!own && <Remark>the maps of all examples are loading …</Remark>}
      {ragged && <Remark>Heads with maps of different sizes have nothing to compare: they count as 1 apart.</Remark>}
      {!alike && <Remark tone="warn">The probe examples are not the same: the means over them are compared.</Remark>}
      {value && order && width > 0 && (start || !problem) && (
        <div className="flex flex-wrap items-start gap-6">
          <div className="flex flex-col gap-2">
            <LikenessMatrix
              distances={value.distances}
              {...order}
              columns={value.columns}
              rowName={naming(value.layers)}
              columnName={naming(value.otherLayers)}
              scale={scale}
              active={large.head ? placeOfHead(value.layers, large.head.layer, large.head.head) : -1}
              width={Math.min(width, 560)}
              label={`Jensen-Shannon distances between heads, rows this run${value.matched ? `, columns ${beside.name}` : ''}`}
              onPick={(h) => pickHead(allHeads(value.layers)[h] ?? null)}
            />
            <ColorBar scale={scale} title="distance (Jensen–Shannon): 0 the same, 1 nothing in common" />
          </div>
          {order.pairs && (
            <Pairs
              value={value}
              pairs={order.pairs}
              other={`${beside.name}${beside.look.shown ? ` at step ${count(beside.look.shown.recorded.step)}` : ''}`}
            />
          )}
        </div>
      )}
    </div>
  );
}

interface Compared {
  distances: Float64Array;
  columns: number;
  layers: Layers;
  otherLayers: Layers;
}

function Pairs({ value, pairs, other }: { value: Compared; pairs: Int32Array; other: string }) {
  const { distances, columns } = value;
  const [heads, otherHeads] = [allHeads(value.layers), allHeads(value.otherLayers)];
  const name = (h: number, of: readonly HeadId[]) => headName(...of[h]!);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region has to be reachable by keyboard.
    <section tabIndex={0} aria-label="paired heads" className="relative max-h-96 overflow-auto">
      <table className="text-xs" data-testid="head-pairs">
        <caption className="pb-1 text-left text-dim">the pairing with the least distance in all</caption>
        <thead className="text-left text-dim">
          <tr>
            {['this run', other, 'distance'].map((head) => (
              <th key={head} scope="col" className="pr-4 font-medium last:pr-0 last:text-right">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {[...pairs].map((column, row) => (
            <tr key={row}>
              <th scope="row" className="pr-4 text-left font-normal">
                {name(row, heads)}
              </th>
              <td className="pr-4">{column < 0 ? 'none left' : name(column, otherHeads)}</td>
              <td className="text-right font-mono">{column < 0 ? '–' : distances[row * columns + column]!.toFixed(3)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

const sizesOf = ({ layers }: AttentionSnapshot): string => [...new Set(layers.map((l) => `${l.queries} × ${l.keys}`))].join(', ');

/** Every head's maps: one per example, or, where the examples differ, their mean with the targets aligned. */
function headsOf(s: AttentionSnapshot, byExample: boolean): HeadExamples[] {
  const mean = byExample ? null : overExamples(s, 'mean', targetKeys(s) !== null);
  return allHeads(s.layers).map(([l, h]) => {
    const size = { queries: s.layers[l]!.queries, keys: s.layers[l]!.keys };
    const cells = size.queries * size.keys;
    return {
      size,
      maps: mean
        ? [mean[l]!.subarray(h * cells, (h + 1) * cells)]
        : Array.from({ length: s.examples }, (_, e) => mapOf(s, e, l, h)),
    };
  });
}

function sameExamples(a: AttentionSnapshot, b: AttentionSnapshot): boolean {
  const keys = (s: AttentionSnapshot) => Array.from({ length: s.examples }, (_, e) => exampleKey(s, e));
  const others = keys(b);
  return a.examples === b.examples && keys(a).every((key, e) => key !== null && key === others[e]);
}

/** The snapshot of a step with the maps of all its examples, once they are loaded. */
function useAllMaps(snapshots: Snapshots, step: number): AttentionSnapshot | null {
  const { feed } = snapshots;
  const version = useFeedVersion(snapshots);
  const recorded = feed.recorded[nearestIndex(feed.recorded, step)];
  useEffect(() => {
    if (recorded) feed.want(recorded, null);
  }, [feed, recorded]);
  return useMemo(() => {
    void version;
    return recorded ? feed.at(recorded, null) : null;
  }, [feed, recorded, version]);
}
