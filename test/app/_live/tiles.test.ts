import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  beside,
  besideTile,
  closed,
  fitted,
  mostTiles,
  moved,
  opened,
  readTiles,
  type Side,
  shared,
  shortened,
  type Tiles,
  tileOf,
  tilesIn,
  tilesText,
} from '~/app/_live/tiles';

const ids = ['curves', 'attention', 'gradients', 'samples', 'system'];
const all = fitted(tileOf('curves'), ids);
const text = (tiles: Tiles) => tilesText(shortened(tiles, ids));

it('tabs move within a tile, into a new tile and back; what a tile loses it does not show', () => {
  expect(tilesText(all)).toBe('curves.attention.gradients.samples.system');
  expect(text(all)).toBe('curves');
  expect(text(opened(all, 'samples'))).toBe('samples');
  expect(tilesText(moved(all, 'system', tilesIn(all)[0]!, 'curves'))).toBe('system.curves.attention.gradients.samples');
  const two = besideTile(all, 'attention', tilesIn(all)[0]!, 'right');
  expect(text(two)).toBe('beside50,curves,attention');
  const three = besideTile(two, 'samples', tilesIn(two)[1]!, 'below');
  expect(text(three)).toBe('beside50,curves,below50,attention,samples');
  const four = besideTile(three, 'curves', tilesIn(three)[2]!, 'left');
  expect(text(four)).toBe('beside50,gradients,below50,attention,beside50,curves,samples');
  // A tile whose only tab leaves is gone, and its neighbor has the space.
  const back = moved(four, 'attention', tilesIn(four)[3]!, 'samples');
  expect(text(back)).toBe('beside50,gradients,beside50,curves,attention.samples');
  expect(text(fitted(closed(back, tilesIn(back)[2]!), ids))).toBe('beside50,gradients,curves');
  expect(text(shared(two, two as never, 71.6))).toBe('beside72,curves,attention');
  expect(text(shared(two, two as never, 3))).toBe('beside20,curves,attention');
});

it('panels that are opened one after the other, as on a phone, leave the tabs in their order', () => {
  const shown = ['samples', 'attention', 'curves', 'gradients'].reduce(opened, tileOf('curves'));
  expect(tilesIn(fitted(shown, ids))).toEqual([{ tabs: ids, open: 'gradients' }]);
  const two = opened(beside(tileOf('curves'), tileOf('attention')), 'samples');
  expect(tilesIn(fitted(two, ids)).map((tile) => tile.open)).toEqual(['samples', 'attention']);
});

it('the only tab of a tile cannot leave it for its own side', () => {
  const alone = tileOf('curves');
  expect(besideTile(alone, 'curves', alone, 'below')).toEqual(alone);
});

it.each([
  ['curves,attention', 70, beside(tileOf('curves'), tileOf('attention'), 70)],
  ['curves,attention', Number.NaN, beside(tileOf('curves'), tileOf('attention'))],
  ['attention', Number.NaN, tileOf('attention')],
  ['curves,<b>', 30, tileOf('curves')],
  ['below5,curves,attention', Number.NaN, { ...beside(tileOf('curves'), tileOf('attention')), way: 'below' }],
  ['<b>', 30, null],
  ['', 30, null],
] as const)('the link "%s" with the share %s is read', (link, share, tiles) => {
  expect(readTiles(link, share)).toEqual(tiles);
});

it('after any moves each panel is in one tile, and the arrangement comes back from its text', () => {
  const move = fc.record({
    id: fc.constantFrom(...ids),
    at: fc.nat(3),
    side: fc.constantFrom<Side | 'open' | 'close' | null>('left', 'right', 'above', 'below', 'open', 'close', null),
    before: fc.option(fc.constantFrom(...ids)),
  });
  fc.assert(
    fc.property(fc.array(move, { maxLength: 12 }), (moves) => {
      let tiles = all;
      for (const { id, at, side, before } of moves) {
        const now = tilesIn(tiles);
        const target = now[at % now.length]!;
        if (side === 'open') tiles = opened(tiles, id);
        else if (side === 'close') tiles = now.length > 1 ? closed(tiles, target) : tiles;
        else if (side === null) tiles = moved(tiles, id, target, before !== null && target.tabs.includes(before) ? before : null);
        else if (now.length < mostTiles) tiles = besideTile(tiles, id, target, side);
        tiles = fitted(shortened(fitted(tiles, ids), ids), ids);
        const shown = tilesIn(tiles);
        expect(shown.flatMap((tile) => tile.tabs).toSorted()).toEqual(ids.toSorted());
        expect(shown.every((tile) => tile.tabs.includes(tile.open))).toBe(true);
        expect(readTiles(tilesText(tiles), Number.NaN)).toEqual(tiles);
        expect(fitted(readTiles(text(tiles), Number.NaN)!, ids)).toEqual(tiles);
      }
    }),
    { seed: 15, numRuns: 300 },
  );
});
