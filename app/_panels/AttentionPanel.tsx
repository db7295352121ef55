'use client';

import { useTheme } from 'next-themes';
import { memo, useCallback, useEffect, useMemo, useRef } from 'react';
import { picturesInWords } from '~/shared/config';
import { BigMap } from '../_charts/attention/BigMap';
import { ColourBar } from '../_charts/attention/ColourBar';
import { aggregate, deriveMaps, headMap } from '../_charts/attention/derive';
import { largeHead, litHead, type Spot, within } from '../_charts/attention/focus';
import { HeadGrid, type HeadGridProps } from '../_charts/attention/HeadGrid';
import { ReverseReader } from '../_charts/attention/ReverseReader';
import { SetReader } from '../_charts/attention/SetReader';
import { range, solo, toggle } from '../_charts/attention/selection';
import { useSize } from '../_charts/useSize';
import { Panel } from '../_components/Panel';
import { type AttentionView, attentionView, useAttentionView } from '../_live/attentionView';
import { setCursor, useCursor } from '../_live/cursor';
import type { Look } from '../_live/snapshotFeed';
import { type Snapshots, useLook, useSnapshots } from '../_live/snapshots';
import { useView } from '../_live/useRun';
import { Analyses } from './attention/Analyses';
import { Announcer } from './attention/Announcer';
import { BothSides } from './attention/BothSides';
import { focusStore, useFocus } from './attention/focusStore';
import { Heads } from './attention/Heads';
import { type Large, quantityWords, useLarge } from './attention/large';
import { MapTable } from './attention/MapTable';
import { OverTime } from './attention/OverTime';
import { Readout } from './attention/Readout';
import { selectClass, Toolbar } from './attention/Toolbar';
import { type Scene, useScene } from './attention/useScene';
import { Watch } from './attention/Watch';

/** The attention workspace: every head's map at the step where the page stands, what it reads, and how it came about. */
export function AttentionPanel() {
  const snapshots = useSnapshots();
  const step = useCursor((c) => c.step);
  const look = useLook(snapshots, step);
  const view = useAttentionView((v) => v);
  const theme = useTheme().resolvedTheme === 'light' ? 'light' : 'dark';
  const scene = useScene(snapshots, look, view, theme);
  const pointed = largeHead(useFocus());
  const large = useLarge(scene, pointed, view.operation);
  const cadence = useView((v) => v.values.snapshotEverySteps?.value ?? v.config.snapshotEverySteps, null);
  return (
    <Panel title="Attention" aside={<Standing look={look} />}>
      {scene && large ? (
        <>
          <Watch snapshots={snapshots} layers={scene.snapshot.layers} heads={scene.snapshot.heads} />
          <Workspace snapshots={snapshots} scene={scene} large={large} view={view} theme={theme} />
        </>
      ) : (
        <p className="px-3 py-10 text-center text-dim">
          {look.error
            ? `The snapshot of step ${look.nearest?.step} could not be read: ${look.error}`
            : look.nearest
              ? `The snapshot of step ${look.nearest.step} is on its way.`
              : `No snapshot yet: the first is taken before the first step, then one every ${cadence} steps.`}
        </p>
      )}
    </Panel>
  );
}

/** Which recorded step is shown for the step asked for: never another one without saying so. */
const Standing = memo(function Standing({ look }: { look: Look }) {
  const mode = useCursor((c) => c.mode);
  const { step, nearest, shown, error } = look;
  if (!shown || !nearest) return null;
  const at = shown.recorded.step;
  const off = at - step;
  return (
    <span className="flex items-center gap-2 text-xs" data-testid="attention-step" data-step={at}>
      {error && (
        <span className="text-bad">
          step {nearest.step}: {error}
        </span>
      )}
      {shown.recorded !== nearest && !error && <span className="text-warn">step {nearest.step} loading</span>}
      {off === 0 ? (
        <span className="text-dim">
          step <strong className="font-mono text-ink">{at}</strong>
        </span>
      ) : (
        <span className="text-dim">
          at step <span className="font-mono">{step}</span>, recorded nearest:{' '}
          <strong className="font-mono text-ink">{at}</strong> ({Math.abs(off)} {off < 0 ? 'before' : 'after'})
        </span>
      )}
      {mode === 'pinned' ? (
        <button
          type="button"
          className="rounded border border-line px-1 text-dim hover:text-ink"
          onClick={() => setCursor.follow()}
        >
          follow
        </button>
      ) : (
        <span className="text-dim">following</span>
      )}
    </span>
  );
});

interface WorkspaceProps {
  snapshots: Snapshots;
  scene: Scene;
  large: Large;
  view: AttentionView;
  theme: 'light' | 'dark';
}

