import { describe, expect, it } from 'vitest';
import { cellAt, gridLayout, mapOrigin } from '~/app/_charts/attention/layout';
import {
  divergingPalette,
  levels,
  notFinite,
  rgbOf,
  sequentialPalette,
  sequentialPalettes,
} from '~/app/_charts/attention/palettes';
import { paint, peakOf, pixelOf } from '~/app/_charts/attention/raster';
import { colorScale, place, type ScaleKind, ticks } from '~/app/_charts/attention/scale';
import { column, identity, mirror, noise, uniform } from '~/test/support/attentionMaps';
import { seeded } from '~/test/support/seeded';

const scaleOf = (kind: ScaleKind, keys: number, peak = 1, quantity: 'weight' | 'difference' | 'spread' = 'weight') =>
  colorScale({ kind, quantity, keys, peak, sequential: 'viridis', theme: 'light' });

function painted(map: Float32Array, queries: number, keys: number, scale = scaleOf('unit', keys), pool = 1) {
  const stride = Math.ceil(keys / pool);
  const pixels = new Uint32Array(Math.ceil(queries / pool) * stride);
  const bad = paint(map, 0, { queries, keys }, scale, { pixels, stride, x: 0, y: 0 }, pool);
  return { pixels, bad };
}

describe('pixels', () => {
  const viridis = sequentialPalette('viridis');
  const [zero, one] = [viridis[0]!, viridis[levels - 1]!];

  it('known maps read back: row 0 on top, key 0 on the left', () => {
    expect(painted(identity(3), 3, 3).pixels).toEqual(Uint32Array.of(one, zero, zero, zero, one, zero, zero, zero, one));
    expect(painted(mirror(3), 3, 3).pixels).toEqual(Uint32Array.of(zero, zero, one, zero, one, zero, one, zero, zero));
    expect(painted(column(3, 1), 3, 3).pixels).toEqual(Uint32Array.of(zero, one, zero, zero, one, zero, zero, one, zero));
    expect(painted(uniform(2, 4), 2, 4).pixels).toEqual(new Uint32Array(8).fill(viridis[64]!));
  });

  it('every cell is the palette at its value, on every scale', () => {
    const map = noise(7, 11, seeded(1));
    for (const kind of ['unit', 'shared', 'head', 'lift'] as const) {
      const scale = scaleOf(kind, 11, peakOf(map));
      expect(painted(map, 7, 11, scale).pixels, kind).toEqual(Uint32Array.from(map, (v) => pixelOf(scale, v)));
    }
  });

  it('the same value has the same pixel in two heads on a shared scale', () => {
    const [a, b] = [Float32Array.of(0.3, 0.7), Float32Array.of(0.3, 0.1)];
    const scale = scaleOf('shared', 2, 0.7);
    expect(painted(a, 1, 2, scale).pixels[0]).toBe(painted(b, 1, 2, scale).pixels[0]);
  });

  it('a uniform map is neutral in lift whatever its size; twice and half of it lie as far on either side', () => {
    const neutral = divergingPalette('light')[(levels - 1) / 2]!;
    for (const T of [2, 10, 16, 128, 1000]) {
      const scale = scaleOf('lift', T);
      expect(new Set(painted(uniform(T), T, T, scale).pixels), `T ${T}`).toEqual(new Set([neutral]));
      expect(place(scale, 2 / T) + place(scale, 0.5 / T)).toBeCloseTo(1, 9);
      expect(ticks(scale)[2]).toEqual({ at: 0.5, label: '1×' });
    }
  });

  it('a difference of nothing is neutral, signs go to their own side, a fixed scale shows -1 to 1', () => {
    const scale = scaleOf('unit', 2, 0.2, 'difference');
    const palette = divergingPalette('light');
    expect(painted(new Float32Array(4), 2, 2, scale).pixels).toEqual(new Uint32Array(4).fill(palette[128]!));
    expect(painted(Float32Array.of(-1, 1), 1, 2, scale).pixels).toEqual(Uint32Array.of(palette[0]!, palette[256]!));
    expect(ticks(scale).map((t) => t.label)).toEqual(['−1', '−0.5', '0', '+0.5', '+1']);
    expect(() => scaleOf('lift', 2, 1, 'difference')).toThrow('lift');
  });

  it('NaN and infinity have a color of their own and are counted', () => {
    const map = Float32Array.of(0.5, Number.NaN, Number.POSITIVE_INFINITY, 0.5);
    const { pixels, bad } = painted(map, 2, 2);
    expect([pixels[1], pixels[2], bad]).toEqual([notFinite, notFinite, 2]);
    for (const name of sequentialPalettes) expect(sequentialPalette(name)).not.toContain(notFinite);
    expect(peakOf(map)).toBe(0.5);
  });

  it('one bright cell in 1024 x 1024 stays visible in every tile size', () => {
    const map = new Float32Array(1024 * 1024);
    map[700 * 1024 + 333] = 1;
    for (const pool of [2, 3, 8, 16, 100]) {
      const { pixels } = painted(map, 1024, 1024, scaleOf('unit', 1024), pool);
      expect(pixels[Math.floor(700 / pool) * Math.ceil(1024 / pool) + Math.floor(333 / pool)], `pool ${pool}`).toBe(one);
      expect(pixels.filter((p) => p === one)).toHaveLength(1);
    }
  });
});

