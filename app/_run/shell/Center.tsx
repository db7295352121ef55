import { EllipsisVertical, PanelRightOpen, X } from 'lucide-react';
import { type CSSProperties, Suspense, useMemo, useRef, useState } from 'react';
import { IconButton } from '~/app/_components/IconButton';
import { later, Opening } from '~/app/_components/later';
import {
  besideTile,
  closed,
  fitted,
  isSplit,
  leastShare,
  mostTiles,
  moved,
  opened,
  type Side,
  type Split,
  shared,
  shortened,
  type Tile,
  type Tiles,
  tilesIn,
} from '~/app/_live/tiles';
import { useWorkspace, workspace } from '~/app/_live/workspace';
import { dragTab } from './dragTab';
import type { Panel } from './panels';
import { TabPanels } from './TabPanels';

const AnchorMenu = later(() => import('~/app/_components/AnchorMenu'));

/** Percent of the center. */
interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}
/** Where a dragged tab would go: to a side of the tile at this index, or among its tabs. */
type Aim = { at: number; side: Side } | { at: number; before: string | null };

/** The center of the page: up to four tiles with the center's panels. Tabs are dragged, or moved with their menu; bars resize the tiles. */
export function Center({ shown }: { shown: readonly Panel[] }) {
  const choices = shown.filter((p) => p.where === 'center');
  const chosen = useWorkspace((w) => w.center);
  const sideClosed = useWorkspace((w) => w.side === null);
  const ids = choices.map((p) => p.id);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `ids` is a new array in each rendering
  const tiles = useMemo(() => fitted(chosen, ids), [chosen, ids.join()]);
  const put = (next: Tiles) => workspace.set({ center: shortened(next, ids) });
  const named = (id: string) => choices.find((p) => p.id === id)!;
  const box = useRef<HTMLElement>(null);
  const [dragged, setDragged] = useState<{ id: string; x: number; y: number } | null>(null);
  const [menu, setMenu] = useState<{ tile: Tile; id: string; anchor: Element } | null>(null);
  const all = tilesIn(tiles);
  const { places, bars } = layout(tiles, { left: 0, top: 0, width: 100, height: 100 });

  const drop = (to: Aim, id: string) => {
    const target = all[to.at]!;
    put('side' in to ? besideTile(tiles, id, target, to.side) : moved(tiles, id, target, to.before));
  };
  const aim = dragged && aimAt(dragged.x, dragged.y, all, dragged.id);
  return (
    <main ref={box} id="main" tabIndex={-1} className="relative min-h-0 min-w-0 flex-1 outline-none print:flex print:flex-wrap">
      {all.map((tile, at) => {
        const own = named(tile.open);
        const corner = places[at]!.top === 0 && places[at]!.left + places[at]!.width > 99.9;
        return (
          <section
            key={at}
            aria-label={all.length > 1 ? `Tile ${at + 1}` : undefined}
            className="absolute flex min-w-0 flex-col print:static print:h-auto!"
            style={percent(places[at]!)}
            data-tile={at}
          >
            <TabPanels
              label={all.length > 1 ? `Panels of tile ${at + 1}` : 'Panels'}
              panels={tile.tabs.map(named)}
              open={own}
              onOpen={(id) => put(opened(tiles, id))}
              tabProps={(id) => ({
                title: 'Drag to move it; right click for more',
                className: `touch-pan-x ${aim?.at === at && 'before' in aim && aim.before === id ? 'shadow-[inset_2px_0_0_var(--color-accent)]' : ''}`,
                onPointerDown: (event) => {
                  let at = { x: 0, y: 0 };
                  dragTab(event, {
                    onMove: (x, y) => {
                      at = { x, y };
                      setDragged({ id, ...at });
                    },
                    onEnd: (dropped) => {
                      setDragged(null);
                      const to = dropped && aimAt(at.x, at.y, all, id);
                      if (to) drop(to, id);
                    },
                  });
                },
                onClick: () => setMenu(null),
                onContextMenu: (event) => {
                  event.preventDefault();
                  setMenu({ tile, id, anchor: event.currentTarget });
                },
              })}
            >
              <IconButton
                icon={EllipsisVertical}
                aria-haspopup="menu"
                label={`Arrange ${own.title}`}
                title="Move this tab, or open it beside or below"
                onClick={(event) => setMenu(menu ? null : { tile, id: own.id, anchor: event.currentTarget })}
              />
              {all.length > 1 && (
                <IconButton
                  icon={X}
                  label={`Close the tile of ${own.title}`}
                  title="Close this tile; its tabs stay in the first"
                  onClick={() => put(closed(tiles, tile))}
                />
              )}
              {corner && sideClosed && (
                <IconButton
                  icon={PanelRightOpen}
                  label="Open steering and activity"
                  title="Open steering and activity"
                  onClick={() => workspace.set({ side: shown.find((p) => p.where === 'side')?.id ?? null })}
                />
              )}
            </TabPanels>
            {aim?.at === at && !('before' in aim && aim.before !== null) && (
              <div
                aria-hidden
                className={`pointer-events-none absolute z-30 border-2 border-accent bg-accent/15 ${'side' in aim ? halves[aim.side] : 'inset-0'}`}
              />
            )}
          </section>
        );
      })}
      {bars.map(({ split, box: whole }, i) => (
        <Bar
          key={i}
          split={split}
          whole={whole}
          within={() => box.current!.getBoundingClientRect()}
          onShare={(share) => put(shared(tiles, split, share))}
        />
      ))}
      {dragged && (
        <span
          aria-hidden
          className="pointer-events-none fixed z-60 translate-x-3 -translate-y-1/2 rounded border border-accent bg-raised px-2 py-1 text-xs shadow-lg"
          style={{ left: dragged.x, top: dragged.y }}
        >
          {named(dragged.id).title}
        </span>
      )}
      {menu && (
        <Suspense fallback={<Opening />}>
          <AnchorMenu
            label={`Arrange ${named(menu.id).title}`}
            anchor={menu.anchor}
            choices={placesOf(tiles, menu.tile, menu.id, (id) => named(id).title).map(({ text, next }) => ({
              text,
              disabled: next === null,
              onChoose: () => next && put(next),
            }))}
            focuses={false}
            onClose={() => {
              setMenu(null);
              // The focus follows the tab, wherever it went.
              requestAnimationFrame(() => box.current?.querySelector<HTMLElement>(`[data-panel="${menu.id}"]`)?.focus());
            }}
          />
        </Suspense>
      )}
    </main>
  );
}