const Workspace = memo(function Workspace({ snapshots, scene, large, view, theme }: WorkspaceProps) {
  const box = useRef<HTMLDivElement>(null);
  const { width } = useSize(box);
  useEscape(box);
  const focus = useFocus();
  const { snapshot, maps } = scene;
  const pinned = useMemo(() => within(focus.pinned, maps), [focus.pinned, maps]);
  const lit = useMemo(() => within(focus.hovered, maps) ?? pinned, [focus.hovered, maps, pinned]);
  const several = snapshot.layers * snapshot.heads > 1;
  const wide = width >= 760;
  const inner = width - 24;
  const gridWidth = wide ? Math.floor(inner * 0.5) - 8 : inner;
  const largeWidth = several && wide ? inner - gridWidth - 16 : wide ? Math.floor(inner * 0.5) : inner;
  const onSelect = useSelect(scene);
  // A grid of few rows leaves room below itself.
  const readerLeft = several && wide && scene.lines.layers.length * maps.queries <= 0.7 * scene.lines.heads.length * maps.keys;
  const readerWidth = readerLeft ? gridWidth : several && wide ? largeWidth : wide ? inner - largeWidth - 16 : inner;
  const reader = <Reader scene={scene} large={large} view={view} lit={lit} width={readerWidth} />;
  const barTitle = `${quantityWords[large.quantity]}${scene.referenceWords ? `, minus ${scene.referenceWords}` : ''}`;

  return (
    <div ref={box} onScrollCapture={() => focusStore.send({ type: 'scroll' })}>
      <Toolbar scene={scene} view={view} large={large} />
      {scene.referenceProblem && (
        <p role="status" className="border-b border-line px-3 py-1 text-xs text-warn">
          Nothing is subtracted: {scene.referenceProblem}.
        </p>
      )}
      {width > 0 && (
        // biome-ignore lint/a11y/noStaticElementInteractions lint/a11y/useKeyWithClickEvents: a click beside everything unpins, as Escape does.
        <div
          className={`flex gap-4 p-3 ${wide ? 'flex-row items-start' : 'flex-col'}`}
          onClick={(e) => e.target === e.currentTarget && focusStore.send({ type: 'click', spot: null })}
        >
          {several && wide && (
            <div className="flex min-w-0 flex-col gap-2" style={{ width: gridWidth }}>
              <HeadGrid
                maps={maps}
                scaleOf={scene.scaleOf}
                lines={scene.lines}
                hidden={scene.hidden}
                lit={lit}
                pinned={pinned}
                width={gridWidth}
                maxHeight={620}
                flip={view.flip}
                onFocus={focusStore.send}
                onSelect={onSelect}
              />
              <ColourBar scale={large.scale} title={barTitle} ownScales={scene.scaleKind === 'head'} />
              {readerLeft && reader}
            </div>
          )}
          <div className="flex min-w-0 flex-1 flex-col gap-2">
            <Swiped scene={scene} large={large} enabled={several && !wide}>
              <h3 className="flex flex-wrap items-baseline gap-x-2 text-xs">
                <strong data-testid="large-title">{large.where}</strong>
                <span className="text-dim">
                  {scene.sourceWords}
                  {scene.referenceWords && `, minus ${scene.referenceWords}`}
                </span>
                {large.bad > 0 && <span className="text-bad">{large.bad} cells are not finite (pink)</span>}
              </h3>
              {view.asTable ? (
                <MapTable
                  values={large.values}
                  queries={maps.queries}
                  keys={maps.keys}
                  tokens={scene.tokens}
                  where={large.where}
                />
              ) : (
                <BigMap
                  values={large.values}
                  queries={maps.queries}
                  keys={maps.keys}
                  scale={large.scale}
                  where={large.where}
                  head={large.head}
                  tokens={scene.tokens}
                  lit={lit}
                  pinned={pinned}
                  width={Math.min(largeWidth, 620)}
                  maxHeight={several && wide ? 420 : 520}
                  flip={view.flip}
                  onFocus={focusStore.send}
                />
              )}
              <Readout scene={scene} large={large} focus={focus} />
              <BothSides scene={scene} large={large} view={view} theme={theme} />
              {(!several || !wide) && <ColourBar scale={large.scale} title={barTitle} ownScales={scene.scaleKind === 'head'} />}
            </Swiped>
            {several && !readerLeft && reader}
          </div>
          {!several && (
            <div className="flex min-w-0 flex-1 flex-col gap-4">
              {reader}
              <Heads snapshot={snapshot} hidden={scene.hidden} active={large.head} />
              <Analyses step={scene.recorded.step} />
            </div>
          )}
        </div>
      )}
      <div className="border-t border-line p-3">
        <OverTime snapshots={snapshots} scene={scene} view={view} large={large} theme={theme} />
      </div>
      {several && (
        <div className="flex flex-col gap-3 border-t border-line p-3">
          <Heads snapshot={snapshot} hidden={scene.hidden} active={large.head} />
          <Analyses step={scene.recorded.step} />
        </div>
      )}
      <Announcer scene={scene} />
    </div>
  );
});

