import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type AttentionView, decodeAttentionView, defaultAttentionView, encodeAttentionView } from '~/app/_live/attentionView';
import { type Comparison, type Pane, paneAlignments, paneScales } from '~/app/_live/comparison';

const place = fc.nat({ max: 1_000_000 });
const cell = fc.option(fc.nat({ max: 600 }), { nil: null });
const share = fc.double({ min: 0, max: 1, noNaN: true }).map((v) => v + 0);
const run = fc.stringMatching(/^[a-z0-9]{6,32}$/);
const panes: fc.Arbitrary<Pane> = fc.record({
  run: fc.option(run, { nil: null }),
  at: fc.oneof(
    fc.constantFrom('linked' as const, 'newest' as const),
    place.map((step) => ({ step })),
  ),
  source: fc.oneof(
    place.map((example) => ({ example })),
    fc.constant('mean' as const),
  ),
  head: fc.option(fc.record({ layer: place, head: place }), { nil: null }),
});
const comparisons: fc.Arbitrary<Comparison> = fc.record({
  panes: fc.array(panes, { minLength: 2, maxLength: 4 }),
  align: fc.constantFrom(...paneAlignments),
  scale: fc.constantFrom(...paneScales),
  minus: fc.option(fc.tuple(place, place), { nil: null }),
  lead: fc.option(fc.record({ run, step: place, own: place }), { nil: null }),
});
const views: fc.Arbitrary<AttentionView> = fc.record({
  source: fc.oneof(
    place.map((example) => ({ example })),
    fc.constantFrom('mean' as const, 'spread' as const),
  ),
  byRole: fc.boolean(),
  scale: fc.constantFrom('unit' as const, 'shared' as const, 'head' as const, 'lift' as const),
  palette: fc.constantFrom('viridis' as const, 'cividis' as const, 'gray' as const),
  reference: fc.oneof(
    fc.constantFrom(null, 'first' as const, 'previous' as const),
    place.map((step) => ({ step })),
    fc.record({ layer: place, head: place }),
    run.map((id) => ({ run: id })),
  ),
  hidden: fc.array(
    fc.tuple(fc.nat({ max: 31 }), fc.nat({ max: 31 })).map((p) => p.join('.')),
    { maxLength: 20 },
  ),
  operation: fc.constantFrom('mean' as const, 'max' as const, 'std' as const),
  signal: fc.option(fc.string({ maxLength: 64 }), { nil: null }),
  mass: share,
  flip: fc.boolean(),
  mistakesOnly: fc.boolean(),
  asTable: fc.boolean(),
  pinned: fc.option(fc.record({ layer: cell, head: cell, query: cell, key: cell }), { nil: null }),
  heads: fc.constantFrom('table' as const, 'scatter' as const, 'likeness' as const, 'flow' as const),
  axes: fc.option(fc.tuple(fc.string({ maxLength: 64 }), fc.string({ maxLength: 64 })), { nil: null }),
  likeness: fc.record({ with: fc.option(run, { nil: null }), sorted: fc.boolean() }),
  flow: fc.record({ mass: share, rollout: fc.boolean() }),
  tile: fc.constantFrom('max' as const, 'mean' as const, 'min' as const),
  comparison: fc.option(comparisons, { nil: null }),
});

it('any view survives its link, values like 0, false, null and "" included', () => {
  fc.assert(
    fc.property(views, (view) => {
      expect(decodeAttentionView(encodeAttentionView(view))).toEqual(view);
    }),
    { seed: 20261124, numRuns: 500 },
  );
});

it('the default is the empty text; anything that is no view is refused whole', () => {
  expect(encodeAttentionView(defaultAttentionView)).toBe('');
  expect(decodeAttentionView('')).toEqual(defaultAttentionView);
  for (const bad of ['{', '[]', '1', 'null', '{"scale":"rainbow"}', '{"mass":2}', '{"hidden":["x"]}', '{"other":1}'])
    expect(decodeAttentionView(bad), bad).toBeNull();
});
