import { useEffect, useMemo } from 'react';
import { within } from '~/app/_charts/attention/focus';
import { History, type RowHistory } from '~/app/_charts/attention/History';
import { type SignalLine, SignalLines } from '~/app/_charts/attention/SignalLines';
import type { ColorScale } from '~/app/_charts/attention/scale';
import type { StepAxis } from '~/app/_charts/attention/stepAxis';
import { headName } from '~/app/_charts/attention/tokens';
import { setCursor } from '~/app/_live/cursor';
import { type Snapshots, useFeedVersion } from '~/app/_live/snapshots';
import { visibleKeys } from '~/shared/attention';
import { focusStore, useFocus } from './focusStore';
import type { Large } from './large';
import { rowHistory } from './rowHistory';
import { StepCursor } from './StepCursor';
import type { Scene } from './useScene';

const unitDomain = [0, 1] as const;

/** The pinned cell's query over all snapshots. While it is open, it loads the missing ones. */
export function PinnedHistory({
  snapshots,
  scene,
  large,
  axis,
  scale,
}: {
  snapshots: Snapshots;
  scene: Scene;
  large: Large;
  axis: StepAxis;
  scale: ColorScale;
}) {
  const { feed } = snapshots;
  const pinned = within(useFocus().pinned, scene.maps);
  const version = useFeedVersion(snapshots);
  const query = pinned?.query ?? null;
  const head = large.head;
  const example = scene.source.kind === 'example' ? scene.source.example : null;
  const open = query !== null && head !== null && example !== null && query < (scene.maps.layers[head.layer]?.queries ?? 0);
  useEffect(() => {
    feed.wantEverything(open, example);
    return () => feed.wantEverything(false);
  }, [feed, open, example]);
  const history = useMemo((): RowHistory | null => {
    void version;
    if (!open) return null;
    return rowHistory(feed, scene.snapshot, head, example, query);
  }, [feed, scene.snapshot, head, example, query, open, version]);
  if (!history || query === null || !head)
    return <p className="text-xs text-dim">Pin a cell of one head (click it) to see its query's weights over all steps.</p>;
  const key = pinned?.key ?? null;
  const words = `${headName(head.layer, head.head)}, query ${query + 1}${key === null ? '' : ` to key ${key + 1}`}`;
  const line: SignalLine[] =
    key === null
      ? []
      : [
          {
            name: words,
            steps: history.steps,
            values: Float64Array.from(history.steps, (_, n) => history.rows[n * history.keys + key]!),
            strong: true,
          },
        ];
  const cursor = <StepCursor axis={axis} recordedStep={scene.recorded.step} />;
  return (
    <div className="flex flex-col gap-1" data-testid="history">
      <p className="text-xs text-dim">
        <strong className="text-ink">History of {words}</strong> ({history.steps.length} of {history.recorded} snapshots loaded
        {history.steps.length < history.recorded ? '; the others are still coming, or too many for this page' : ''})
      </p>
      {key !== null && (
        <SignalLines
          title={`weight of query ${query + 1} on key ${key + 1}`}
          lines={line}
          chance={{
            value: 1 / visibleKeys({ ...scene.maps.layers[head.layer]!, causal: scene.maps.causal }, query),
            label: 'uniform',
          }}
          axis={axis}
          height={48}
          domain={unitDomain}
          cursor={cursor}
          onJump={(s) => setCursor.pin(s)}
          onHoverStep={(s) => setCursor.hover(s)}
        />
      )}
      <History
        history={history}
        activeKey={key}
        tokenText={(k) => scene.tokensOf(head.layer).keys[k]?.text ?? String(k + 1)}
        scale={scale}
        axis={axis}
        label={`weights of ${words}`}
        cursor={cursor}
        onJump={(s) => setCursor.pin(s)}
        onKey={(k) =>
          k !== key && focusStore.send({ type: 'click', spot: { layer: head.layer, head: head.head, query, key: k } })
        }
      />
    </div>
  );
}
