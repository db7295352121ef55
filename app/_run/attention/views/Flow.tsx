import { useMemo, useRef } from 'react';
import { aggregate, deriveMaps } from '~/app/_charts/attention/derive';
import { FlowLines } from '~/app/_charts/attention/FlowLines';
import { edges } from '~/app/_charts/attention/flow';
import type { Token } from '~/app/_charts/attention/tokens';
import { useSize } from '~/app/_charts/useSize';
import { attentionView } from '~/app/_live/attentionView';
import { focusStore } from '~/app/_run/attention/focusStore';
import type { HeadViewProps } from '~/app/_run/attention/HeadViews';
import { selectClass } from '~/app/_run/attention/Toolbar';
import { rolloutFrom } from '~/shared/attention';

const shares = [0, 0.5, 0.7, 0.9] as const;

/** What each token draws on, layer by layer, over the heads that are shown. */
export function Flow({ scene, view, lit }: HeadViewProps) {
  const box = useRef<HTMLDivElement>(null);
  const { width } = useSize(box);
  const { snapshot, source, shown, tokens } = scene;
  const { mass, rollout } = view.flow;
  const square = snapshot.queries === snapshot.keys;
  const layers = useMemo(() => {
    // A spread is no weight to follow.
    const maps = deriveMaps(snapshot, source.kind === 'spread' ? { ...source, kind: 'mean' } : source, null);
    return scene.lines.layers.map((layer) => ({
      layer,
      map: aggregate(
        maps,
        shown.filter(([l]) => l === layer),
        'mean',
      ).values,
    }));
  }, [snapshot, source, shown, scene.lines.layers]);
  const size = snapshot.keys;
  const query = lit?.query ?? null;
  const drawnOn = useMemo(
    () =>
      rollout && square
        ? rolloutFrom(
            layers.map((l) => l.map),
            size,
            query,
          )
        : null,
    [layers, size, query, rollout, square],
  );
  if (!square)
    return (
      <p className="text-xs text-dim">
        These maps are {snapshot.queries} × {snapshot.keys}: what a layer gives is not what the next one takes, so nothing flows
        through.
      </p>
    );
  const set = (change: Partial<typeof view.flow>) => attentionView.set({ flow: { ...view.flow, ...change } });
  const few = shown.length < snapshot.layers * snapshot.heads;
  return (
    <div ref={box} className="min-w-0">
      <div className="mb-1 flex flex-wrap items-center gap-3 text-xs text-dim">
        <label className="flex items-center gap-1">
          lines
          <select className={selectClass} value={mass} onChange={(e) => set({ mass: Number(e.target.value) })}>
            {!shares.some((s) => s === mass) && <option value={mass}>{Math.round(100 * mass)} % of the weight</option>}
            {shares.map((s) => (
              <option key={s} value={s}>
                {s === 0 ? 'top key of each token' : `${100 * s} % of the weight`}
              </option>
            ))}
          </select>
        </label>
        <label
          className="flex items-center gap-1"
          title="the product over layers of (mean map + identity) / 2: what an output draws on if half of every token is carried past each layer"
        >
          <input type="checkbox" checked={rollout} onChange={(e) => set({ rollout: e.target.checked })} />
          rollout
        </label>
        <span>
          mean of {few ? 'the heads shown in each layer' : 'all heads of each layer'}
          {rollout && `; filled nodes: what ${query === null ? 'all outputs together draw' : `output ${query + 1} draws`} on`}
        </span>
      </div>
      {view.asTable ? (
        <FlowTable layers={layers} size={size} mass={mass} tokens={tokens} inputs={drawnOn?.[0] ?? null} />
      ) : (
        width > 0 && (
          <FlowLines
            layers={layers}
            size={size}
            mass={mass}
            shares={drawnOn}
            tokens={tokens}
            lit={lit}
            width={Math.min(width, 180 + 240 * layers.length)}
            onFocus={focusStore.send}
          />
        )
      )}
    </div>
  );
}

function FlowTable({
  layers,
  size,
  mass,
  tokens,
  inputs,
}: {
  layers: readonly { layer: number; map: Float32Array }[];
  size: number;
  mass: number;
  tokens: readonly Token[];
  inputs: Float64Array | null;
}) {
  const name = (t: number) => tokens[t]?.name ?? String(t + 1);
  const kept = layers.flatMap(({ layer, map }) => {
    const all = edges(map, { queries: size, keys: size }, mass);
    return Array.from({ length: size }, (_, q) => ({ layer, q, own: all.filter((e) => e.query === q) }));
  });
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region has to be reachable by key.
    <section tabIndex={0} aria-label="table: flow" className="max-h-96 overflow-auto">
      <table className="text-xs" data-testid="flow-table">
        <caption className="sr-only">For each layer and token, the keys that make up its weight</caption>
        <thead className="text-left text-dim">
          <tr>
            {['layer', 'token', 'draws on', ...(inputs ? ['rollout to this input'] : [])].map((h) => (
              <th key={h} scope="col" className="pr-4 font-medium">
                {h}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {kept.map(({ layer, q, own }) => (
            <tr key={`${layer}.${q}`}>
              <td className="pr-4">{layer + 1}</td>
              <th scope="row" className="pr-4 text-left font-normal whitespace-nowrap">
                {name(q)}
              </th>
              <td className="pr-4 font-mono">{own.map((e) => `${e.key + 1}: ${e.weight.toFixed(2)}`).join(', ')}</td>
              {inputs && <td className="font-mono">{layer === layers[0]!.layer ? inputs[q]!.toFixed(3) : ''}</td>}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
