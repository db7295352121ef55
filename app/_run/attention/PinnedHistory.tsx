import { useCallback, useEffect, useMemo } from 'react';
import { type SignalLine, SignalLines } from '~/app/_charts/attention/SignalLines';
import { type Steps, Strips } from '~/app/_charts/attention/StepPlot';
import { colorScale } from '~/app/_charts/attention/scale';
import { headName } from '~/app/_charts/attention/tokens';
import { beginning } from '~/app/_charts/format';
import { count } from '~/app/_components/format';
import { Remark } from '~/app/_components/Remark';
import { useFeedVersion } from '~/app/_live/snapshots';
import { exampleKey } from '~/shared/aboutSnapshot';
import { visibleKeys } from '~/shared/attention';
import { focusStore } from './focusStore';
import { rowHistory } from './rowHistory';
import { useLit, useWorkspace } from './workspaceContext';

const unitDomain = [0, 1] as const;

/** The pinned cell's query over all snapshots: keys down, steps across. While it is open, it loads the missing ones. */
export function PinnedHistory({ steps }: { steps: Steps }) {
  const { snapshots, scene, large, view, theme } = useWorkspace();
  const { feed } = snapshots;
  const { pinned } = useLit();
  const version = useFeedVersion(snapshots);
  const [query, key] = [pinned?.query ?? null, pinned?.key ?? null];
  const { head } = large;
  const { example } = scene;
  const open = query !== null && head !== null && example !== null && query < (scene.maps.layers[head.layer]?.queries ?? 0);
  useEffect(() => {
    feed.wantEverything(open, example);
    return () => feed.wantEverything(false);
  }, [feed, open, example]);
  const { layer, head: number } = head ?? { layer: 0, head: 0 };
  // The same rows for every step with these inputs: nothing is drawn again while the page moves through the steps.
  const inputs = example === null ? null : exampleKey(scene.snapshot, example);
  // biome-ignore lint/correctness/useExhaustiveDependencies: of the snapshot only its inputs and the sizes of its maps are read.
  const history = useMemo(() => {
    void version;
    return open ? rowHistory(feed, scene.snapshot, { layer, head: number }, example, query) : null;
  }, [feed, inputs, scene.maps.layers, layer, number, example, query, open, version]);
  const keys = history?.keys ?? 0;
  const scale = useMemo(() => colorScale({ sequential: view.palette, theme }), [view.palette, theme]);
  const valueAt = useCallback((k: number, n: number) => history!.rows[n * keys + k]!, [history, keys]);
  const lines = useMemo((): SignalLine[] => {
    if (!history || key === null) return [];
    const values = Float64Array.from(history.steps, (_, n) => history.rows[n * history.keys + key]!);
    return [{ steps: history.steps, values, strong: true }];
  }, [history, key]);
  const tokens = scene.tokensOf(layer).keys;
  const strip = keys <= 12 ? 10 : keys <= 24 ? 8 : keys <= 64 ? 4 : 2;
  const strips = useMemo(
    () =>
      Array.from({ length: keys }, (_, k) => {
        const [on, room] = [k === key, k % Math.ceil(9 / strip) === 0];
        return { label: on || room ? beginning(tokens[k]?.text ?? String(k + 1), 5) : null, on };
      }),
    [keys, tokens, key, strip],
  );
  const visible = query === null ? 1 : visibleKeys({ ...scene.maps.layers[layer]!, causal: scene.maps.causal }, query);
  const chance = useMemo(() => ({ value: 1 / visible, label: 'uniform' }), [visible]);
  const onPress = useCallback(
    (k: number) => k !== key && focusStore.send({ type: 'click', spot: { layer, head: number, query, key: k } }),
    [layer, number, query, key],
  );
  if (!history || query === null)
    return <Remark>Pin a cell of one head (click it) to see its query's weights over all steps.</Remark>;
  const words = `${headName(layer, number)}, query ${query + 1}${key === null ? '' : ` to key ${key + 1}`}`;
  return (
    <div className="flex flex-col gap-1" data-testid="history">
      <Remark>
        <strong className="text-ink">History of {words}</strong> ({history.steps.length} of {history.recorded} snapshots loaded
        {history.steps.length < history.recorded ? '; the others are still coming, or too many for this page' : ''})
      </Remark>
      {key !== null && (
        <SignalLines
          title={`weight of query ${query + 1} on key ${key + 1}`}
          lines={lines}
          chance={chance}
          steps={steps}
          height={48}
          domain={unitDomain}
        />
      )}
      <Strips
        steps={steps}
        label={`weights of ${words} over ${count(history.steps.length)} of ${count(history.recorded)} recorded steps`}
        at={history.steps}
        strips={strips}
        strip={strip}
        gap={0}
        valueAt={valueAt}
        scale={scale}
        onPress={onPress}
        framed={key}
      />
    </div>
  );
}