describe('the grid', () => {
  it('finds for every layout exactly the cell that a pixel was painted from', () => {
    for (const [layers, heads, queries, keys, width, maxHeight] of [
      [1, 1, 16, 16, 320, 600],
      [2, 4, 16, 16, 700, 600],
      [3, 5, 4, 9, 333, 900],
      [16, 8, 10, 10, 900, 700],
      [12, 12, 128, 128, 1000, 1000],
      [1, 32, 300, 512, 360, 400],
      [2, 3, 1, 300, 700, 600],
      [1, 2, 40, 1, 700, 600],
      [1, 2, 3, 2000, 360, 600],
    ] as const) {
      const rows = Array.from({ length: layers }, () => ({ queries, keys }));
      const g = gridLayout({ rows, columns: heads, width, maxHeight });
      const { pool, block, mapWidth, mapHeight } = g.rows[0]!;
      // No map is a line.
      if (queries * keys > 1)
        expect(Math.max(mapWidth / mapHeight, mapHeight / mapWidth), `${layers}x${heads}x${queries}x${keys}`).toBeLessThanOrEqual(
          8,
        );
      const name = `${layers}x${heads}x${queries}x${keys}`;
      expect(Number.isInteger(g.zoom) && g.zoom >= 1, name).toBe(true);
      if (pool > 1 || g.width <= width) expect(g.width * g.zoom, name).toBeLessThanOrEqual(Math.max(width, g.width));
      const random = seeded(layers * heads);
      for (let n = 0; n < 50; n++) {
        const cell = {
          row: Math.floor(random() * layers),
          column: Math.floor(random() * heads),
          query: Math.floor(random() * queries),
          key: Math.floor(random() * keys),
        };
        const o = mapOrigin(g, cell.row, cell.column);
        const x = (o.x + (Math.floor(cell.key / pool) + 0.5) * block.across) * g.zoom;
        const y = (o.y + (Math.floor(cell.query / pool) + 0.5) * block.down) * g.zoom;
        const tile = { ...cell, query: cell.query - (cell.query % pool), key: cell.key - (cell.key % pool) };
        expect(cellAt(g, x, y), name).toEqual(tile);
      }
      expect(cellAt(g, -1, 0)).toBeNull();
      expect(cellAt(g, 0, g.height * g.zoom)).toBeNull();
      if (heads > 1) expect(cellAt(g, (g.rows[0]!.mapWidth + 0.5) * g.zoom, 0), `${name}: a gap`).toBeNull();
    }
  });

  it('paints each cell of a map of very unequal sides where it is found', () => {
    for (const [queries, keys] of [
      [1, 300],
      [50, 2],
    ] as const) {
      const g = gridLayout({ rows: [{ queries, keys }], columns: 1, width: 400, maxHeight: 400 });
      const values = new Float32Array(queries * keys);
      const at = Math.floor(0.7 * queries * keys);
      values[at] = 1;
      const pixels = new Uint32Array(g.width * g.height);
      const target = { pixels, stride: g.width, x: 0, y: 0, block: g.rows[0]!.block };
      paint(values, 0, { queries, keys }, scaleOf('unit', keys), target, g.rows[0]!.pool);
      const found = [...pixels.keys()].filter((n) => pixels[n] === sequentialPalette('viridis')[levels - 1]);
      const { across, down } = g.rows[0]!.block;
      expect(found).toHaveLength(across * down);
      for (const n of found) {
        const cell = cellAt(g, ((n % g.width) + 0.5) * g.zoom, (Math.floor(n / g.width) + 0.5) * g.zoom);
        expect(cell).toEqual({ row: 0, column: 0, query: Math.floor(at / keys), key: at % keys });
      }
    }
  });
});

