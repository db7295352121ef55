import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type AttentionView, decodeAttentionView, defaultAttentionView, encodeAttentionView } from '~/app/_live/attentionView';

const place = fc.nat({ max: 1_000_000 });
const cell = fc.option(fc.nat({ max: 600 }), { nil: null });
const views: fc.Arbitrary<AttentionView> = fc.record({
  source: fc.oneof(
    place.map((example) => ({ example })),
    fc.constantFrom('mean' as const, 'spread' as const),
  ),
  byRole: fc.boolean(),
  scale: fc.constantFrom('unit' as const, 'shared' as const, 'head' as const, 'lift' as const),
  palette: fc.constantFrom('viridis' as const, 'cividis' as const, 'grey' as const),
  reference: fc.oneof(
    fc.constantFrom(null, 'first' as const, 'previous' as const),
    place.map((step) => ({ step })),
    fc.record({ layer: place, head: place }),
    fc.stringMatching(/^[a-z0-9]{6,32}$/).map((run) => ({ run })),
  ),
  hidden: fc.array(
    fc.tuple(fc.nat({ max: 31 }), fc.nat({ max: 31 })).map((p) => p.join('.')),
    { maxLength: 20 },
  ),
  operation: fc.constantFrom('mean' as const, 'max' as const, 'std' as const),
  signal: fc.option(fc.string({ maxLength: 64 }), { nil: null }),
  mass: fc.double({ min: 0, max: 1, noNaN: true }).map((v) => v + 0),
  flip: fc.boolean(),
  mistakesOnly: fc.boolean(),
  asTable: fc.boolean(),
  pinned: fc.option(fc.record({ layer: cell, head: cell, query: cell, key: cell }), { nil: null }),
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
