import { expect, it } from 'vitest';
import { createCursor } from '~/app/_live/cursor';
import { same } from '~/app/_live/select';

it('while live the cursor follows the head; a pinned one never moves when data arrive', () => {
  const cursor = createCursor();
  cursor.head(5);
  expect(cursor.get()).toEqual({ mode: 'live', step: 5, hoverStep: null, zoom: null });
  cursor.pin(0);
  cursor.head(9);
  expect(cursor.get()).toEqual({ mode: 'pinned', step: 0, hoverStep: null, zoom: null });
  cursor.follow();
  expect(cursor.get()).toEqual({ mode: 'live', step: 9, hoverStep: null, zoom: null });
});

it('hover and zoom leave the step alone, and a change that changes nothing tells nobody', () => {
  const cursor = createCursor();
  let calls = 0;
  cursor.subscribe(() => calls++);
  cursor.hover(0);
  cursor.hover(0);
  cursor.zoom([0, 10]);
  cursor.zoom([0, 10]);
  cursor.head(0);
  expect(calls).toBe(2);
  expect(cursor.get()).toEqual({ mode: 'live', step: 0, hoverStep: 0, zoom: [0, 10] });
  cursor.hover(null);
  cursor.zoom(null);
  cursor.head(3);
  cursor.reset();
  expect(cursor.get()).toEqual({ mode: 'live', step: 0, hoverStep: null, zoom: null });
});

it('slices are the same when their members are', () => {
  expect(same(Number.NaN, Number.NaN)).toBe(true);
  expect(same({ a: 1, b: null }, { a: 1, b: null })).toBe(true);
  expect(same({ a: undefined }, { b: 1 })).toBe(false);
  expect(same([1, 2], [1, 2])).toBe(true);
  expect(same([1], { 0: 1 })).toBe(false);
  expect(same([[1]], [[1]])).toBe(false);
  expect(same(new Float64Array([1]), new Float64Array([1]))).toBe(false);
});
