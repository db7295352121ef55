'use client';

import { memo, useEffect, useMemo, useRef, useSyncExternalStore } from 'react';
import { mapOf } from '~/shared/attentionSnapshot';
import { chanceLoss } from '~/shared/collapse';
import { ColourBar } from '../../_charts/attention/ColourBar';
import { within } from '../../_charts/attention/focus';
import { History, type RowHistory } from '../../_charts/attention/History';
import { Ribbons, ribbonLabelWidth, StepLine } from '../../_charts/attention/Ribbons';
import { peakOf } from '../../_charts/attention/raster';
import { type SignalLine, SignalLines } from '../../_charts/attention/SignalLines';
import { type ColourScale, colourScale } from '../../_charts/attention/scale';
import type { HeadId } from '../../_charts/attention/selection';
import { type StepAxis, stepAxis, xOf } from '../../_charts/attention/stepAxis';
import { headName } from '../../_charts/attention/tokens';
import { useSize } from '../../_charts/useSize';
import type { AttentionView } from '../../_live/attentionView';
import { attentionView } from '../../_live/attentionView';
import { setCursor, useCursor } from '../../_live/cursor';
import { type Snapshots, useFeedVersion, useSignalVersion } from '../../_live/snapshots';
import { useHistory, useWanted } from '../../_live/useHistory';
import { useView } from '../../_live/useRun';
import { focusStore, useFocus } from './focusStore';
import type { Large } from './large';
import { signalInfo } from './signals';
import { selectClass } from './Toolbar';
import type { Scene } from './useScene';

/** How every head got to where it is: loss, one signal as lines and ribbons, and the history of the pinned cell. One cursor, one step axis. */
export const OverTime = memo(function OverTime({
  snapshots,
  scene,
  view,
  large,
  theme,
}: {
  snapshots: Snapshots;
  scene: Scene;
  view: AttentionView;
  large: Large;
  theme: 'light' | 'dark';
}) {
  const box = useRef<HTMLDivElement>(null);
  const { width } = useSize(box);
  const headStep = useView((v) => v.step, 0);
  const zoom = useCursor((c) => c.zoom);
  const plot = Math.max(60, width - ribbonLabelWidth);
  const axis = useMemo(() => stepAxis(headStep, zoom, plot), [headStep, zoom, plot]);
  const version = useSignalVersion(snapshots);
  const { feed, table } = snapshots;
  const { layers, heads, keys } = scene.snapshot;

  const names = useMemo(() => {
    void version;
    return table.names(feed.recorded);
  }, [table, feed, version]);
  const own = scene.snapshot.task === 'reverse' ? 'antiDiagonal' : 'oddMass';
  const signal = view.signal !== null && names.includes(view.signal) ? view.signal : names.includes(own) ? own : names[0];
  const info = signalInfo(signal ?? 'entropy', keys);
  const series = useMemo(() => {
    void version;
    return table.series(signal ?? '', feed.recorded, layers * heads);
  }, [table, feed, signal, layers, heads, version]);
  const scale = useMemo(() => {
    const peak = info.unit ? 1 : peakOf(Float32Array.from(series.values));
    return colourScale({ kind: info.unit ? 'unit' : 'shared', quantity: 'weight', keys, peak, sequential: view.palette, theme });
  }, [info.unit, series, keys, view.palette, theme]);
  const weights = useMemo(
    () => colourScale({ kind: 'unit', quantity: 'weight', keys, peak: 1, sequential: view.palette, theme }),
    [keys, view.palette, theme],
  );
  const strong = large.head ? large.head.layer * heads + large.head.head : -1;
  const lines = useMemo(
    (): SignalLine[] =>
      scene.shown.map(([l, h]) => {
        const at = l * heads + h;
        const values = Float64Array.from(series.steps, (_, n) => series.values[n * series.width + at]!);
        return { name: headName(l, h), steps: series.steps, values, strong: at === strong || scene.shown.length === 1 };
      }),
    [series, scene.shown, heads, strong],
  );

  const handlers = useMemo(
    () => ({ onJump: (step: number) => setCursor.pin(step), onHoverStep: (step: number | null) => setCursor.hover(step) }),
    [],
  );
  const cursor = <Cursor axis={axis} recordedStep={scene.recorded.step} />;
  return (
    <section ref={box} aria-label="attention over steps" className="flex min-w-0 flex-col gap-1.5">
      <header className="flex flex-wrap items-center gap-2 text-xs text-dim">
        <h3 className="font-semibold text-ink">Over {series.steps.length} recorded steps</h3>
        <label className="flex items-center gap-1">
          coloured by
          <select className={selectClass} value={signal ?? ''} onChange={(e) => attentionView.set({ signal: e.target.value })}>
            {names.map((n) => (
              <option key={n} value={n}>
                {signalInfo(n, keys).label}
              </option>
            ))}
          </select>
        </label>
        <span>{info.help}</span>
      </header>
      {width > 0 && (
        <>
          <LossLine axis={axis} cursor={cursor} {...handlers} />
          <SignalLines
            title={`${info.label}, ${large.head ? headName(large.head.layer, large.head.head) : 'every head'}`}
            lines={lines}
            chance={info.chance}
            axis={axis}
            height={64}
            domain={info.unit ? unitDomain : null}
            cursor={cursor}
            {...handlers}
          />
          <Ribbons
            steps={series.steps}
            values={series.values}
            headsPerLayer={heads}
            shown={scene.shown}
            scale={scale}
            axis={axis}
            label={info.label}
            active={large.head}
            cursor={cursor}
            {...handlers}
            onPickHead={pickHead}
          />
          <div style={{ paddingLeft: ribbonLabelWidth }}>
            <StepTicks axis={axis} />
            <ColourBar scale={scale} title={info.label} ownScales={false} />
          </div>
          <PinnedHistory snapshots={snapshots} scene={scene} large={large} axis={axis} scale={weights} />
        </>
      )}
    </section>
  );
});

