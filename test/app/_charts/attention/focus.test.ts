import { describe, expect, it } from 'vitest';
import {
  type Focus,
  type FocusEvent,
  focusReducer,
  largeHead,
  lit,
  litHead,
  noFocus,
  type Spot,
  within,
} from '~/app/_charts/attention/focus';
import { describeHeads, headRows, range, shownHeads, shownLines, solo, toggle } from '~/app/_charts/attention/selection';
import { seeded } from '~/test/support/seeded';

const cell = (layer: number, head: number, query: number, key: number): Spot => ({ layer, head, query, key });
const token = (t: number): Spot => ({ layer: null, head: null, query: t, key: t });
const following = (...events: FocusEvent[]): Focus => events.reduce(focusReducer, noFocus);

describe('pointing', () => {
  it('hover previews over the pin and gives it back', () => {
    const pinned = following({ type: 'click', spot: cell(0, 1, 2, 3) });
    const previewing = focusReducer(pinned, { type: 'hover', spot: token(5) });
    expect(lit(previewing)).toEqual(token(5));
    expect(litHead(lit(previewing))).toBeNull();
    expect(lit(focusReducer(previewing, { type: 'hover', spot: null }))).toEqual(cell(0, 1, 2, 3));
  });

  it('Escape unpins everything; a click on nothing goes back to the average; the same spot again unpins (touch)', () => {
    const click: FocusEvent = { type: 'click', spot: cell(1, 1, 0, 0) };
    expect(following(click, { type: 'hover', spot: token(1) }, { type: 'escape' })).toEqual(noFocus);
    expect(lit(following(click, { type: 'click', spot: null }))).toBeNull();
    expect(lit(following(click, click))).toBeNull();
  });

  it('a token is pinned on top of the pinned head, and pointing at one leaves the head large', () => {
    const head: FocusEvent = { type: 'click', spot: { layer: 1, head: 2, query: null, key: null } };
    expect(following(head, { type: 'click', spot: token(3) }).pinned).toEqual(cell(1, 2, 3, 3));
    expect(following(head, { type: 'click', spot: token(3) }, { type: 'click', spot: token(3) }).pinned).toBeNull();
    expect(largeHead(following(head, { type: 'hover', spot: token(0) }))).toEqual({ layer: 1, head: 2 });
    expect(largeHead(following(head, { type: 'hover', spot: cell(0, 0, 1, 1) }))).toEqual({ layer: 0, head: 0 });
    expect(largeHead(following({ type: 'click', spot: token(3) }))).toBeNull();
  });

  it('a pin of another run shows only what these maps have', () => {
    const size = { layers: Array.from({ length: 2 }, () => ({ heads: 4, queries: 16, keys: 16 })) };
    expect(within(cell(1, 3, 15, 0), size)).toEqual(cell(1, 3, 15, 0));
    expect(within(cell(2, 0, 3, 20), size)).toEqual({ layer: null, head: null, query: 3, key: null });
    expect(within(cell(0, 4, 16, 16), size)).toBeNull();
    expect(within(null, size)).toBeNull();
  });

  it('scrolling ends the preview and keeps the pin', () => {
    expect(following({ type: 'click', spot: token(4) }, { type: 'hover', spot: token(1) }, { type: 'scroll' })).toEqual({
      hovered: null,
      pinned: token(4),
    });
  });

  it('whatever happens: what is lit is the hover, else the pin, and Escape always leads home', () => {
    for (let seed = 0; seed < 200; seed++) {
      const random = seeded(seed);
      const spot = () => (random() < 0.2 ? null : cell(0, 0, Math.floor(random() * 2), Math.floor(random() * 2)));
      let focus = noFocus;
      for (let n = 0; n < 30; n++) {
        const type = (['hover', 'click', 'scroll', 'escape'] as const)[Math.floor(random() * 4)]!;
        const pinnedBefore = focus.pinned;
        focus = focusReducer(focus, type === 'hover' || type === 'click' ? { type, spot: spot() } : { type });
        if (type === 'hover' || type === 'scroll') expect(focus.pinned, `seed ${seed}`).toBe(pinnedBefore);
        expect(lit(focus)).toBe(focus.hovered ?? focus.pinned);
      }
      expect(focusReducer(focus, { type: 'escape' })).toEqual(noFocus);
    }
  });
});