function Reader({
  scene,
  large,
  view,
  lit,
  width,
}: {
  scene: Scene;
  large: Large;
  view: AttentionView;
  lit: Spot | null;
  width: number;
}) {
  const { snapshot, source, shown } = scene;
  const pictures = useView((v) => picturesInWords(v.config.task), null);
  // The lines are of what this step looks at, whatever is subtracted from it in the map.
  const weights = useMemo(() => {
    if (large.quantity === 'weight') return large.values;
    const maps = deriveMaps(snapshot, source, null);
    return large.head ? headMap(maps, large.head.layer, large.head.head) : aggregate(maps, shown, 'mean').values;
  }, [large, snapshot, source, shown]);
  if (source.kind !== 'example')
    return <p className="text-xs text-dim">An average has no inputs or answers of its own: choose an example to read one.</p>;
  if (snapshot.task === 'anomaly')
    return (
      <SetReader
        snapshot={snapshot}
        example={source.example}
        tokens={scene.tokens}
        pictures={pictures}
        lit={lit}
        onFocus={focusStore.send}
      />
    );
  return (
    <div>
      <ReverseReader
        snapshot={snapshot}
        example={source.example}
        map={weights}
        mass={view.mass}
        width={width}
        lit={lit}
        onFocus={focusStore.send}
      />
      <label className="mt-1 flex items-center gap-1 text-xs text-dim">
        lines
        <select className={selectClass} value={view.mass} onChange={(e) => attentionView.set({ mass: Number(e.target.value) })}>
          <option value={0}>top key of each answer</option>
          <option value={0.5}>half of the weight</option>
          <option value={0.7}>70 % of the weight</option>
          <option value={0.9}>90 % of the weight</option>
        </select>
      </label>
    </div>
  );
}

/** On a phone one head is shown at a time; a swipe or the buttons go to the next. */
function Swiped({
  scene,
  large,
  enabled,
  children,
}: {
  scene: Scene;
  large: Large;
  enabled: boolean;
  children: React.ReactNode;
}) {
  const start = useRef<{ x: number; y: number } | null>(null);
  const { shown } = scene;
  const at = large.head ? shown.findIndex(([l, h]) => l === large.head!.layer && h === large.head!.head) : -1;
  const go = (by: number) => {
    const next = at < 0 ? (by > 0 ? 0 : shown.length - 1) : at + by;
    const [layer, head] = shown[next] ?? [null, null];
    // Past either end is the average of all.
    focusStore.send({ type: 'click', spot: layer === null || head === null ? null : { layer, head, query: null, key: null } });
  };
  if (!enabled) return children;
  return (
    <div
      className="flex flex-col gap-2"
      onTouchStart={(e) => {
        const t = e.touches[0]!;
        start.current = e.touches.length === 1 ? { x: t.clientX, y: t.clientY } : null;
      }}
      onTouchEnd={(e) => {
        const t = e.changedTouches[0]!;
        const [dx, dy] = start.current ? [t.clientX - start.current.x, t.clientY - start.current.y] : [0, 0];
        start.current = null;
        if (Math.abs(dx) > 60 && Math.abs(dx) > 2 * Math.abs(dy)) go(dx < 0 ? 1 : -1);
      }}
    >
      <div className="flex items-center justify-between text-xs text-dim">
        <button type="button" className="rounded border border-line px-2 py-1" onClick={() => go(-1)}>
          ‹ previous head
        </button>
        <span>
          {at < 0 ? 'all' : at + 1} of {shown.length}
        </span>
        <button type="button" className="rounded border border-line px-2 py-1" onClick={() => go(1)}>
          next head ›
        </button>
      </div>
      {children}
    </div>
  );
}

function useSelect(scene: Scene): HeadGridProps['onSelect'] {
  const { layers, heads } = scene.snapshot;
  const { hidden } = scene;
  return useCallback(
    (what, ids) => {
      const pinned = litHead(focusStore.get().pinned);
      const next =
        what === 'all'
          ? new Set<string>()
          : what === 'hide'
            ? toggle(hidden, ids, layers, heads)
            : what === 'range' && pinned
              ? solo(new Set(), range([pinned.layer, pinned.head], ids[0]!, heads), layers, heads)
              : solo(hidden, ids, layers, heads);
      attentionView.set({ hidden: [...next] });
    },
    [layers, heads, hidden],
  );
}

/** Escape unpins wherever in the workspace the focus is, or when nothing has it. */
function useEscape(box: React.RefObject<HTMLElement | null>): void {
  const onKey = useMemo(
    () => (event: KeyboardEvent) => {
      if (event.key !== 'Escape' || event.defaultPrevented) return;
      const inside = event.target === document.body || box.current?.contains(event.target as Node);
      const { hovered, pinned } = focusStore.get();
      if (!inside || (!hovered && !pinned)) return;
      focusStore.send({ type: 'escape' });
      event.preventDefault();
    },
    [box],
  );
  useEffect(() => {
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [onKey]);
}
