import { describe, expect, it } from 'vitest';
import { levels as colors, notFinite, sequentialPalette } from '~/app/_charts/attention/palettes';
import { pixelOf } from '~/app/_charts/attention/raster';
import { colorScale } from '~/app/_charts/attention/scale';
import {
  cellUnder,
  clampWindow,
  levelFor,
  type MapWindow,
  type Picture,
  paintWindow,
  pitchOf,
  sidesOf,
  tileLevels,
  zoomedAt,
} from '~/app/_charts/attention/tiles';
import { noise } from '~/test/support/attentionMaps';
import { seeded } from '~/test/support/seeded';

const scale = colorScale({ kind: 'unit', quantity: 'weight', keys: 1024, peak: 1, sequential: 'viridis', theme: 'light' });
const bright = sequentialPalette('viridis')[colors - 1]!;
const painted = (p: Picture, w: MapWindow, levels: ReturnType<typeof tileLevels>, flip = false) => {
  const pixels = new Uint32Array(p.width * p.height);
  paintWindow(pixels, p, w, levels, scale, flip);
  return pixels;
};

describe('one bright cell in 1024 x 1024', () => {
  const T = 1024;
  const [query, key] = [700, 333];
  const map = new Float32Array(T * T);
  map[query * T + key] = 1;
  const levels = tileLevels(map, { queries: T, keys: T }, 'max', false);

  it('stays visible at every zoom at which it is in view, and its exact value is found under its pixels', () => {
    for (const [width, height] of [
      [500, 500],
      [293, 293],
      [97, 97],
    ] as const) {
      const p: Picture = { queries: T, keys: T, width, height };
      let w: MapWindow = { left: 0, top: 0, span: T };
      for (let n = 0; w.span > 8; n++) {
        const pixels = painted(p, w, levels);
        const places = [...pixels.keys()].filter((i) => pixels[i] === bright);
        expect(places.length, `${width} px, span ${w.span}`).toBeGreaterThan(0);
        const cells = places.map((i) => cellUnder(p, w, levels, false, (i % width) + 0.5, Math.floor(i / width) + 0.5));
        expect(new Set(cells.map((c) => `${c?.query}.${c?.key}`))).toEqual(new Set([`${query}.${key}`]));
        const pitch = pitchOf(p, w);
        w = zoomedAt(w, p, 1.23, (key + 0.5 - w.left) * pitch, (query + 0.5 - w.top) * pitch);
        expect(n).toBeLessThan(200);
      }
    }
  });

  it('stays visible wherever the window is panned to', () => {
    const p: Picture = { queries: T, keys: T, width: 300, height: 300 };
    for (let seed = 0; seed < 40; seed++) {
      const random = seeded(seed);
      const span = 350 + 600 * random();
      const left = Math.max(0, key - span + 1) + random() * (Math.min(key, T - span) - Math.max(0, key - span + 1));
      const top = Math.max(0, query - span + 1) + random() * (Math.min(query, T - span) - Math.max(0, query - span + 1));
      const w = clampWindow({ left, top, span }, p);
      expect(painted(p, w, levels), `seed ${seed}, ${JSON.stringify(w)}`).toContain(bright);
      expect(painted(p, w, levels, true), `seed ${seed}, flipped`).not.toEqual(painted(p, w, levels));
    }
  });
});

it('a map of one query and 300 keys is a band; the cell under each of its pixels is the one painted, at every zoom', () => {
  const size = { queries: 1, keys: 300 };
  const key = 211;
  const map = new Float32Array(300);
  map[key] = 1;
  const levels = tileLevels(map, size, 'max', false);
  const { across, down } = sidesOf(size);
  expect([across, down]).toEqual([300, 38]);
  const p: Picture = { ...size, width: 400, height: Math.round((400 * down) / across) };
  for (let w: MapWindow = { left: 0, top: 0, span: 300 }; w.span > 8; ) {
    const pixels = painted(p, w, levels);
    const places = [...pixels.keys()].filter((i) => pixels[i] === bright);
    expect(places.length).toBeGreaterThanOrEqual(Math.floor(pitchOf(p, w)) * (p.height - 1));
    const cells = places.map((i) => cellUnder(p, w, levels, false, (i % p.width) + 0.5, Math.floor(i / p.width) + 0.5));
    expect(new Set(cells.map((c) => `${c?.query}.${c?.key}`))).toEqual(new Set([`0.${key}`]));
    w = zoomedAt(w, p, 1.5, (key + 0.5 - w.left) * pitchOf(p, w), 10);
  }
});

