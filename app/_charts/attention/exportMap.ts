/** Maps and signals as files. Numbers are the exact ones, never those of the colours. */
import { css } from './palettes';
import { pixelOf } from './raster';
import { type ColourScale, ticks } from './scale';
import type { Token } from './tokens';

export interface MapPicture {
  values: Float32Array;
  queries: number;
  keys: number;
  scale: ColourScale;
  tokens: readonly Token[];
  /** "layer 2 head 3" */
  where: string;
  /** "step 1240, probe example 3, minus step 0" */
  note: string;
  lit: { query: number | null; key: number | null };
  flip: boolean;
  colours: { ink: string; panel: string; dim: string };
}

/** One map with axes, colour bar and the lines lit on screen, as a stand-alone SVG. */
export function mapSvg(p: MapPicture): string {
  const { queries, keys, scale, tokens, lit, colours } = p;
  const cell = Math.max(2, Math.min(28, Math.floor(560 / Math.max(queries, keys))));
  const [left, top] = [44, 62];
  const [width, height] = [Math.max(260, keys * cell), queries * cell];
  const row = (i: number) => top + (p.flip ? queries - 1 - i : i) * cell;
  const rects: string[] = [];
  // Equal neighbours of a row are one rectangle: a one-hot map of 512 x 512 stays small.
  for (let i = 0; i < queries; i++)
    for (let j = 0; j < keys; ) {
      const colour = pixelOf(scale, p.values[i * keys + j]!);
      let end = j + 1;
      while (end < keys && pixelOf(scale, p.values[i * keys + end]!) === colour) end++;
      rects.push(
        `<rect x="${left + j * cell}" y="${row(i)}" width="${(end - j) * cell}" height="${cell}" fill="${css(colour)}"/>`,
      );
      j = end;
    }
  const every = Math.max(1, Math.ceil(12 / cell));
  const label = (t: number) => escaped(tokens[t]?.text ?? String(t + 1));
  const face = (t: number, x: number, y: number) => {
    const picture = tokens[t]?.picture;
    const size = Math.min(20, cell * every - 2);
    return picture
      ? `<image href="${picture}" x="${x - size / 2}" y="${y - size / 2}" width="${size}" height="${size}"/>`
      : `<text x="${x}" y="${y + 3.5}" text-anchor="middle">${label(t)}</text>`;
  };
  const marks: string[] = [];
  for (let t = 0; t < keys; t += every) marks.push(face(t, left + (t + 0.5) * cell, top - 11));
  for (let t = 0; t < queries; t += every) marks.push(face(t, left - 13, row(t) + cell / 2));
  const lines: string[] = [];
  const line = (x: number, y: number, w: number, h: number) =>
    lines.push(
      `<rect x="${x}" y="${y}" width="${w}" height="${h}" fill="none" stroke="#000" stroke-width="3"/><rect x="${x}" y="${y}" width="${w}" height="${h}" fill="none" stroke="#fff" stroke-width="1.25"/>`,
    );
  if (lit.query !== null) line(left, row(lit.query), keys * cell, cell);
  if (lit.key !== null) line(left + lit.key * cell, top, cell, height);
  const barY = top + height + 14;
  const stops = Array.from({ length: 33 }, (_, i) => `<stop offset="${i / 32}" stop-color="${css(scale.palette[i * 8]!)}"/>`);
  const barTicks = ticks(scale).map(
    ({ at, label: text }) =>
      `<text x="${left + at * width}" y="${barY + 22}" text-anchor="${at === 0 ? 'start' : at === 1 ? 'end' : 'middle'}">${escaped(text)}</text>`,
  );
  const own = scale.kind === 'head' ? ' (own scale: not comparable with other heads)' : '';
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${left + width + 16}" height="${barY + 32}" font-family="Inter, system-ui, sans-serif" font-size="10" fill="${colours.ink}">
<title>${escaped(`${p.where}, ${p.note}`)}</title>
<rect width="100%" height="100%" fill="${colours.panel}"/>
<text x="${left}" y="16" font-size="13" font-weight="600">${escaped(p.where)}${own}</text>
<text x="${left}" y="31" fill="${colours.dim}">${escaped(p.note)}; rows are queries, columns are keys</text>
<g shape-rendering="crispEdges">${rects.join('')}</g>
<g>${marks.join('')}</g>
<g>${lines.join('')}</g>
<defs><linearGradient id="bar">${stops.join('')}</linearGradient></defs>
<rect x="${left}" y="${barY}" width="${width}" height="9" fill="url(#bar)"/>
<g fill="${colours.dim}">${barTicks.join('')}</g>
</svg>`;
}

const escaped = (text: string): string => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

/** Rows "query,key,weight" with their tokens: one line per cell. Places count from 0, as in data. */
export function mapCsv(values: Float32Array, keys: number, tokens: readonly Token[]): string {
  const lines = ['query,key,query_token,key_token,value'];
  for (let n = 0; n < values.length; n++) {
    const [i, j] = [Math.floor(n / keys), n % keys];
    lines.push([i, j, field(tokens[i]?.text ?? ''), field(tokens[j]?.text ?? ''), values[n]].join(','));
  }
  return `${lines.join('\n')}\n`;
}

/** Rows "step,layer,head,signal...": one line per head and recorded step. Layers and heads count from 0, as in data; a gap is empty. */
export function signalsCsv(
  steps: ArrayLike<number>,
  headsPerLayer: number,
  signals: readonly { name: string; values: ArrayLike<number>; width: number }[],
): string {
  const width = signals[0]?.width ?? 0;
  const lines = [['step', 'layer', 'head', ...signals.map((s) => field(s.name))].join(',')];
  for (let n = 0; n < steps.length; n++)
    for (let h = 0; h < width; h++) {
      const numbers = signals.map((s) => (Number.isNaN(s.values[n * width + h]!) ? '' : s.values[n * width + h]!));
      lines.push([steps[n], Math.floor(h / headsPerLayer), h % headsPerLayer, ...numbers].join(','));
    }
  return `${lines.join('\n')}\n`;
}

const field = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/**
 * NumPy's .npy, version 1.0, C order.
 * Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 * @throws RangeError when the shape does not hold as many elements as the data
 */
export function npy(data: Float32Array | Float64Array, shape: readonly number[]): Uint8Array<ArrayBuffer> {
  const count = shape.reduce((a, b) => a * b, 1);
  if (count !== data.length) throw new RangeError(`shape [${shape.join(', ')}] holds ${count} elements, data has ${data.length}`);
  const type = data instanceof Float32Array ? '<f4' : '<f8';
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const text = `{'descr': '${type}', 'fortran_order': False, 'shape': ${tuple}, }`;
  // Magic 6, version 2, length 2; the header ends in a newline on a multiple of 64.
  const length = Math.ceil((10 + text.length + 1) / 64) * 64 - 10;
  const out = new Uint8Array(10 + length + data.byteLength);
  out.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, length & 255, length >> 8]);
  out.set(new TextEncoder().encode(`${text.padEnd(length - 1)}\n`), 10);
  out.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 10 + length);
  return out;
}
