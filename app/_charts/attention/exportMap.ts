/** Maps and signals as files. Numbers are exact, never rounded to the color levels. */
import { csvText } from '~/app/_charts/csv';
import { escaped } from '~/app/_charts/exportChart';
import { cut } from '~/app/_charts/format';
import { type MapSize, visibleKeys } from '~/shared/attention';
import { stretchOf } from './layout';
import { css } from './palettes';
import { pixelOf } from './raster';
import { type ColorScale, ticks } from './scale';
import { allHeads, type Layers } from './selection';
import type { MapTokens, Token } from './tokens';

export interface MapPicture {
  values: Float32Array;
  size: MapSize;
  scale: ColorScale;
  tokens: MapTokens;
  /** "layer 2 head 3" */
  where: string;
  /** "step 1240, probe example 3, minus step 0" */
  note: string;
  lit: { query: number | null; key: number | null };
  flip: boolean;
  colors: { ink: string; panel: string; dim: string };
}

/** Largest number of characters in a label; a character of the font is about 5.6 px wide. */
const mostLetters = 12;
const letterWidth = 5.6;

/** One map with axes, color bar and highlighted lines as a stand-alone SVG. Labels that would overlap are left out at regular intervals. */
export function mapSvg(p: MapPicture): string {
  const { size, scale, tokens, lit, colors } = p;
  const { queries, keys } = size;
  const { across: wide, down: high } = stretchOf(size);
  const side = Math.max(2, Math.min(28, Math.floor(560 / Math.max(queries * high, keys * wide))));
  const [cell, line] = [side * wide, side * high];
  const text = (of: readonly Token[], t: number) => cut(of[t]?.text ?? String(t + 1), mostLetters);
  const widest = (of: readonly Token[], count: number) =>
    Array.from({ length: count }, (_, t) => text(of, t).length * letterWidth).reduce((m, w) => Math.max(m, w), 6);
  const pictured = [...tokens.queries, ...tokens.keys].some((t) => t.picture);
  const left = pictured ? 44 : Math.max(44, Math.ceil(widest(tokens.queries, queries)) + 14);
  // Labels of keys are horizontal where they fit into a few cells, else rotated.
  const across = widest(tokens.keys, keys);
  const turned = !pictured && across > 3 * cell && across > 20;
  const top = turned ? 46 + Math.ceil(across) : 62;
  const [width, height] = [Math.max(260, keys * cell), queries * line];
  const row = (i: number) => top + (p.flip ? queries - 1 - i : i) * line;
  const rects: string[] = [];
  // Equal neighbors in a row become one rectangle: a one-hot map of 512 x 512 stays small.
  for (let i = 0; i < queries; i++) {
    const visible = visibleKeys(size, i);
    // Lift is relative to uniform over the visible keys of this row.
    const share = scale.kind === 'lift' ? visible / scale.keys : 1;
    const colorAt = (j: number) => pixelOf(scale, p.values[i * keys + j]! * share);
    for (let j = 0; j < visible; ) {
      const color = colorAt(j);
      let end = j + 1;
      while (end < visible && colorAt(end) === color) end++;
      rects.push(
        `<rect x="${left + j * cell}" y="${row(i)}" width="${(end - j) * cell}" height="${line}" fill="${css(color)}"/>`,
      );
      j = end;
    }
    if (visible < keys)
      rects.push(
        `<rect x="${left + visible * cell}" y="${row(i)}" width="${(keys - visible) * cell}" height="${line}" fill="url(#masked)"/>`,
      );
  }
  const marks: string[] = [];
  const face = (of: readonly Token[], t: number, x: number, y: number, side: 'top' | 'left', room: number) => {
    const picture = of[t]?.picture;
    const edge = Math.min(20, room - 2);
    if (picture) return `<image href="${picture}" x="${x - edge / 2}" y="${y - edge / 2}" width="${edge}" height="${edge}"/>`;
    const label = escaped(text(of, t));
    if (side === 'left') return `<text x="${left - 5}" y="${y + 3.5}" text-anchor="end">${label}</text>`;
    return turned
      ? `<text transform="translate(${x + 3.5} ${top - 5}) rotate(-90)">${label}</text>`
      : `<text x="${x}" y="${y + 3.5}" text-anchor="middle">${label}</text>`;
  };
  const everyKey = Math.max(1, Math.ceil((pictured ? 14 : turned ? 12 : across + 5) / cell));
  const everyQuery = Math.max(1, Math.ceil((pictured ? 14 : 12) / line));
  for (let t = 0; t < keys; t += everyKey)
    marks.push(face(tokens.keys, t, left + (t + 0.5) * cell, top - 11, 'top', cell * everyKey));
  for (let t = 0; t < queries; t += everyQuery)
    marks.push(face(tokens.queries, t, left - 13, row(t) + line / 2, 'left', line * everyQuery));
  const lines: string[] = [];
  const frame = (x: number, y: number, w: number, h: number) =>
    lines.push(
      `<rect x="${x}" y="${y}" width="${w}" height="${h}" fill="none" stroke="#000" stroke-width="3"/><rect x="${x}" y="${y}" width="${w}" height="${h}" fill="none" stroke="#fff" stroke-width="1.25"/>`,
    );
  if (lit.query !== null) frame(left, row(lit.query), keys * cell, line);
  if (lit.key !== null) frame(left + lit.key * cell, top, cell, height);
  const barY = top + height + 14;
  const stops = Array.from({ length: 33 }, (_, i) => `<stop offset="${i / 32}" stop-color="${css(scale.palette[i * 8]!)}"/>`);
  const barTicks = ticks(scale).map(
    ({ at, label }) =>
      `<text x="${left + at * width}" y="${barY + 22}" text-anchor="${at === 0 ? 'start' : at === 1 ? 'end' : 'middle'}">${escaped(label)}</text>`,
  );
  const own = scale.kind === 'head' ? ' (own scale: not comparable with other heads)' : '';
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${left + width + 16}" height="${barY + 32}" font-family="Inter, system-ui, sans-serif" font-size="10" fill="${colors.ink}">
<title>${escaped(`${p.where}, ${p.note}`)}</title>
<rect width="100%" height="100%" fill="${colors.panel}"/>
<text x="${left}" y="16" font-size="13" font-weight="600">${escaped(p.where)}${own}</text>
<text x="${left}" y="31" fill="${colors.dim}">${escaped(p.note)}; rows are queries, columns are keys${cell === line ? '' : `; cells are ${cell > line ? `${wide} times as wide as high` : `${high} times as high as wide`}`}${size.causal ? '; hatched cells are masked' : ''}</text>
<defs><pattern id="masked" width="4" height="4" patternUnits="userSpaceOnUse"><rect width="4" height="4" fill="#808080" fill-opacity="0.15"/><path d="M0 4L4 0" stroke="#808080" stroke-width="0.75"/></pattern></defs>
<g shape-rendering="crispEdges">${rects.join('')}</g>
<g>${marks.join('')}</g>
<g>${lines.join('')}</g>
<defs><linearGradient id="bar">${stops.join('')}</linearGradient></defs>
<rect x="${left}" y="${barY}" width="${width}" height="9" fill="url(#bar)"/>
<g fill="${colors.dim}">${barTicks.join('')}</g>
</svg>`;
}

/** Rows "query,key,weight" with their tokens: one line per cell, none for masked cells. Positions count from 0, as in data. */
export function mapCsv(values: Float32Array, size: MapSize, tokens: MapTokens): string {
  const rows: (string | number)[][] = [['query', 'key', 'query_token', 'key_token', 'value']];
  for (let i = 0; i < size.queries; i++)
    for (let j = 0; j < visibleKeys(size, i); j++)
      rows.push([i, j, tokens.queries[i]?.text ?? '', tokens.keys[j]?.text ?? '', values[i * size.keys + j]!]);
  return csvText(rows);
}

/**
 * Rows "step,layer,head,signal...": one line per head and recorded step. Layers and heads count from 0, as in data; a gap is empty.
 * @param signals values [steps, heads of all layers]
 */
export function signalsCsv(
  steps: ArrayLike<number>,
  layers: Layers,
  signals: readonly { name: string; values: ArrayLike<number> }[],
): string {
  const heads = allHeads(layers);
  const rows: (string | number)[][] = [['step', 'layer', 'head', ...signals.map((s) => s.name)]];
  for (let n = 0; n < steps.length; n++)
    for (const [h, [layer, head]] of heads.entries()) {
      const numbers = signals.map((s) => s.values[n * heads.length + h]!).map((v) => (Number.isNaN(v) ? '' : v));
      rows.push([steps[n]!, layer, head, ...numbers]);
    }
  return csvText(rows);
}

/** Concatenates arrays. */
export function joined(parts: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