describe('tiles', () => {
  const size = { queries: 13, keys: 21 };
  const map = noise(size.queries, size.keys, seeded(4), 2);

  it('are the largest, mean and smallest of exactly their cells, also at ragged edges, at every level', () => {
    for (const kind of ['max', 'mean', 'min'] as const)
      for (const level of tileLevels(map, size, kind, false)) {
        expect([level.queries, level.keys]).toEqual([Math.ceil(13 / level.factor), Math.ceil(21 / level.factor)]);
        for (let i = 0; i < level.queries; i++)
          for (let j = 0; j < level.keys; j++) {
            const own: number[] = [];
            for (let y = i * level.factor; y < Math.min(13, (i + 1) * level.factor); y++)
              for (let x = j * level.factor; x < Math.min(21, (j + 1) * level.factor); x++) own.push(map[y * 21 + x]!);
            const expected =
              kind === 'max' ? Math.max(...own) : kind === 'min' ? Math.min(...own) : own.reduce((a, b) => a + b) / own.length;
            expect(level.values[i * level.keys + j], `${kind}, tiles of ${level.factor}`).toBeCloseTo(expected, 6);
          }
      }
    expect(tileLevels(map, size, 'max', false).at(-1)!.values).toHaveLength(1);
  });

  it('of a difference show what is furthest from 0 with its sign; a NaN is never lost', () => {
    expect(tileLevels(Float32Array.of(0.2, -0.9, 0.1, 0), { queries: 2, keys: 2 }, 'max', true)[1]!.values[0]).toBeCloseTo(-0.9);
    expect(tileLevels(Float32Array.of(0.2, -0.9, 0.1, 0), { queries: 2, keys: 2 }, 'min', true)[1]!.values[0]).toBe(0);
    for (const kind of ['max', 'mean', 'min'] as const) {
      const levels = tileLevels(Float32Array.of(0.2, Number.NaN, 0.1, 0), { queries: 2, keys: 2 }, kind, false);
      expect(painted({ queries: 2, keys: 2, width: 1, height: 1 }, { left: 0, top: 0, span: 2 }, levels)[0]).toBe(notFinite);
    }
  });

  it('where a cell has pixels of its own, each is the palette at the exact value, row 0 on top or below', () => {
    const levels = tileLevels(map, size, 'max', false);
    const p: Picture = { ...size, width: 63, height: 39 };
    for (const flip of [false, true]) {
      const pixels = painted(p, { left: 0, top: 0, span: 21 }, levels, flip);
      for (let y = 0; y < 39; y++)
        for (let x = 0; x < 63; x++) {
          const query = flip ? 12 - Math.floor(y / 3) : Math.floor(y / 3);
          expect(pixels[y * 63 + x]).toBe(pixelOf(scale, map[query * 21 + Math.floor(x / 3)]!));
          expect(cellUnder(p, { left: 0, top: 0, span: 21 }, levels, flip, x + 0.5, y + 0.5)).toEqual({
            query,
            key: Math.floor(x / 3),
          });
        }
    }
    expect(levelFor(levels, 3).factor).toBe(1);
    expect(levelFor(levels, 0.3).factor).toBe(4);
  });
});

describe('the window', () => {
  const p: Picture = { queries: 512, keys: 512, width: 400, height: 400 };
  it('keeps what is under the pointer there, never leaves the map, never shows less than a few cells', () => {
    for (let seed = 0; seed < 50; seed++) {
      const random = seeded(seed);
      const w = clampWindow({ left: 600 * random(), top: 600 * random(), span: 512 * random() }, p);
      const [x, y] = [400 * random(), 400 * random()];
      const next = zoomedAt(w, p, 1.5, x, y);
      expect(next.left + x / pitchOf(p, next), `seed ${seed}`).toBeCloseTo(w.left + x / pitchOf(p, w), 6);
      const back = zoomedAt(next, p, 1e-3, x, y);
      expect(back).toEqual({ left: 0, top: 0, span: 512 });
      expect(zoomedAt(w, p, 1e6, x, y).span).toBe(8);
      for (const at of [w, next]) {
        expect(
          at.left >= 0 && at.left + at.span <= 512 + 1e-9 && at.top >= 0 && at.top + at.span <= 512 + 1e-9,
          `seed ${seed}`,
        ).toBe(true);
      }
    }
  });
});
