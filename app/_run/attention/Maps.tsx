import { type ReactNode, useCallback } from 'react';
import { BigMap } from '~/app/_charts/attention/BigMap';
import { ColorBar } from '~/app/_charts/attention/ColorBar';
import { litHead, type Spot } from '~/app/_charts/attention/focus';
import { HeadGrid, type HeadGridProps } from '~/app/_charts/attention/HeadGrid';
import type { MapProps } from '~/app/_charts/attention/mapProps';
import { headRows, range, solo, toggle } from '~/app/_charts/attention/selection';
import { type AttentionView, attentionView } from '~/app/_live/attentionView';
import { CellOverlay, HeadOverlay, writeOnMap } from '~/app/_run/notes/MapOverlays';
import { headCount } from '~/shared/snapshotFile';
import { BothSides } from './BothSides';
import { focusStore } from './focusStore';
import { quantityWords } from './large';
import { MapTable } from './MapTable';
import { Reader } from './Reader';
import { Readout } from './Readout';
import { Swiped } from './Swiped';
import type { Scene } from './useScene';
import { useLit, useWorkspace } from './workspaceContext';

const setTile = (tile: AttentionView['tile']) => attentionView.set({ tile });

/** Approximate height of the grid of heads divided by its width. @param width CSS pixels */
function gridHeight({ lines, maps }: Scene, width: number): number {
  const rows = headRows(lines, width);
  const sizes = rows.map(({ layer }) => maps.layers[layer]!);
  const height = sizes.reduce((n, s) => n + s.queries / Math.max(s.queries, s.keys), 0);
  return height / Math.max(1, rows[0]!.heads.length * Math.max(...sizes.map((s) => s.keys / Math.max(s.queries, s.keys))));
}

interface MapsProps {
  /** CSS pixels. */
  width: number;
  /** Content of the space beside a single map. */
  beside: ReactNode;
}

/** Every head's map, one of them large, and the model's answers. */
export function Maps({ width, beside }: MapsProps) {
  const { scene, large, view } = useWorkspace();
  const { lit, pinned } = useLit();
  const { snapshot, maps, recorded } = scene;
  const several = headCount(snapshot.layers) > 1;
  const wide = width >= 760;
  const inner = width - 24;
  const gridWidth = wide ? Math.floor(inner * 0.5) - 8 : inner;
  const largeWidth = several && wide ? inner - gridWidth - 16 : wide ? Math.floor(inner * 0.5) : inner;
  // A grid with few rows leaves space below it.
  const readerLeft = several && wide && gridHeight(scene, gridWidth) <= 0.7;
  const readerWidth = readerLeft ? gridWidth : several && wide ? largeWidth : wide ? inner - largeWidth - 16 : inner;
  const reader = <Reader width={readerWidth} />;
  const onSelect = useSelect(scene);
  const common = { lit, pinned, flip: view.flip, onFocus: focusStore.send };
  const { step } = recorded;
  const onPoint = useCallback((spot: Spot, at: { clientX: number; clientY: number }) => writeOnMap(step, spot, at), [step]);
  const overHeads: HeadGridProps['overlay'] = (box) => <HeadOverlay boxOf={box} step={step} layers={maps.layers} />;
  const overCells: MapProps['overlay'] = (box) => <CellOverlay boxOf={box} step={step} head={large.head} {...large.size} />;
  const bar = (
    <ColorBar
      scale={large.scale}
      title={`${quantityWords[large.quantity]}${scene.minusWords}`}
      ownScales={scene.scaleKind === 'head'}
    />
  );

  return (
    <>
      {scene.referenceProblem && (
        <p role="status" className="border-b border-line px-3 py-1 text-xs text-warn">
          Nothing is subtracted: {scene.referenceProblem}.
        </p>
      )}
      {/* biome-ignore lint/a11y/noStaticElementInteractions lint/a11y/useKeyWithClickEvents: a click on the background unpins, as Escape does. */}
      <div
        className={`flex gap-4 p-3 ${wide ? 'flex-row items-start' : 'flex-col'}`}
        onClick={(e) => e.target === e.currentTarget && focusStore.send({ type: 'click', spot: null })}
      >
        {several && wide && (
          <div className="flex min-w-0 flex-col gap-2" style={{ width: gridWidth }}>
            <HeadGrid
              {...common}
              maps={maps}
              scaleOf={scene.scaleOf}
              lines={scene.lines}
              hidden={scene.hidden}
              width={gridWidth}
              maxHeight={620}
              onSelect={onSelect}
              overlay={overHeads}
              onPoint={onPoint}
            />
            {bar}
            {readerLeft && reader}
          </div>
        )}
        <div className="flex min-w-0 flex-1 flex-col gap-2">
          <Swiped enabled={several && !wide}>
            <h2 className="flex flex-wrap items-baseline gap-x-2 text-xs">
              <strong data-testid="large-title">{large.where}</strong>
              <span className="text-dim">
                {scene.sourceWords}
                {scene.minusWords}
              </span>
              {large.bad > 0 && <span className="text-bad">{large.bad} cells are not finite (pink)</span>}
            </h2>
            {view.asTable ? (
              <MapTable values={large.values} size={large.size} tokens={scene.tokensOf(large.layer)} where={large.where} />
            ) : (
              <BigMap
                {...common}
                {...large.size}
                values={large.values}
                scale={large.scale}
                where={large.where}
                head={large.head}
                tokens={scene.tokensOf(large.layer)}
                width={Math.min(largeWidth, 620)}
                maxHeight={several && wide ? 420 : 520}
                tile={view.tile}
                onTile={setTile}
                overlay={overCells}
                onPoint={onPoint}
              />
            )}
            <Readout />
            <BothSides />
            {(!several || !wide) && bar}
          </Swiped>
          {several && !readerLeft && reader}
        </div>
        {!several && (
          <div className="flex min-w-0 flex-1 flex-col gap-4">
            {reader}
            {beside}
          </div>
        )}
      </div>
    </>
  );
}

/** Applies the clicks and keys of the grid to the choice of heads. */
function useSelect(scene: Scene): NonNullable<HeadGridProps['onSelect']> {
  const { maps, hidden } = scene;
  const { layers } = maps;
  return useCallback(
    (what, ids) => {
      const pinned = litHead(focusStore.get().pinned);
      const next =
        what === 'all'
          ? new Set<string>()
          : what === 'hide'
            ? toggle(hidden, ids, layers)
            : what === 'range' && pinned
              ? solo(new Set(), range([pinned.layer, pinned.head], ids[0]!, layers), layers)
              : solo(hidden, ids, layers);
      attentionView.set({ hidden: [...next] });
    },
    [layers, hidden],
  );
}
