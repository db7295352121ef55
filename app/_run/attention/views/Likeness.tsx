import { useMemo, useRef } from 'react';
import { ColourBar } from '~/app/_charts/attention/ColourBar';
import { LikenessMatrix } from '~/app/_charts/attention/LikenessMatrix';
import { colourScale } from '~/app/_charts/attention/scale';
import { headName } from '~/app/_charts/attention/tokens';
import { useSize } from '~/app/_charts/useSize';
import { attentionView } from '~/app/_live/attentionView';
import { useOtherRun, useRunsOfRecipe } from '~/app/_live/otherRun';
import { useRunStore } from '~/app/_live/RunProvider';
import { focusStore } from '~/app/_run/attention/focusStore';
import type { HeadViewProps } from '~/app/_run/attention/HeadViews';
import { selectClass } from '~/app/_run/attention/Toolbar';
import { useSettled } from '~/app/_run/attention/useSettled';
import { type AttentionSnapshot, mapOf, overExamples } from '~/shared/attentionSnapshot';
import { cheapestPairs, type HeadExamples, headDistances, likeTogether } from '~/shared/headMatching';
import { useWork } from './useWork';

/** Heads that look alike beside each other; or this run's heads paired with another's, so that seeds can be compared head by head. */
export function Likeness({ scene, large, view, theme }: HeadViewProps) {
  const box = useRef<HTMLDivElement>(null);
  const { width } = useSize(box);
  const { runId } = useRunStore();
  const others = useRunsOfRecipe(scene.snapshot.task, runId);
  const { with: otherId, sorted } = view.likeness;
  const own = useSettled(scene.snapshot);
  const beside = useOtherRun(otherId, scene.recorded.step);
  const other = otherId === null ? null : (beside.look.shown?.snapshot ?? null);
  const problem =
    otherId === null
      ? null
      : (beside.error ??
        beside.look.error ??
        (other && (other.queries !== own.queries || other.keys !== own.keys)
          ? `its maps are ${other.queries} × ${other.keys}, these ${own.queries} × ${own.keys}: heads cannot be compared`
          : null));
  const fitting = problem ? null : other;
  const alike = fitting ? sameExamples(own, fitting) : true;
  const start = useMemo(() => {
    if (otherId !== null && !fitting) return null;
    return function* () {
      const [a, b] = fitting ? [headsOf(own, alike), headsOf(fitting, alike)] : [headsOf(own, true), null];
      const distances = yield* headDistances(a, b ?? a, own);
      return {
        distances,
        rows: a.length,
        columns: (b ?? a).length,
        heads: own.heads,
        otherHeads: fitting?.heads ?? own.heads,
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
  const scale = useMemo(
    () => colourScale({ kind: 'unit', quantity: 'weight', keys: 2, peak: 1, sequential: view.palette, theme }),
    [view.palette, theme],
  );
  const naming = (heads: number) => (h: number) => `${Math.floor(h / heads) + 1}.${(h % heads) + 1}`;
  const set = (change: Partial<typeof view.likeness>) => attentionView.set({ likeness: { ...view.likeness, ...change } });
  const pick = (h: number) =>
    focusStore.send({
      type: 'click',
      spot: { layer: Math.floor(h / own.heads), head: h % own.heads, query: null, key: null },
    });
  return (
    <div ref={box} className="flex min-w-0 flex-col gap-2">
      <div className="flex flex-wrap items-center gap-3 text-xs text-dim">
        <label className="flex items-center gap-1">
          compared with
          <select className={selectClass} value={otherId ?? ''} onChange={(e) => set({ with: e.target.value || null })}>
            <option value="">each other</option>
            {otherId !== null && !others.some((r) => r.runId === otherId) && <option value={otherId}>run {otherId}</option>}
            {others.map((r) => (
              <option key={r.runId} value={r.runId}>
                {r.name} ({r.runId})
              </option>
            ))}
          </select>
        </label>
        {otherId === null && (
          <label className="flex items-center gap-1">
            <input type="checkbox" checked={sorted} onChange={(e) => set({ sorted: e.target.checked })} />
            like beside like
          </label>
        )}
        {progress !== null && <span role="status">{Math.round(100 * progress)} % compared</span>}
      </div>
      {problem && (
        <p role="status" className="text-xs text-warn">
          {beside.name ?? otherId}: {problem}
        </p>
      )}
      {otherId !== null && !problem && !other && <p className="text-xs text-dim">the other run is loading …</p>}
      {!alike && (
        <p role="status" className="text-xs text-warn">
          The probe examples are not the same: the means over them are compared.
        </p>
      )}
      {value && order && width > 0 && (start || !problem) && (
        <div className="flex flex-wrap items-start gap-6">
          <div className="flex flex-col gap-2">
            <LikenessMatrix
              distances={value.distances}
              {...order}
              columns={value.columns}
              rowName={naming(value.heads)}
              columnName={naming(value.otherHeads)}
              scale={scale}
              active={large.head ? large.head.layer * own.heads + large.head.head : -1}
              width={Math.min(width, 560)}
              label={`Jensen-Shannon distances between heads, rows this run${value.matched ? `, columns ${beside.name}` : ''}`}
              onPick={pick}
            />
            <ColourBar scale={scale} title="distance (Jensen–Shannon): 0 the same, 1 nothing in common" ownScales={false} />
          </div>
          {order.pairs && (
            <Pairs value={value} pairs={order.pairs} other={`${beside.name} at step ${beside.look.shown?.recorded.step}`} />
          )}
        </div>
      )}
    </div>
  );
}

interface Compared {
  distances: Float64Array;
  columns: number;
  heads: number;
  otherHeads: number;
}

function Pairs({ value, pairs, other }: { value: Compared; pairs: Int32Array; other: string }) {
  const { distances, columns, heads, otherHeads } = value;
  const name = (h: number, per: number) => headName(Math.floor(h / per), h % per);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region has to be reachable by key.
    <section tabIndex={0} aria-label="paired heads" className="max-h-96 overflow-auto">
      <table className="text-xs" data-testid="head-pairs">
        <caption className="pb-1 text-left text-dim">the pairing with the least distance in all</caption>
        <thead className="text-left text-dim">
          <tr>
            <th scope="col" className="pr-4 font-medium">
              this run
            </th>
            <th scope="col" className="pr-4 font-medium">
              {other}
            </th>
            <th scope="col" className="text-right font-medium">
              distance
            </th>
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

/** Every head's maps: one per example, or, where the examples are not the same, their mean with the odd ones aligned. */
function headsOf(s: AttentionSnapshot, byExample: boolean): HeadExamples[] {
  const cells = s.queries * s.keys;
  const mean = byExample ? null : overExamples(s, 'mean', s.task === 'anomaly');
  return Array.from({ length: s.layers * s.heads }, (_, h) =>
    mean
      ? [mean.subarray(h * cells, (h + 1) * cells)]
      : Array.from({ length: s.examples }, (_, e) => mapOf(s, e, Math.floor(h / s.heads), h % s.heads)),
  );
}

/** Pictures are compared by their numbers, which are of the snapshot's own: two runs of sets are never taken for the same examples. */
function sameExamples(a: AttentionSnapshot, b: AttentionSnapshot): boolean {
  return a.task === 'reverse' && a.examples === b.examples && a.inputs.join() === b.inputs.join();
}