describe('colors', () => {
  /** Linear-light matrices for complete deficiencies: Machado, Oliveira, Fernandes 2009, severity 1. */
  const deficiencies = {
    none: [1, 0, 0, 0, 1, 0, 0, 0, 1],
    protanopia: [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
    deuteranopia: [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881],
    tritanopia: [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039],
  };
  const lab = (p: number, m: readonly number[]) => {
    const linear = rgbOf(p).map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    const [r, g, b] = [0, 3, 6].map((i) =>
      Math.max(0, Math.min(1, m[i]! * linear[0]! + m[i + 1]! * linear[1]! + m[i + 2]! * linear[2]!)),
    ) as [number, number, number];
    const xyz = [
      (0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047,
      0.2126729 * r + 0.7151522 * g + 0.072175 * b,
      (0.0193339 * r + 0.119192 * g + 0.9503041 * b) / 1.08883,
    ].map((t) => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116)) as [number, number, number];
    return [116 * xyz[1] - 16, 500 * (xyz[0] - xyz[1]), 200 * (xyz[1] - xyz[2])];
  };

  it('neighbouring marks of the color bar stay apart under every deficiency (CIE76 >= 5), as do the two signs of a difference', () => {
    const palettes = {
      ...Object.fromEntries(sequentialPalettes.map((n) => [n, sequentialPalette(n)])),
      'diverging light': divergingPalette('light'),
      'diverging dark': divergingPalette('dark'),
    };
    for (const [name, palette] of Object.entries(palettes))
      for (const [eye, matrix] of Object.entries(deficiencies)) {
        const marks = Array.from({ length: 9 }, (_, i) => lab(palette[i * 32]!, matrix));
        const apart = (i: number, j: number) => Math.hypot(...marks[i]!.map((v, c) => v - marks[j]![c]!));
        for (let i = 0; i < 8; i++) expect(apart(i, i + 1), `${name}, ${eye}, marks ${i} and ${i + 1}`).toBeGreaterThanOrEqual(5);
        if (name.startsWith('diverging'))
          for (let i = 0; i < 4; i++) expect(apart(i, 8 - i), `${name}, ${eye}, ±${i}`).toBeGreaterThanOrEqual(10);
      }
  });

  it('sequential palettes rise in lightness all the way', () => {
    for (const name of sequentialPalettes) {
      const lightness = Array.from(sequentialPalette(name), (p) => lab(p, deficiencies.none)[0]!);
      for (let i = 8; i < levels; i += 8) expect(lightness[i]!, `${name} at ${i}`).toBeGreaterThan(lightness[i - 8]!);
    }
  });

  it('viridis is viridis: its published ends and middle within 4/255', () => {
    const published = { 0: [68, 1, 84], 128: [33, 145, 140], 256: [253, 231, 37] };
    for (const [i, rgb] of Object.entries(published))
      rgbOf(sequentialPalette('viridis')[Number(i)]!).forEach((v, c) => {
        expect(Math.abs(v - rgb[c]!), `entry ${i}, channel ${c}`).toBeLessThanOrEqual(4);
      });
  });
});
