import { settle, xDomain, yDomain } from './domains';
import { ruleAt } from './draw';
import { around, leftFor, yTicks } from './margins';
import type { Plot } from './plot';
import type { ChartCursor, ChartSettings, LineSpec, PointSpec, RuleSpec } from './types';
import type { XMap } from './xMap';

/** Everything that a chart of lines shows. */
export interface ChartContent {
  lines: readonly LineSpec[];
  points: readonly PointSpec[];
  rule: RuleSpec | null;
  map: XMap;
  settings: ChartSettings;
  cursor: ChartCursor;
  percent: boolean;
  /** Ends of the y axis set by a person; null = computed from the numbers. */
  range?: readonly [number | null, number | null] | undefined;
}

export interface Layout extends Plot {
  /** Number of curves and sets of points with values. */
  drawn: number;
}

/**
 * The layout to draw; `before` itself when the difference is less than half a pixel. A range and a margin that still fit stay, so that
 * the plot does not move with every row; when a curve comes or goes, they are made anew: they do not depend on which came first.
 *
 * @param size of the chart, labels included, CSS pixels
 */
export function layoutFor(
  before: Layout | null,
  { lines, points, rule, map, settings, cursor, percent, range }: ChartContent,
  size: { width: number; height: number },
): Layout {
  const { right, top, bottom } = around();
  const height = Math.max(0, size.height - top - bottom);
  const curves = lines.flatMap((l) => l.curve() ?? l.whole?.() ?? []);
  const drawn = curves.filter((c) => c.count > 0).length + points.filter((p) => p.points.length > 0).length;
  const shown = before?.drawn === drawn ? before : null;
  const { from, to, x } = xDomain(cursor, curves, map);
  const inside = points.flatMap((p) => p.points.filter((v) => v.step >= from && v.step <= to).map((v) => v.value));
  const options = { log: settings.log, robust: settings.robust, bounds: percent ? ([0, 1] as const) : undefined };
  let y = yDomain(curves, inside, from, to, options);
  // The threshold is in view unless that would flatten the curve; otherwise its label is at the edge.
  const limit = rule ? ruleAt(rule, to) : null;
  if (limit !== null && limit > y[1] && limit <= 2.5 * y[1] && !settings.robust)
    y = yDomain(curves, [...inside, limit], from, to, options);
  const own = ranged(y, range, settings.log);
  const left = leftFor(yTicks(own ?? y, settings.log, height), percent, map.label, shown?.left ?? null);
  const width = Math.max(0, size.width - left - right);
  const sameAxes =
    shown &&
    shown.width === width &&
    shown.height === height &&
    shown.left === left &&
    shown.map.label === map.label &&
    shown.log === settings.log;
  const pixel = (x[1] - x[0]) / width;
  const keepX = sameAxes && Math.abs(shown.x[0] - x[0]) < 0.5 * pixel && Math.abs(shown.x[1] - x[1]) < 0.5 * pixel;
  // With the same x range, y may keep its range while everything still fits. A new x range gets a new y range.
  const sameRange = sameAxes && Math.abs(shown.x[0] - x[0]) < 1e-9 && (keepX || cursor.get().zoom === null);
  const settled = own ?? (sameRange ? settle(shown.y, y, settings.log) : y);
  if (keepX && shown.map === map && settled[0] === shown.y[0] && settled[1] === shown.y[1]) return shown;
  return { x: keepX ? shown.x : x, y: settled, left, width, height, log: settings.log, map, drawn };
}

/** The y range with the ends that a person set; null when none is set, or when the range would be empty. */
function ranged(y: readonly [number, number], range: ChartContent['range'], log: boolean): [number, number] | null {
  if (!range || (range[0] === null && range[1] === null)) return null;
  const [lo, hi] = [range[0] ?? Math.min(y[0], range[1]!), range[1] ?? Math.max(y[1], range[0]!)];
  return lo < hi && (!log || lo > 0) ? [lo, hi] : null;
}
