/** One part of the center: some panels as tabs, one of them open. */
export interface Tile {
  /** Ids of panels, in the order of their tabs. */
  tabs: readonly string[];
  open: string;
}

/** Two parts, beside each other or one below the other. */
export interface Split {
  way: 'beside' | 'below';
  /** The first part's share of the space, in percent. */
  share: number;
  first: Tiles;
  second: Tiles;
}

/** The arrangement of the center. It may leave panels out: `fitted` adds them to the first tile. */
export type Tiles = Tile | Split;
export type Side = 'left' | 'right' | 'above' | 'below';

export const mostTiles = 4;
/** Least and even share of one of two parts, in percent. */
export const leastShare = 20;
const evenly = 50;

export const tileOf = (...tabs: readonly [string, ...string[]]): Tile => ({ tabs, open: tabs[0] });
export const isSplit = (tiles: Tiles): tiles is Split => 'way' in tiles;
export const beside = (first: Tiles, second: Tiles, share = evenly): Split => ({ way: 'beside', share, first, second });
export const tilesIn = (tiles: Tiles): Tile[] => (isSplit(tiles) ? [...tilesIn(tiles.first), ...tilesIn(tiles.second)] : [tiles]);

/** Replaces each tile; null removes it, and its neighbor gets the space. @returns null if none is left */
function edited(tiles: Tiles, edit: (tile: Tile) => Tiles | null): Tiles | null {
  if (!isSplit(tiles)) return edit(tiles);
  const first = edited(tiles.first, edit);
  const second = edited(tiles.second, edit);
  return first && second ? { ...tiles, first, second } : (first ?? second);
}

function without({ tabs, open }: Tile, id: string): Tile | null {
  const at = tabs.indexOf(id);
  const rest = tabs.filter((tab) => tab !== id);
  return rest.length === 0 ? null : { tabs: rest, open: open === id ? rest[Math.max(0, at - 1)]! : open };
}

/**
 * Opens a panel in its tile; a panel without a tile opens in the first. A first tile of one tab leaves the others out
 * (`shortened`), and stays so: `fitted` adds them in their usual order.
 */
export function opened(tiles: Tiles, id: string): Tiles {
  const all = tilesIn(tiles);
  const target = all.find((tile) => tile.tabs.includes(id)) ?? all[0]!;
  const short = target === all[0] && target.tabs.length === 1;
  const tabs = target.tabs.includes(id) ? target.tabs : short ? [id] : [...target.tabs, id];
  return edited(tiles, (tile) => (tile === target ? { tabs, open: id } : tile))!;
}

/** Moves a tab into a tile, before another tab of it (null = last), and opens it. */
export function moved(tiles: Tiles, id: string, target: Tile, before: string | null): Tiles {
  if (before === id) return opened(tiles, id);
  return edited(tiles, (tile) => {
    const rest = without(tile, id);
    if (tile !== target) return rest;
    const tabs = [...(rest?.tabs ?? [])];
    tabs.splice(before === null ? tabs.length : tabs.indexOf(before), 0, id);
    return { tabs, open: id };
  })!;
}

/** Moves a tab into a new tile at a side of another one. The only tab of a tile cannot leave it for its own side. */
export const besideTile = (tiles: Tiles, id: string, target: Tile, side: Side): Tiles =>
  edited(tiles, (tile) => {
    const rest = without(tile, id);
    if (tile !== target || rest === null) return tile === target ? tile : rest;
    const made = tileOf(id);
    const [first, second] = side === 'left' || side === 'above' ? [made, rest] : [rest, made];
    return { way: side === 'left' || side === 'right' ? 'beside' : 'below', share: evenly, first, second };
  })!;

/** Closes a tile. Its tabs go to the first of the others. */
export const closed = (tiles: Tiles, target: Tile): Tiles => edited(tiles, (tile) => (tile === target ? null : tile)) ?? tiles;

/** Sets the share of a split. */
export function shared(tiles: Tiles, target: Split, share: number): Tiles {
  if (!isSplit(tiles)) return tiles;
  if (tiles === target) return { ...tiles, share: Math.min(100 - leastShare, Math.max(leastShare, Math.round(share))) };
  return { ...tiles, first: shared(tiles.first, target, share), second: shared(tiles.second, target, share) };
}

/** The arrangement with these panels, each once: others are left out, and panels without a tile join the first one at their usual place. */
export function fitted(tiles: Tiles, ids: readonly string[]): Tiles {
  const placed = new Set<string>();
  const kept = edited(tiles, ({ tabs, open }) => {
    const own = tabs.filter((id) => ids.includes(id) && !placed.has(id));
    for (const id of own) placed.add(id);
    return own.length === 0 ? null : { tabs: own, open: own.includes(open) ? open : own[0]! };
  });
  if (!kept) return { tabs: ids, open: ids[0]! };
  const first = tilesIn(kept)[0]!;
  const tabs = [...first.tabs];
  for (const [at, id] of ids.entries())
    if (!placed.has(id)) tabs.splice(tabs.findLastIndex((tab) => ids.indexOf(tab) < at) + 1, 0, id);
  return edited(kept, (tile) => (tile === first ? { tabs, open: tile.open } : tile))!;
}

/** The inverse of `fitted`, for a short link: a first tile with its tabs at their usual places names only the open one. */
export function shortened(tiles: Tiles, ids: readonly string[]): Tiles {
  const first = tilesIn(tiles)[0]!;
  const short = edited(tiles, (tile) => (tile === first ? tileOf(tile.open) : tile))!;
  return tilesIn(fitted(short, ids))[0]!.tabs.join() === first.tabs.join() ? short : tiles;
}

/** As text: "curves", "curves.*attention" (the second is open), "beside50,curves,below60,attention,samples". */
export const tilesText = (tiles: Tiles): string =>
  isSplit(tiles)
    ? [`${tiles.way}${tiles.share}`, tilesText(tiles.first), tilesText(tiles.second)].join()
    : tiles.tabs.map((id, at) => (at > 0 && id === tiles.open ? `*${id}` : id)).join('.');

const isId = (text: string) => /^[a-z][a-z0-9-]*$/.test(text);
const isShare = (share: number) => share >= leastShare && share <= 100 - leastShare;

/** The inverse of `tilesText`; null if the text names no panel. Version 0.1 wrote two panels as "curves,attention", with the share apart. */
export function readTiles(text: string, share: number): Tiles | null {
  const words = text.split(',');
  let left = mostTiles;
  const read = (): Tiles | null => {
    const word = words.shift();
    if (word === undefined) return null;
    const split = /^(beside|below)(\d{1,2})$/.exec(word);
    if (split) {
      const [first, second] = [read(), read()];
      return first && second
        ? withShare({ ...beside(first, second), way: split[1] as Split['way'] }, Number(split[2]))
        : (first ?? second);
    }
    const named = word.split('.').filter((id) => isId(id.replace(/^\*/, '')));
    if (named.length === 0 || left === 0) return null;
    left--;
    const tabs = [...new Set(named.map((id) => id.replace(/^\*/, '')))];
    return { tabs, open: named.find((id) => id.startsWith('*'))?.slice(1) ?? tabs[0]! };
  };
  const [first, second] = [read(), read()];
  return first && second ? withShare(beside(first, second), share) : (first ?? second);
}

/** With the share of the outermost split, if the share is valid. */
export const withShare = (tiles: Tiles, share: number): Tiles =>
  isSplit(tiles) && isShare(share) ? { ...tiles, share: Math.round(share) } : tiles;
