'use client';

import { memo, useMemo, useRef } from 'react';
import { ColorBar } from '~/app/_charts/attention/ColorBar';
import { Ribbons, ribbonLabelWidth } from '~/app/_charts/attention/Ribbons';
import { peakOf } from '~/app/_charts/attention/raster';
import { type SignalLine, SignalLines } from '~/app/_charts/attention/SignalLines';
import { colorScale } from '~/app/_charts/attention/scale';
import { type HeadId, placeOfHead } from '~/app/_charts/attention/selection';
import { stepAxis } from '~/app/_charts/attention/stepAxis';
import { headName } from '~/app/_charts/attention/tokens';
import { useSize } from '~/app/_charts/useSize';
import { type AttentionView, attentionView } from '~/app/_live/attentionView';
import { setCursor, useCursor } from '~/app/_live/cursor';
import { type Snapshots, useSignalVersion } from '~/app/_live/snapshots';
import { useView } from '~/app/_live/useRun';
import { focusStore } from './focusStore';
import { LossLine } from './LossLine';
import type { Large } from './large';
import { PinnedHistory } from './PinnedHistory';
import { StepCursor, StepTicks } from './StepCursor';
import { mainSignal, signalInfo } from './signalText';
import { selectClass } from './Toolbar';
import type { Scene } from './useScene';

/** How every head developed: loss, one signal as lines and ribbons, and the history of the pinned cell. All share one cursor and one step axis. */
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
  const { layers } = scene.maps;
  const shownLayers = scene.lines.layers;

  const names = useMemo(() => {
    void version;
    return table.names(feed.recorded);
  }, [table, feed, version]);
  const signal = view.signal !== null && names.includes(view.signal) ? view.signal : mainSignal(scene.snapshot, names);
  const info = useMemo(() => signalInfo(scene.snapshot, signal ?? '', shownLayers), [scene.snapshot, signal, shownLayers]);
  const [low, high] = info.range ?? [Number.NaN, Number.NaN];
  const unit = low === 0 && high === 1;
  const series = useMemo(() => {
    void version;
    return table.series(signal ?? '', feed.recorded, layers);
  }, [table, feed, signal, layers, version]);
  const scale = useMemo(() => {
    const own = colorScale({
      kind: unit ? 'unit' : 'shared',
      quantity: 'weight',
      keys: 2,
      peak: unit ? 1 : peakOf(Float32Array.from(series.values)),
      sequential: view.palette,
      theme,
    });
    // The color bar covers the declared range of the signal; without one, the values in view, starting below 0 where some are negative.
    if (unit) return own;
    if (Number.isFinite(low) && high > low) return { ...own, low, high };
    const least = series.values.reduce((m, v) => Math.min(v, m), 0);
    return least < 0 ? { ...own, low: least } : own;
  }, [unit, low, high, series, view.palette, theme]);
  const { keys } = large.size;
  const weights = useMemo(
    () => colorScale({ kind: 'unit', quantity: 'weight', keys, peak: 1, sequential: view.palette, theme }),
    [keys, view.palette, theme],
  );
  const strong = large.head ? placeOfHead(layers, large.head.layer, large.head.head) : -1;
  const lines = useMemo(
    (): SignalLine[] =>
      scene.shown.map(([l, h]) => {
        const at = placeOfHead(layers, l, h);
        const values = Float64Array.from(series.steps, (_, n) => series.values[n * series.width + at]!);
        return { name: headName(l, h), steps: series.steps, values, strong: at === strong || scene.shown.length === 1 };
      }),
    [series, scene.shown, layers, strong],
  );

  const chance = useMemo(() => (info.baseline === null ? null : { value: info.baseline, label: 'uniform' }), [info.baseline]);
  const handlers = useMemo(
    () => ({ onJump: (step: number) => setCursor.pin(step), onHoverStep: (step: number | null) => setCursor.hover(step) }),
    [],
  );
  const cursor = <StepCursor axis={axis} recordedStep={scene.recorded.step} />;
  return (
    <section ref={box} aria-label="attention over steps" className="flex min-w-0 flex-col gap-1.5">
      <header className="flex flex-wrap items-center gap-2 text-xs text-dim">
        <h3 className="font-semibold text-ink">Over {series.steps.length} recorded steps</h3>
        <label className="flex items-center gap-1">
          colored by
          <select className={selectClass} value={signal ?? ''} onChange={(e) => attentionView.set({ signal: e.target.value })}>
            {names.map((n) => (
              <option key={n} value={n}>
                {signalInfo(scene.snapshot, n, shownLayers).title}
              </option>
            ))}
          </select>
        </label>
        <span>{info.meaning}</span>
      </header>
      {width > 0 && (
        <>
          <LossLine axis={axis} cursor={cursor} {...handlers} />
          <SignalLines
            title={`${info.title}, ${large.head ? headName(large.head.layer, large.head.head) : 'every head'}`}
            lines={lines}
            chance={chance}
            axis={axis}
            height={64}
            domain={info.range}
            cursor={cursor}
            {...handlers}
          />
          <Ribbons
            steps={series.steps}
            values={series.values}
            layers={layers}
            shown={scene.shown}
            scale={scale}
            axis={axis}
            label={info.title}
            active={large.head}
            cursor={cursor}
            {...handlers}
            onPickHead={pickHead}
          />
          <div style={{ paddingLeft: ribbonLabelWidth }}>
            <StepTicks axis={axis} />
            <ColorBar scale={scale} title={info.title} ownScales={false} />
          </div>
          <PinnedHistory snapshots={snapshots} scene={scene} large={large} axis={axis} scale={weights} />
        </>
      )}
    </section>
  );
});

const pickHead = ([layer, head]: HeadId) => focusStore.send({ type: 'click', spot: { layer, head, query: null, key: null } });
