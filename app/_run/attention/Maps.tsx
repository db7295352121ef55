import type { ReactNode } from 'react';
import { BigMap } from '~/app/_charts/attention/BigMap';
import { ColorBar } from '~/app/_charts/attention/ColorBar';
import type { Focus, Spot } from '~/app/_charts/attention/focus';
import { HeadGrid } from '~/app/_charts/attention/HeadGrid';
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
import { useSelect } from './useSelect';
import type { WorkspaceProps } from './workspaceProps';

const setTile = (tile: AttentionView['tile']) => attentionView.set({ tile });

interface MapsProps extends WorkspaceProps {
  /** CSS pixels. */
  width: number;
  focus: Focus;
  lit: Spot | null;
  pinned: Spot | null;
  /** Content of the space beside a single map. */
  beside: ReactNode;
}

/** Approximate height of the grid of heads divided by its width. */
function gridHeight({ lines, maps }: WorkspaceProps['scene']): number {
  const rows = lines.layers.map((l) => maps.layers[l]!);
  const height = rows.reduce((n, r) => n + r.queries / Math.max(r.queries, r.keys), 0);
  return height / Math.max(1, lines.heads.length * Math.max(...rows.map((r) => r.keys / Math.max(r.queries, r.keys))));
}

/** Every head's map, one of them large, and the model's answers. */
export function Maps({ snapshots, scene, large, view, theme, width, focus, lit, pinned, beside }: MapsProps) {
  const { snapshot, maps } = scene;
  const several = headCount(snapshot.layers) > 1;
  const wide = width >= 760;
  const inner = width - 24;
  const gridWidth = wide ? Math.floor(inner * 0.5) - 8 : inner;
  const largeWidth = several && wide ? inner - gridWidth - 16 : wide ? Math.floor(inner * 0.5) : inner;
  const onSelect = useSelect(scene);
  const tokens = scene.tokensOf(large.layer);
  // A grid with few rows leaves space below it.
  const readerLeft = several && wide && gridHeight(scene) <= 0.7;
  const readerWidth = readerLeft ? gridWidth : several && wide ? largeWidth : wide ? inner - largeWidth - 16 : inner;
  const reader = <Reader scene={scene} large={large} view={view} lit={lit} width={readerWidth} />;
  const barTitle = `${quantityWords[large.quantity]}${scene.referenceWords ? `, minus ${scene.referenceWords}` : ''}`;

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
              overlay={(box) => <HeadOverlay boxOf={box} step={scene.recorded.step} layers={maps.layers} />}
              onPoint={(spot, at) => writeOnMap(scene.recorded.step, spot, at)}
            />
            <ColorBar scale={large.scale} title={barTitle} ownScales={scene.scaleKind === 'head'} />
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
              <MapTable values={large.values} size={large.size} tokens={tokens} where={large.where} />
            ) : (
              <BigMap
                values={large.values}
                {...large.size}
                scale={large.scale}
                where={large.where}
                head={large.head}
                tokens={tokens}
                lit={lit}
                pinned={pinned}
                width={Math.min(largeWidth, 620)}
                maxHeight={several && wide ? 420 : 520}
                flip={view.flip}
                tile={view.tile}
                onTile={setTile}
                onFocus={focusStore.send}
                overlay={(box) => <CellOverlay boxOf={box} step={scene.recorded.step} head={large.head} {...large.size} />}
                onPoint={(spot, at) => writeOnMap(scene.recorded.step, spot, at)}
              />
            )}
            <Readout snapshots={snapshots} scene={scene} large={large} focus={focus} />
            <BothSides scene={scene} large={large} view={view} theme={theme} />
            {(!several || !wide) && <ColorBar scale={large.scale} title={barTitle} ownScales={scene.scaleKind === 'head'} />}
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