const percent = ({ left, top, width, height }: Box): CSSProperties => ({
  left: `${left}%`,
  top: `${top}%`,
  width: `${width}%`,
  height: `${height}%`,
});
const halves: Record<Side, string> = {
  left: 'inset-y-0 left-0 w-1/2',
  right: 'inset-y-0 right-0 w-1/2',
  above: 'inset-x-0 top-0 h-1/2',
  below: 'inset-x-0 bottom-0 h-1/2',
};

/** The places of the tiles, in the order of `tilesIn`, and of the bars between them. */
function layout(tiles: Tiles, box: Box): { places: Box[]; bars: { split: Split; box: Box }[] } {
  if (!isSplit(tiles)) return { places: [box], bars: [] };
  const [start, size] = tiles.way === 'beside' ? (['left', 'width'] as const) : (['top', 'height'] as const);
  const part = (box[size] * tiles.share) / 100;
  const first = layout(tiles.first, { ...box, [size]: part });
  const second = layout(tiles.second, { ...box, [start]: box[start] + part, [size]: box[size] - part });
  return {
    places: [...first.places, ...second.places],
    bars: [{ split: tiles, box }, ...first.bars, ...second.bars],
  };
}

/** Where a tab that is dragged to a point of the window would go; null = it stays where it is. */
function aimAt(clientX: number, clientY: number, all: readonly Tile[], id: string): Aim | null {
  const over = document.elementFromPoint(clientX, clientY);
  const section = over?.closest<HTMLElement>('[data-tile]');
  if (!section) return null;
  const at = Number(section.dataset.tile);
  const tile = all[at]!;
  const strip = over?.closest('[role="tablist"]');
  if (strip) {
    const after = [...strip.querySelectorAll<HTMLElement>('[data-panel]')].find((tab) => {
      const { left, width } = tab.getBoundingClientRect();
      return clientX < left + width / 2;
    });
    return { at, before: after?.dataset.panel ?? null };
  }
  const { left, top, width, height } = section.getBoundingClientRect();
  const [x, y] = [(clientX - left) / width, (clientY - top) / height];
  const distances: [Side, number][] = [
    ['left', x],
    ['right', 1 - x],
    ['above', y],
    ['below', 1 - y],
  ];
  const [side, distance] = distances.reduce((a, b) => (b[1] < a[1] ? b : a));
  const alone = all.some(({ tabs }) => tabs.length === 1 && tabs[0] === id);
  if (alone && tile.tabs.includes(id)) return null;
  if (distance < 0.25 && (all.length < mostTiles || alone)) return { at, side };
  return tile.tabs.includes(id) ? null : { at, before: null };
}

