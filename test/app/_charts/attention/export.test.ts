import { describe, expect, it } from 'vitest';
import { mapCsv, mapSvg, signalsCsv } from '~/app/_charts/attention/exportMap';
import { css } from '~/app/_charts/attention/palettes';
import { pixelOf } from '~/app/_charts/attention/raster';
import { colorScale } from '~/app/_charts/attention/scale';
import type { MapTokens } from '~/app/_charts/attention/tokens';
import { npy } from '~/shared/npy';
import { mirror, noise } from '~/test/support/attentionMaps';
import { seeded } from '~/test/support/seeded';

const tokens = (texts: string[]): MapTokens => {
  const all = texts.map((text) => ({ text, name: text, picture: null, right: null, target: false, picked: false }));
  return { queries: all, keys: all, shared: true };
};
const scale = colorScale({ kind: 'unit', quantity: 'weight', keys: 3, peak: 1, sequential: 'viridis', theme: 'light' });

/** As NumPy reads it: magic, version, header length, a Python literal, then the data. */
function readNpy(bytes: Uint8Array) {
  expect([...bytes.subarray(0, 8)]).toEqual(
    [0x93, ...'NUMPY'].map((c) => (typeof c === 'string' ? c.charCodeAt(0) : c)).concat([1, 0]),
  );
  const length = bytes[8]! + 256 * bytes[9]!;
  expect((10 + length) % 64).toBe(0);
  const header = new TextDecoder().decode(bytes.subarray(10, 10 + length));
  expect(header.endsWith('\n')).toBe(true);
  const [, descr, shape] = /^\{'descr': '(<f[48])', 'fortran_order': False, 'shape': \(([\d, ]*)\), \} *\n$/.exec(header)!;
  const data = bytes.slice(10 + length).buffer;
  return {
    shape: shape!
      .split(',')
      .filter((s) => s.trim() !== '')
      .map(Number),
    data: descr === '<f4' ? new Float32Array(data) : new Float64Array(data),
  };
}

describe('numbers as files', () => {
  it('NPY gives back shape and bits, for any number of dimensions', () => {
    const map = noise(3, 5, seeded(4));
    expect(readNpy(npy(map, [3, 5]))).toEqual({ shape: [3, 5], data: map });
    expect(readNpy(npy(map, [15]))).toEqual({ shape: [15], data: map });
    expect(readNpy(npy(map, [1, 3, 1, 5]))).toEqual({ shape: [1, 3, 1, 5], data: map });
    const bad = Float64Array.of(Number.NaN, Number.POSITIVE_INFINITY);
    expect(readNpy(npy(bad, [2]))).toEqual({ shape: [2], data: bad });
    expect(() => npy(map, [4, 4])).toThrow('shape [4, 4] holds 16 elements, data has 15');
  });

  it('CSV of a map: every cell once with its tokens, exact when read back', () => {
    const map = noise(2, 3, seeded(8));
    const [header, ...lines] = mapCsv(map, { queries: 2, keys: 3 }, tokens(['7', '"a,b"', '7']))
      .trimEnd()
      .split('\r\n');
    expect(header).toBe('query,key,query_token,key_token,value');
    expect(lines[1]!.startsWith('0,1,7,"""a,b""",')).toBe(true);
    expect(Float32Array.from(lines, (l) => Number(l.split(',').at(-1)))).toEqual(map);
  });

  it('CSV of signals: one line per head and step, gaps empty, infinities kept', () => {
    const entropy = { name: 'entropy', values: Float64Array.of(1, 0.5, 0.25, Number.POSITIVE_INFINITY) };
    const drift = { name: 'drift', values: Float64Array.of(Number.NaN, Number.NaN, 0.1, 0.2) };
    expect(signalsCsv([0, 20], [{ heads: 1 }, { heads: 1 }], [entropy, drift])).toBe(
      'step,layer,head,entropy,drift\r\n0,0,0,1,\r\n0,1,0,0.5,\r\n20,0,0,0.25,0.1\r\n20,1,0,Infinity,0.2\r\n',
    );
  });
});

describe('the picture', () => {
  const picture = {
    size: { queries: 3, keys: 3 },
    values: mirror(3),
    scale,
    tokens: tokens(['1', '<', '3']),
    where: 'layer 1 head 2',
    note: 'step 40 & more',
    flip: false,
    colors: { ink: '#000', panel: '#fff', dim: '#666' },
  };

  it('holds every cell in its color, the tokens, the bar, and what is lit', () => {
    const svg = mapSvg({ ...picture, lit: { query: 1, key: null } });
    const [one, zero] = [css(pixelOf(scale, 1)), css(pixelOf(scale, 0))];
    // Row 0: two dark cells as one rectangle, then the bright one.
    expect(svg).toContain(
      `<rect x="44" y="62" width="56" height="28" fill="${zero}"/><rect x="100" y="62" width="28" height="28" fill="${one}"/>`,
    );
    expect(svg).toContain('step 40 &#38; more');
    expect(svg).toContain('&#60;');
    expect(svg).toContain('<rect x="44" y="90" width="84" height="28" fill="none" stroke="#fff"');
    expect(svg.match(/<stop /g)).toHaveLength(33);
    expect(mapSvg({ ...picture, lit: { query: null, key: null } })).not.toContain('stroke="#fff"');
  });

  it('turned over, row 0 is at the bottom', () => {
    const svg = mapSvg({ ...picture, flip: true, lit: { query: null, key: null } });
    expect(svg).toContain(`<rect x="100" y="118" width="28" height="28" fill="${css(pixelOf(scale, 1))}"/>`);
  });
});
