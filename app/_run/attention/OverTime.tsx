import { memo, useCallback, useMemo, useRef } from 'react';
import { ColorBar } from '~/app/_charts/attention/ColorBar';
import { peakOf } from '~/app/_charts/attention/raster';
import { type SignalLine, SignalLines } from '~/app/_charts/attention/SignalLines';
import { type Steps, Strips, stepLabelWidth } from '~/app/_charts/attention/StepPlot';
import { colorScale } from '~/app/_charts/attention/scale';
import { placeOfHead } from '~/app/_charts/attention/selection';
import { stepAxis } from '~/app/_charts/attention/stepAxis';
import { headName } from '~/app/_charts/attention/tokens';
import { useSize } from '~/app/_charts/useSize';
import { Choose } from '~/app/_components/Choose';
import { count } from '~/app/_components/format';
import { attentionView } from '~/app/_live/attentionView';
import { setCursor, useCursor } from '~/app/_live/cursor';
import { useRunStore } from '~/app/_live/RunProvider';
import { useSignals } from '~/app/_live/snapshots';
import { useWholeRun } from '~/app/_run/useWholeRun';
import { pickHead } from './focusStore';
import { LossLine } from './LossLine';
import { PinnedHistory } from './PinnedHistory';
import { StepCursor, StepTicks } from './StepCursor';
import { mainSignal, measuresNothing, nothingMeasured, signalInfo } from './signalText';
import { useWorkspace } from './workspaceContext';

/** Height of all strips together, exceeded when there are more heads than half as many pixels. */
const mostHeight = 400;
const stripOf = (heads: number): number =>
  heads <= 2 ? 22 : heads <= 8 ? 16 : Math.max(2, Math.min(11, Math.floor(mostHeight / heads)));

/** How every head developed: loss, one signal as lines and strips, and the history of the pinned cell. All share one cursor and one step axis. */
export const OverTime = memo(function OverTime() {
  const { snapshots, scene, view, large, theme } = useWorkspace();
  const box = useRef<HTMLDivElement>(null);
  const { width } = useSize(box);
  const store = useRunStore();
  const whole = useWholeRun();
  const zoom = useCursor((c) => c.zoom);
  const plot = Math.max(60, width - stepLabelWidth);
  const { names, series: seriesOf } = useSignals(snapshots);
  const { layers } = scene.maps;
  const { shown } = scene;
  const shownLayers = scene.lines.layers;

  const signal = view.signal !== null && names.includes(view.signal) ? view.signal : (mainSignal(scene.snapshot, names) ?? '');
  const none = measuresNothing(scene.snapshot, names);
  const { title, meaning, range, baseline } = signalInfo(scene.snapshot, signal, shownLayers);
  const [low, high] = range ?? [Number.NaN, Number.NaN];
  const series = useMemo(() => seriesOf(signal, layers), [seriesOf, signal, layers]);
  const recorded = series.steps.length;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the newest step is read again with every snapshot, and not with every step.
  const steps = useMemo((): Steps => {
    const axis = stepAxis(zoom ?? whole, plot, store.get().view?.step);
    const { pin, hover } = setCursor;
    return { axis, cursor: <StepCursor axis={axis} />, onJump: pin, onHoverStep: hover };
  }, [store, recorded, whole, zoom, plot]);
  const scale = useMemo(() => {
    // The color bar covers the declared range of the signal; without one, the values in view, starting below 0 where some are negative.
    const colors = { sequential: view.palette, theme };
    if (high > low) return { ...colorScale(colors), low, high };
    const least = series.values.reduce((m, v) => Math.min(m, v || 0), 0);
    return { ...colorScale({ ...colors, kind: 'shared', peak: peakOf(Float32Array.from(series.values)) }), low: least };
  }, [low, high, series, view.palette, theme]);
  const strong = large.head ? placeOfHead(layers, large.head.layer, large.head.head) : -1;
  const places = useMemo(() => shown.map(([l, h]) => placeOfHead(layers, l, h)), [shown, layers]);
  const lines = useMemo(
    (): SignalLine[] =>
      shown.map((_, i) => {
        const values = Float64Array.from(series.steps, (_, n) => series.values[n * series.width + places[i]!]!);
        return { steps: series.steps, values, strong: places[i] === strong || shown.length === 1 };
      }),
    [series, shown, places, strong],
  );
  const chance = useMemo(() => (baseline === null ? null : { value: baseline, label: 'uniform' }), [baseline]);
  const domain = useMemo(() => (Number.isNaN(low) ? null : ([low, high] as const)), [low, high]);

  const strip = stripOf(shown.length);
  const gap = strip > 8 ? 2 : strip > 3 ? 1 : 0;
  const strips = useMemo(() => {
    // With thin strips only the first head of each layer has a label.
    const roomy = strip + gap >= 11;
    return shown.map(([l, h], i) => ({
      label: roomy || shown[i - 1]?.[0] !== l ? `${l + 1}.${h + 1}` : null,
      title: `${headName(l, h)}: show large`,
      on: places[i] === strong && roomy,
    }));
  }, [shown, places, strong, strip, gap]);
  const onPick = useCallback((i: number) => pickHead(shown[i]!), [shown]);
  const valueAt = useCallback(
    (row: number, n: number) => {
      const value = series.values[n * series.width + places[row]!]!;
      // A signal that this snapshot lacks (the first has no drift) is blank.
      return Number.isNaN(value) ? null : value;
    },
    [series, places],
  );
  return (
    <section ref={box} data-plot aria-label="attention over steps" className="flex min-w-0 flex-col gap-1.5">
      <header className="flex flex-wrap items-center gap-2 text-xs text-dim">
        <h3 className="font-semibold text-ink">Over {recorded} recorded steps</h3>
        {none ? (
          <span>{nothingMeasured}</span>
        ) : (
          <Choose
            label="colored by"
            options={names.map((n) => ({ value: n, text: signalInfo(scene.snapshot, n, shownLayers).title }))}
            value={signal}
            onPick={(next) => attentionView.set({ signal: next })}
          />
        )}
        <span>{meaning}</span>
      </header>
      {width > 0 && (
        <>
          <LossLine steps={steps} />
          {!none && (
            <>
              <SignalLines
                title={`${title}, ${large.head ? headName(large.head.layer, large.head.head) : 'every head'}`}
                lines={lines}
                chance={chance}
                steps={steps}
                height={64}
                domain={domain}
              />
              <Strips
                steps={steps}
                label={`${title} of each head over ${count(recorded)} recorded steps`}
                at={series.steps}
                strips={strips}
                strip={strip}
                gap={gap}
                valueAt={valueAt}
                scale={scale}
                onPick={onPick}
                testId="ribbons"
              />
            </>
          )}
          <div style={{ paddingLeft: stepLabelWidth }}>
            <StepTicks axis={steps.axis} />
            {!none && <ColorBar scale={scale} title={title} />}
          </div>
          <PinnedHistory steps={steps} />
        </>
      )}
    </section>
  );
});
