import { settle, xDomain, yDomain } from './domains';
import { ruleAt } from './draw';
import type { Plot } from './plot';
import type { ChartCursor, ChartSettings, LineSpec, PointSpec, RuleSpec } from './types';
import type { XMap } from './xMap';

export interface LayoutRequest {
  lines: readonly LineSpec[];
  points: readonly PointSpec[];
  rule: RuleSpec | null;
  map: XMap;
  settings: ChartSettings;
  cursor: ChartCursor;
  percent: boolean;
}

/** The layout wanted now; the one shown, itself, where the difference is below half a pixel. */
export function layoutFor(shown: Plot | null, request: LayoutRequest, width: number, height: number): Plot {
  const { lines, points, rule, map, settings, cursor, percent } = request;
  const curves = lines.flatMap((l) => l.curve() ?? l.whole?.() ?? []);
  const { from, to, x } = xDomain(cursor, curves, map);
  const inside = points.flatMap((p) => p.points.filter((v) => v.step >= from && v.step <= to).map((v) => v.value));
  const options = { log: settings.log, robust: settings.robust, bounds: percent ? ([0, 1] as const) : undefined };
  let y = yDomain(curves, inside, from, to, options);
  // The threshold is shown when that does not squash the curve; else its label stands at the edge.
  const limit = rule ? ruleAt(rule, to) : null;
  if (limit !== null && limit > y[1] && limit <= 2.5 * y[1] && !settings.robust)
    y = yDomain(curves, [...inside, limit], from, to, options);
  const sameAxes =
    shown && shown.width === width && shown.height === height && shown.map.label === map.label && shown.log === settings.log;
  const pixel = (x[1] - x[0]) / width;
  const keepX = sameAxes && Math.abs(shown.x[0] - x[0]) < 0.5 * pixel && Math.abs(shown.x[1] - x[1]) < 0.5 * pixel;
  // The same x range: y may keep its span while everything still fits. A new range gets its own.
  const sameRange = sameAxes && Math.abs(shown.x[0] - x[0]) < 1e-9 && (keepX || cursor.get().zoom === null);
  const settled = sameRange ? settle(shown.y, y, settings.log) : y;
  if (keepX && shown.map === map && settled[0] === shown.y[0] && settled[1] === shown.y[1]) return shown;
  return { x: keepX ? shown.x : x, y: settled, width, height, log: settings.log, map };
}
