import { useMemo, useRef } from 'react';
import { aggregate, asWeights, deriveMaps, mapSize } from '~/app/_charts/attention/derive';
import { type FlowLayer, FlowLines } from '~/app/_charts/attention/FlowLines';
import { edges } from '~/app/_charts/attention/flow';
import type { MapTokens } from '~/app/_charts/attention/tokens';
import { useSize } from '~/app/_charts/useSize';
import { Choose } from '~/app/_components/Choose';
import { Remark } from '~/app/_components/Remark';
import { attentionView } from '~/app/_live/attentionView';
import { focusStore } from '~/app/_run/attention/focusStore';
import { Check } from '~/app/_run/attention/Toolbar';
import { useLit, useWorkspace } from '~/app/_run/attention/workspaceContext';
import { rolloutFrom } from '~/shared/attention';
import { headCount } from '~/shared/snapshotFile';

const shares = [0, 0.5, 0.7, 0.9] as const;

/** Which tokens each token attends to, layer by layer, averaged over the heads that are shown. */
export function Flow() {
  const { scene, view } = useWorkspace();
  const { lit } = useLit();
  const box = useRef<HTMLDivElement>(null);
  const { width } = useSize(box);
  const { snapshot, source, shown } = scene;
  const { mass, rollout } = view.flow;
  const layers = useMemo((): FlowLayer[] => {
    const maps = deriveMaps(snapshot, asWeights(source), null);
    return scene.lines.layers.map((layer) => {
      const own = shown.filter(([l]) => l === layer);
      return { layer, name: snapshot.layers[layer]!.name, ...mapSize(maps, layer), map: aggregate(maps, own, 'mean').values };
    });
  }, [snapshot, source, shown, scene.lines.layers]);
  const square = layers.every((l) => l.queries === l.keys && l.keys === layers[0]!.keys);
  const size = layers[0]!.keys;
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
  const broken = layers.findIndex((l, i) => i > 0 && l.keys !== layers[i - 1]!.queries);
  if (broken > 0)
    return (
      <Remark>
        {layers[broken]!.name} has {layers[broken]!.keys} keys, the layer before it gives {layers[broken - 1]!.queries}: what one
        layer gives is not what the next one takes, so nothing flows through. Show layers that follow each other.
      </Remark>
    );
  const inputs = scene.tokensOf(layers[0]!.layer).keys;
  const outputs = scene.tokensOf(layers.at(-1)!.layer).queries;
  const set = (change: Partial<typeof view.flow>) => attentionView.set({ flow: { ...view.flow, ...change } });
  const offered = shares.some((m) => m === mass) ? shares : [mass, ...shares];
  const few = shown.length < headCount(snapshot.layers);
  return (
    <div ref={box} className="min-w-0">
      <div className="mb-1 flex flex-wrap items-center gap-3 text-xs text-dim">
        <Choose
          label="lines"
          options={offered.map((m) => ({
            value: String(m),
            text: m === 0 ? 'top key of each token' : `${Math.round(100 * m)} % of the weight`,
          }))}
          value={String(mass)}
          onPick={(m) => set({ mass: Number(m) })}
        />
        <Check
          title="the product over layers of (mean map + identity) / 2: what an output draws on if half of every token is carried past each layer"
          checked={rollout && square}
          disabled={!square}
          onChange={(on) => set({ rollout: on })}
        >
          rollout
        </Check>
        <span>
          mean of {few ? 'the heads shown in each layer' : 'all heads of each layer'}
          {drawnOn && `; filled nodes: what ${query === null ? 'all outputs together draw' : `output ${query + 1} draws`} on`}
        </span>
      </div>
      {view.asTable ? (
        <FlowTable layers={layers} mass={mass} tokensOf={scene.tokensOf} inputs={drawnOn?.[0] ?? null} />
      ) : (
        width > 0 && (
          <FlowLines
            layers={layers}
            mass={mass}
            shares={drawnOn}
            inputs={inputs}
            outputs={outputs}
            lit={lit}
            width={Math.min(width, 180 + 240 * layers.length)}
            onFocus={focusStore.send}
          />
        )
      )}
    </div>
  );
}

interface FlowTableProps {
  layers: readonly FlowLayer[];
  mass: number;
  tokensOf: (layer: number) => MapTokens;
  inputs: Float64Array | null;
}

function FlowTable({ layers, mass, tokensOf, inputs }: FlowTableProps) {
  const rows = layers.flatMap((layer, l) => {
    const all = edges(layer.map, layer, mass);
    const tokens = tokensOf(layer.layer).queries;
    return Array.from({ length: layer.queries }, (_, q) => ({
      layer: layer.name,
      token: tokens[q]?.name ?? String(q + 1),
      keys: all.filter((e) => e.query === q).map((e) => `${e.key + 1}: ${e.weight.toFixed(2)}`),
      rollout: l === 0 && inputs ? inputs[q]!.toFixed(3) : '',
    }));
  });
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region has to be reachable by keyboard.
    <section tabIndex={0} aria-label="table: flow" className="relative max-h-96 overflow-auto">
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
          {rows.map(({ layer, token, keys, rollout }, n) => (
            <tr key={n}>
              <td className="pr-4">{layer}</td>
              <th scope="row" className="pr-4 text-left font-normal whitespace-nowrap">
                {token}
              </th>
              <td className="pr-4 font-mono">{keys.join(', ')}</td>
              {inputs && <td className="font-mono">{rollout}</td>}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
