import { expect, it } from 'vitest';
import { fitted } from '~/app/_charts/Axes';

// Without a page a label takes 6.5 px for each character.
const placed = (label: string, xs: readonly number[], to = 310) =>
  fitted(
    xs.map((x) => ({ x, label })),
    -4,
    to,
  ).map((tick) => tick.at);

it('labels of an axis stand in the middle of their ticks, at its ends shifted inward', () => {
  expect(placed('0', [0, 150])).toEqual([0, 150]);
  expect(placed('1000', [300])).toEqual([297]);
});

it('labels of steps near 2^53 are neither cut nor drawn over another', () => {
  expect(placed('9,007,199,254,740,000', [0, 0, 90, 220])).toEqual([64.25, 220]);
});

it('a label is not pushed away from its tick by the name of the axis', () => {
  expect(placed('280', [280], 200)).toEqual([]);
});
