import { formatStep } from './format';
import { type Plot, pixelX, pixelY } from './plot';
import { newest, readout, rowOf, valueFormat } from './readout';
import type { ChartCursorState, LineSpec, PointSpec } from './types';
import type { XMap } from './xMap';

/** These functions change the page directly, without React: every mouse event moves the crosshair of every chart. */

/** Moves a vertical line to a step; hides it for null or a step outside the plot. */
export function placeLine(line: SVGElement | undefined, plot: Plot, step: number | null): void {
  if (!line) return;
  const px = step === null ? Number.NaN : pixelX(plot, step);
  const inside = px >= -0.5 && px <= plot.width + 0.5;
  line.style.display = inside ? '' : 'none';
  if (!inside) return;
  line.setAttribute('x1', String(px));
  line.setAttribute('x2', String(px));
}

/** The step whose values are shown: under the mouse, else the pinned one; null = the newest. */
export const readStep = (c: ChartCursorState): number | null => c.hoverStep ?? (c.mode === 'pinned' ? c.step : null);

/** Positions the children of `g`: the line of the pin, the line of the mouse, then one dot per line. */
export function drawCrosshair(g: SVGGElement | null, plot: Plot, lines: readonly LineSpec[], c: ChartCursorState): void {
  if (!g) return;
  const [pin, hover, ...dots] = [...g.children] as SVGElement[];
  placeLine(pin, plot, c.mode === 'pinned' ? c.step : null);
  placeLine(hover, plot, c.hoverStep);
  const step = readStep(c);
  dots.forEach((dot, k) => {
    const line = lines[k];
    const row = line && step !== null ? rowOf(line, step) : null;
    const [x, y] = row ? [pixelX(plot, row.step), pixelY(plot, row.value)] : [Number.NaN, Number.NaN];
    const inside = Number.isFinite(y) && y >= -1 && y <= plot.height + 1 && x >= 0 && x <= plot.width + 0.5;
    dot.style.display = inside ? '' : 'none';
    if (!inside) return;
    dot.setAttribute('cx', String(x));
    dot.setAttribute('cy', String(y));
  });
}

/** @param step null: the newest */
export function fillLegend(
  list: HTMLUListElement | null,
  lines: readonly LineSpec[],
  points: readonly PointSpec[],
  step: number | null,
  percent: boolean,
  map: XMap,
): void {
  if (!list) return;
  for (const slot of list.querySelectorAll<HTMLElement>('[data-reads]')) {
    const line = lines.find((l) => l.name === slot.dataset.reads);
    if (!line) continue;
    const text = step === null ? newest(line, percent) : readAt(line, step, percent, map);
    if (slot.textContent !== text) slot.textContent = text;
  }
  for (const slot of list.querySelectorAll<HTMLElement>('[data-measured]')) {
    const text = measuredAt(points.find((p) => p.name === slot.dataset.measured)?.points ?? [], step, percent, map);
    if (slot.textContent !== text) slot.textContent = text;
  }
}

/** The value at a step, and its own step where the series has none so near: "0.1128 (2,310)". After `step` updates the newest row is that of the one before. */
function readAt(line: LineSpec, step: number, percent: boolean, map: XMap): string {
  const { value, asOf } = readout(line, step, 0, percent);
  return asOf === null || asOf >= step - 1 || map.places ? value : `${value} (${formatStep(asOf)})`;
}

/** The newest measurement at or before a step, and its own step: "0.1128 (2,310)". @param step null: the newest of all */
function measuredAt(points: PointSpec['points'], step: number | null, percent: boolean, map: XMap): string {
  const at = step === null ? points.at(-1) : points.findLast((p) => p.step <= step);
  return at ? `${valueFormat(percent)(at.value)} (${map.places ? map.say(at.step) : formatStep(at.step)})` : '–';
}
