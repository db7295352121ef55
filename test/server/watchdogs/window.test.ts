import { describe, expect, it } from 'vitest';
import { Window } from '~/server/watchdogs/window';

const filled = (size: number, ...values: number[]): Window => {
  const window = new Window(size);
  for (const value of values) window.push(value);
  return window;
};

describe('a window', () => {
  it('is full once it holds as many values as its size, and empty again when it is cleared', () => {
    const window = filled(3, 9, 9);
    expect(window.full).toBe(false);
    window.push(9);
    expect(window.full).toBe(true);
    window.clear();
    expect(window.full).toBe(false);
    for (const value of [1, 2, 3]) window.push(value);
    expect(window.median()).toBe(2);
  });

  it('has the median of its last values: the middle one, or the mean of the middle two', () => {
    expect([
      filled(3, 100, 30, 10, 20).median(),
      filled(4, 40, 10, 30, 25).median(),
      filled(5, 7, 3).median(),
      filled(5, 3, 1, 2).median(),
    ]).toEqual([20, 27.5, 5, 2]);
  });

  it('has the mean and the population deviation of its last values', () => {
    // Of 2, 4, 4, 6: mean 4; squares 4 + 0 + 0 + 4, over 4: 2.
    expect(filled(4, 99, 2, 4, 4, 6).spread()).toEqual({ mean: 4, deviation: Math.SQRT2 });
    expect(filled(4, 2, 4).spread()).toEqual({ mean: 3, deviation: 1 });
  });
});
