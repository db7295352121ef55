import { describe, expect, test } from 'vitest';
import { RandomStream, threefry } from '~/trainer/nn/random';

describe('random', () => {
  test("threefry-2x32-20 gives the known answers of its authors' library", () => {
    const out = new Uint32Array(2);
    const block = (k0: number, k1: number, c0: number, c1: number) => {
      threefry(k0, k1, c0, c1, out);
      return [...out].map((x) => x.toString(16).padStart(8, '0')).join(' ');
    };
    expect(block(0, 0, 0, 0)).toBe('6b200159 99ba4efe');
    expect(block(0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff)).toBe('1cb996fc bb002be7');
    expect(block(0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3)).toBe('c4923a9c 483df7a0');
  });

  test('a value depends on seed, name and position alone, not on what was drawn before', () => {
    const forward = new RandomStream(7, 'batches');
    const values = Array.from({ length: 20 }, (_, i) => forward.bits(i));
    const backward = new RandomStream(7, 'batches');
    expect(Array.from({ length: 20 }, (_, i) => backward.bits(19 - i)).reverse()).toEqual(values);
    expect(new RandomStream(7, 'dropout').bits(3)).not.toBe(values[3]);
    expect(new RandomStream(8, 'batches').bits(3)).not.toBe(values[3]);
  });

  test('uniform and normal draws have the moments of their distributions', () => {
    const n = 100_000;
    const s = new RandomStream(3, 'moments');
    let [u1, u2, z1, z2] = [0, 0, 0, 0];
    for (let i = 0; i < n; i++) {
      const u = s.uniform(i);
      const z = s.normal(i);
      u1 += u / n;
      u2 += (u * u) / n;
      z1 += z / n;
      z2 += (z * z) / n;
    }
    // standard errors at n = 1e5: 0.0009, 0.0009, 0.003, 0.0045; four of them allowed
    expect(Math.abs(u1 - 1 / 2)).toBeLessThan(0.004);
    expect(Math.abs(u2 - 1 / 3)).toBeLessThan(0.004);
    expect(Math.abs(z1)).toBeLessThan(0.013);
    expect(Math.abs(z2 - 1)).toBeLessThan(0.018);
  });

  test('a permutation holds each index once, and each index is equally likely at each place', () => {
    expect([...new RandomStream(1, 'p').permutation(1000)].sort((a, b) => a - b)).toEqual(
      Array.from({ length: 1000 }, (_, i) => i),
    );
    const counts = Array.from({ length: 4 }, () => [0, 0, 0, 0]);
    for (let t = 0; t < 4000; t++)
      for (const [place, v] of new RandomStream(t, 'p').permutation(4).entries()) counts[place]![v]!++;
    // expected 1000 each, standard deviation sqrt(4000 * 3/16) = 27
    for (const c of counts.flat()) expect(Math.abs(c - 1000)).toBeLessThan(130);
  });
});
