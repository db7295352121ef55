import { formatPercent } from '~/shared/numbers';
import { logTicks } from './domains';
import { formatTick, tickTexts } from './format';
import { spread } from './xMap';

/** Margins around a plot for its labels, in the page's font size. */

/** CSS pixels in 1/16 of the page's font size; 1 without a page. */
export function unit(): number {
  const now = performance.now();
  if (typeof document !== 'undefined' && now - readAt > rereadMs) {
    readAt = now;
    read = (Number.parseFloat(getComputedStyle(document.documentElement).fontSize) || 16) / 16;
  }
  return read;
}
let read = 1;
let readAt = Number.NEGATIVE_INFINITY;
/** Minimum interval between reads: asking the browser for every label would be slow. */
const rereadMs = 250;

/** Font size of axis labels. */
export const labelSize = '0.6875rem';

let pen: CanvasRenderingContext2D | null = null;
/** Label widths at 11 px. */
const widths = new Map<string, number>();

/** Width of an axis label, CSS pixels. */
export function labelWidth(text: string): number {
  let width = widths.get(text);
  if (width === undefined) {
    if (pen === null && typeof document !== 'undefined') {
      pen = document.createElement('canvas').getContext('2d');
      if (pen) pen.font = '11px "Inter Variable", system-ui, sans-serif';
    }
    width = pen ? pen.measureText(text).width : text.length * 6.5;
    if (widths.size > 5000) widths.clear();
    widths.set(text, width);
  }
  return width * unit();
}

/** The margins that do not depend on a plot's numbers. */
export const around = () => ({ right: 14 * unit(), top: 16 * unit(), bottom: 22 * unit() });

export const yTicks = (y: readonly [number, number], log: boolean, height: number): number[] => {
  const rows = Math.max(2, Math.floor(height / (36 * unit())));
  return log ? logTicks(y[0], y[1], rows) : spread(y[0], y[1], rows);
};

export const yLabels = (ticks: readonly number[], percent: boolean): string[] =>
  tickTexts(ticks, percent ? (v, digits) => formatPercent(v, digits).replace(' ', '\u2009') : formatTick);

/**
 * Width of the left margin with the labels of y and, when it is short, the name of the x axis below them. A margin that is slightly wider than needed
 * stays, so that the plot does not flicker.
 */
export function leftFor(ticks: readonly number[], percent: boolean, xName: string, shown: number | null): number {
  const widest = Math.max(0, ...yLabels(ticks, percent).map(labelWidth));
  const name = labelWidth(xName);
  const wanted = Math.ceil(Math.max(28 * unit(), widest + 10 * unit(), name <= 52 * unit() ? name + 12 * unit() : 0));
  return shown !== null && shown >= wanted && shown - wanted < 16 ? shown : wanted;
}
