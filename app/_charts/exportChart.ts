import { csvText } from './csv';
import { draw } from './draw';
import { type ExportHead, exportHead } from './exportHead';
import type { ChartContent } from './lineLayout';
import { around } from './margins';
import type { Palette } from './palette';
import type { Plot } from './plot';
import { SvgPen } from './svgPen';
import { colorOf, type LineSpec, type PointSpec } from './types';

/** The chart as one SVG file: axes and marks copied from the page, lines drawn again as paths. @returns null before the first drawing */
export function chartSvg(
  title: string,
  box: HTMLElement | null,
  plot: Plot | null,
  what: ChartContent,
  palette: Palette,
): string | null {
  if (!box || !plot) return null;
  const [axes, marks] = ['axes', 'marks'].map((layer) => resolved(box.querySelector(`[data-layer=${layer}]`)!));
  const pen = new SvgPen();
  draw(pen, plot, what, what.settings, palette);
  const margin = { ...around(), left: plot.left };
  const width = plot.width + margin.left + margin.right;
  const keys = [...what.lines, ...what.points].map(({ label, color }) => ({ label, color: colorOf(palette, color) }));
  const head = exportHead(title, keys, margin.left, width);
  const top = head.height;
  const height = plot.height + margin.top + margin.bottom + top;
  return svgFile(title, head, { width, height, left: margin.left }, palette, [
    `<g transform="translate(${margin.left},${margin.top + top})">${axes}</g>`,
    `<svg x="${margin.left}" y="${margin.top + top}" width="${plot.width}" height="${plot.height}" overflow="hidden">${pen.markup()}</svg>`,
    `<g transform="translate(${margin.left},${margin.top + top})">${marks}</g>`,
  ]);
}

/** A heat map as SVG: its cells as an embedded picture with one pixel per column and row, its labels copied from the page. */
export function heatSvg(
  title: string,
  labels: SVGSVGElement,
  cells: HTMLCanvasElement,
  at: { left: number; top: number; width: number; height: number },
  palette: Palette,
): string {
  const width = labels.width.baseVal.value;
  const head = exportHead(title, [], 12, width);
  const height = labels.height.baseVal.value + head.height;
  return svgFile(title, head, { width, height, left: 12 }, palette, [
    `<image x="${at.left}" y="${at.top + head.height}" width="${at.width}" height="${at.height}" preserveAspectRatio="none" style="image-rendering:pixelated" href="${cells.toDataURL()}"/>`,
    `<g transform="translate(0,${head.height})">${resolved(labels)}</g>`,
  ]);
}

/** @param left where the title begins */
const svgFile = (
  title: string,
  head: ExportHead,
  { width, height, left }: { width: number; height: number; left: number },
  palette: Palette,
  parts: readonly string[],
): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="Inter, system-ui, sans-serif">
<title>${escaped(title)}</title>
<rect width="100%" height="100%" fill="${palette.panel}"/>
${head.title.map(({ text, y }) => `<text x="${left}" y="${y}" font-size="13" font-weight="600" fill="${palette.ink}">${escaped(text)}</text>`).join('\n')}
${head.keys
  .map(({ text, color, x, y }) => {
    const swatch = color === null ? '' : `<rect x="${x}" y="${y - 5}" width="10" height="3" fill="${color}"/>`;
    return `${swatch}<text x="${x + (color === null ? 0 : 14)}" y="${y}" font-size="11" fill="${palette.dim}">${escaped(text)}</text>`;
  })
  .join('\n')}
${parts.join('\n')}
</svg>`;

/** The content of an SVG element, with CSS variables replaced by their colors. */
function resolved(svg: Element): string {
  const copy = svg.cloneNode(true) as Element;
  for (const gone of copy.querySelectorAll('[style*="display: none"], [data-line], circle[style]')) gone.remove();
  const style = getComputedStyle(document.documentElement);
  return copy.innerHTML.replace(
    /var\((--[a-z0-9-]+)\)/g,
    (_, name: string) => style.getPropertyValue(name).trim().replaceAll('"', "'") || 'currentColor',
  );
}

export async function chartPng(svg: string, scale = 2): Promise<Blob> {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = document.createElement('canvas');
  canvas.width = image.width * scale;
  canvas.height = image.height * scale;
  canvas.getContext('2d')!.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) =>
    canvas.toBlob(
      (blob) => (blob ? resolve(blob) : reject(new Error('the browser could not make a PNG of this chart'))),
      'image/png',
    ),
  );
}

/**
 * The loaded data of the chart, one line per bucket: series, first_step, last_step, min, max, mean, last, non_finite. For a bucket of one row min, max, mean
 * and last are its exact value. Evaluations follow with their own steps.
 */
export function chartCsv(lines: readonly LineSpec[], points: readonly PointSpec[]): string {
  const rows: (string | number)[][] = [csvColumns];
  for (const line of lines) {
    const c = line.curve() ?? line.whole?.() ?? null;
    if (!c) continue;
    const { min, max, last, nonFinite } = c.values;
    for (let i = 0; i < c.count; i++)
      rows.push([line.name, c.steps[i]!, c.lastSteps[i]!, min[i]!, max[i]!, c.mean(i), last[i]!, nonFinite[i]!]);
  }
  for (const { label, points: measured } of points)
    for (const { step, value } of measured)
      rows.push([label, step, step, value, value, value, value, Number.isFinite(value) ? 0 : 1]);
  return csvText(rows);
}

const csvColumns = ['series', 'first_step', 'last_step', 'min', 'max', 'mean', 'last', 'non_finite'];

/** Saves content that the page made as a file. */
export function saveFile(name: string, content: Blob | string, type: string): void {
  const url = URL.createObjectURL(typeof content === 'string' ? new Blob([content], { type }) : content);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** A text inside SVG. */
export const escaped = (text: string): string => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