const unitDomain = [0, 1] as const;
const pickHead = ([layer, head]: HeadId) => focusStore.send({ type: 'click', spot: { layer, head, query: null, key: null } });

function Cursor({ axis, recordedStep }: { axis: StepAxis; recordedStep: number }) {
  const { step, hoverStep } = useCursor((c) => ({ step: c.step, hoverStep: c.hoverStep }));
  const inside = (s: number) => s >= axis.first && s <= axis.last;
  return (
    <>
      {hoverStep !== null && inside(hoverStep) && <StepLine x={xOf(axis, hoverStep)} height="100%" faint />}
      {inside(recordedStep) && recordedStep !== step && <StepLine x={xOf(axis, recordedStep)} height="100%" faint />}
      {inside(step) && <StepLine x={xOf(axis, step)} height="100%" />}
    </>
  );
}

function StepTicks({ axis }: { axis: StepAxis }) {
  const at = [0, 0.25, 0.5, 0.75, 1];
  return (
    <div aria-hidden className="relative mb-1 h-3.5 text-[9px] leading-3 text-dim">
      {at.map((f) => (
        <span key={f} className="absolute" style={{ left: `${100 * f}%`, transform: `translateX(${-100 * f}%)` }}>
          {f === 0 ? 'step ' : ''}
          {Math.round(axis.first + f * (axis.last - axis.first)).toLocaleString('en-US')}
        </span>
      ))}
    </div>
  );
}

const lossOnly = ['loss'];

function LossLine({
  axis,
  cursor,
  onJump,
  onHoverStep,
}: {
  axis: StepAxis;
  cursor: React.ReactNode;
  onJump: (s: number) => void;
  onHoverStep: (s: number | null) => void;
}) {
  const history = useHistory();
  useWanted(history, lossOnly);
  const version = useSyncExternalStore(
    (listener) => history.subscribe(listener),
    () => history.curve('loss')?.version ?? -1,
    () => -1,
  );
  const choices = useView((v) => (v.config.task.kind === 'reverse' ? v.config.task.numClasses : v.config.task.setSize), 10);
  const lines = useMemo((): SignalLine[] => {
    void version;
    const curve = history.curve('loss');
    if (!curve) return [];
    const steps = Float64Array.from({ length: curve.count }, (_, i) => curve.firstStep + i * curve.bucketSteps);
    const values = Float64Array.from(
      { length: curve.count },
      (_, i) => curve.values.sum[i]! / (curve.rows[i]! - curve.values.nonFinite[i]!),
    );
    return [{ name: 'loss', steps, values, strong: true }];
  }, [history, version]);
  const chance = useMemo(() => ({ value: chanceLoss(choices), label: `guessing, ln ${choices}` }), [choices]);
  return (
    <SignalLines
      title="training loss"
      lines={lines}
      chance={chance}
      axis={axis}
      height={64}
      domain={null}
      cursor={cursor}
      onJump={onJump}
      onHoverStep={onHoverStep}
    />
  );
}

/** The pinned cell's query over all snapshots at hand. Asks for all of them while it is open. */
function PinnedHistory({
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
  scale: ColourScale;
}) {
  const { feed } = snapshots;
  const pinned = within(useFocus().pinned, scene.maps);
  const version = useFeedVersion(snapshots);
  const query = pinned?.query ?? null;
  const head = large.head;
  const example = scene.source.kind === 'example' ? scene.source.example : null;
  const open = query !== null && head !== null && example !== null && query < scene.maps.queries;
  useEffect(() => {
    feed.wantEverything(open);
    return () => feed.wantEverything(false);
  }, [feed, open]);
  const history = useMemo((): RowHistory | null => {
    void version;
    if (!open) return null;
    return rowHistory(snapshots, scene, head, example, query);
  }, [snapshots, scene, head, example, query, open, version]);
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
  const cursor = <Cursor axis={axis} recordedStep={scene.recorded.step} />;
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
          chance={{ value: 1 / history.keys, label: 'uniform' }}
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
        tokenText={(k) => scene.tokens[k]?.text ?? String(k + 1)}
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

function rowHistory(
  { feed }: Snapshots,
  scene: Scene,
  head: { layer: number; head: number },
  example: number,
  query: number,
): RowHistory {
  const { keys } = scene.maps;
  const inputs = (s: Scene['snapshot']) => s.inputs.subarray(example * s.keys, (example + 1) * s.keys).join();
  const wanted = inputs(scene.snapshot);
  const at: number[] = [];
  const rows: Float32Array[] = [];
  for (const r of feed.recorded) {
    const s = feed.peek(r);
    // Other probe examples are another story.
    if (!s || s.keys !== keys || example >= s.examples || head.layer >= s.layers || head.head >= s.heads || inputs(s) !== wanted)
      continue;
    at.push(r.step);
    rows.push(mapOf(s, example, head.layer, head.head).subarray(query * keys, (query + 1) * keys));
  }
  const all = new Float32Array(rows.length * keys);
  rows.forEach((row, n) => {
    all.set(row, n * keys);
  });
  return { steps: Float64Array.from(at), rows: all, keys, recorded: feed.recorded.length };
}