/** Where a tab can go, for its menu; null = not possible now. */
function placesOf(tiles: Tiles, tile: Tile, id: string, titleOf: (id: string) => string): { text: string; next: Tiles | null }[] {
  const all = tilesIn(tiles);
  const { tabs } = tile;
  const at = tabs.indexOf(id);
  const room = all.length < mostTiles && tabs.length > 1;
  return [
    { text: 'Move left', next: at > 0 ? moved(tiles, id, tile, tabs[at - 1]!) : null },
    { text: 'Move right', next: at < tabs.length - 1 ? moved(tiles, id, tile, tabs[at + 2] ?? null) : null },
    { text: 'Open beside', next: room ? besideTile(tiles, id, tile, 'right') : null },
    { text: 'Open below', next: room ? besideTile(tiles, id, tile, 'below') : null },
    ...all
      .filter((other) => other !== tile)
      .map((other) => ({ text: `Move to the tile of ${titleOf(other.open)}`, next: moved(tiles, id, other, null) })),
    { text: 'Close this tile', next: all.length > 1 ? closed(tiles, tile) : null },
  ];
}

/** The bar between two parts; the mouse, a finger or the arrow keys move it. */
function Bar(props: { split: Split; whole: Box; within(): DOMRect; onShare(share: number): void }) {
  const { split, whole, onShare } = props;
  const upright = split.way === 'beside';
  const [back, on] = upright ? ['ArrowLeft', 'ArrowRight'] : ['ArrowUp', 'ArrowDown'];
  const middle = upright ? whole.left + (whole.width * split.share) / 100 : whole.top + (whole.height * split.share) / 100;
  return (
    // biome-ignore lint/a11y/useSemanticElements: a movable separator, not a line
    <div
      role="separator"
      aria-orientation={upright ? 'vertical' : 'horizontal'}
      aria-label={upright ? 'Width of the tiles' : 'Height of the tiles'}
      aria-valuenow={split.share}
      aria-valuemin={leastShare}
      aria-valuemax={100 - leastShare}
      tabIndex={0}
      className={`absolute z-20 touch-none border-line bg-bg before:absolute hover:bg-accent/50 ${upright ? 'w-1 -translate-x-1/2 cursor-col-resize border-x before:inset-y-0 before:-inset-x-1.5' : 'h-1 -translate-y-1/2 cursor-row-resize border-y before:-inset-y-1 before:inset-x-0'}`}
      style={
        upright
          ? { left: `${middle}%`, top: `${whole.top}%`, height: `${whole.height}%` }
          : { top: `${middle}%`, left: `${whole.left}%`, width: `${whole.width}%` }
      }
      onKeyDown={(event) => {
        const by = event.key === back ? -5 : event.key === on ? 5 : 0;
        if (by === 0) return;
        event.preventDefault();
        onShare(split.share + by);
      }}
      onDoubleClick={() => onShare(50)}
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={(event) => {
        if (!event.currentTarget.hasPointerCapture(event.pointerId)) return;
        const { left, top, width, height } = props.within();
        const [at, start, size] = upright
          ? [(event.clientX - left) / width, whole.left, whole.width]
          : [(event.clientY - top) / height, whole.top, whole.height];
        onShare((100 * (100 * at - start)) / size);
      }}
    />
  );
}