describe('hiding heads', () => {
  const three = [{ heads: 3 }];
  const square = [{ heads: 2 }, { heads: 2 }];

  it('layers have their own numbers of heads', () => {
    const layers = [{ heads: 1 }, { heads: 3 }];
    expect(shownHeads(layers, new Set(['1.1']))).toEqual([
      [0, 0],
      [1, 0],
      [1, 2],
    ]);
    expect(range([0, 0], [1, 1], layers)).toEqual([
      [0, 0],
      [1, 0],
      [1, 1],
    ]);
    expect(shownLines(layers, new Set(['1.2']))).toEqual({ layers: [0, 1], heads: [0, 1] });
    // A pin on head 3 of layer 1 is of no head here; its cell is looked for in the largest maps.
    const size = [
      { heads: 1, queries: 4, keys: 4 },
      { heads: 3, queries: 2, keys: 6 },
    ];
    expect(within(cell(0, 2, 3, 5), { layers: size })).toEqual({ layer: null, head: null, query: 3, key: 5 });
    expect(within(cell(1, 2, 3, 5), { layers: size })).toEqual({ layer: 1, head: 2, query: null, key: 5 });
  });

  it('keeps the numbers of the others', () => {
    const hidden = toggle(new Set(), [[0, 0]], three);
    expect(shownHeads(three, hidden)).toEqual([
      [0, 1],
      [0, 2],
    ]);
    expect(describeHeads(shownHeads(three, hidden), 3)).toBe('layer 1 head 2, layer 1 head 3');
  });

  it('a row or column of which something is shown stays; the last head cannot be hidden', () => {
    expect(shownLines(square, new Set(['0.0', '1.0', '1.1']))).toEqual({ layers: [0], heads: [1] });
    const one = new Set(['0.0', '1.0', '1.1']);
    expect(toggle(one, [[0, 1]], square)).toBe(one);
  });

  it('every layer is a row; a layer that is shown alone has as many as its heads need, none nearly empty', () => {
    const heads = Array.from({ length: 40 }, (_, h) => h);
    expect(headRows({ layers: [0, 3], heads }, 500)).toEqual([0, 3].map((layer) => ({ layer, heads })));
    expect(headRows({ layers: [3], heads: [0, 2, 4] }, 500)).toEqual([{ layer: 3, heads: [0, 2, 4] }]);
    expect(headRows({ layers: [3], heads }, 500)).toEqual(
      [0, 7, 14, 21, 28, 35].map((from) => ({ layer: 3, heads: heads.slice(from, from + 7) })),
    );
    expect(headRows({ layers: [0], heads: heads.slice(0, 8) }, 500).map((r) => r.heads.length)).toEqual([4, 4]);
    expect(headRows({ layers: [0], heads: heads.slice(0, 3) }, 10).map((r) => r.heads)).toEqual([[0], [1], [2]]);
  });

  it('solo shows one alone, again shows all; a range is in reading order whichever end comes first', () => {
    const alone = solo(new Set(), [[1, 0]], square);
    expect(shownHeads(square, alone)).toEqual([[1, 0]]);
    expect(solo(alone, [[1, 0]], square)).toEqual(new Set());
    const between = [
      [0, 2],
      [1, 0],
      [1, 1],
    ];
    expect(range([0, 2], [1, 1], [{ heads: 3 }, { heads: 3 }])).toEqual(between);
    expect(range([1, 1], [0, 2], [{ heads: 3 }, { heads: 3 }])).toEqual(between);
  });
});
