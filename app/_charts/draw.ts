import type { Curve } from './curve';
import type { Palette } from './palette';
import { type Piece, piecesOf } from './pieces';
import { type Pen, type Plot, pixelX, pixelY } from './plot';
import { fillBetween, middle, strokeLine, trace, traceOf } from './strokes';
import { type ChartSettings, colorOf, type LineSpec, type PointSpec, type RuleSpec } from './types';

export interface Drawn {
  /** Number of NaN and infinite values in the range shown. */
  nonFinite: number;
  /** Number of buckets with an extreme beyond the y axis. */
  offScale: number;
  /** Number of buckets that a log scale cannot show: their lowest value is <= 0. */
  hiddenByLog: number;
}

interface Shape extends Piece {
  line: LineSpec;
  /** Pixels of the buckets' centers. */
  x: Float64Array;
  stroke: string;
  /** The line has several rows per bucket, in this piece or another. */
  dense: boolean;
}

/**
 * Draws everything inside the axes.
 *
 * @param pixel width of a device pixel, 1 / devicePixelRatio; 0 on paper
 */
export function draw(
  pen: Pen,
  plot: Plot,
  what: { lines: readonly LineSpec[]; points: readonly PointSpec[]; rule: RuleSpec | null },
  settings: ChartSettings,
  palette: Palette,
  pixel = 0,
): Drawn {
  const drawn: Drawn = { nonFinite: 0, offScale: 0, hiddenByLog: 0 };
  pen.lineJoin = 'round';
  pen.lineCap = 'butt';
  const shapes = what.lines.flatMap((line) => shapesOf(line, plot, palette));
  const crowd = what.lines.length > 6;
  drawGaps(pen, plot, shapes, palette, drawn);
  const traces = shapes.map((s) => {
    // While the average for a new smoothing weight loads, the previous one is shown.
    return traceOf(s.curve, s.from, s.to, plot, s.line.smoothed && settings.smoothing > 0 ? s.curve.ema : null, pixel);
  });
  shapes.forEach((s, k) => {
    if (s.line.thin || !s.curve.dense) return;
    pen.fillStyle = pen.strokeStyle = s.stroke;
    fillBetween(pen, traces[k]!, pixel, crowd ? 0.2 : 0.16, crowd ? 0 : 0.34);
  });
  shapes.forEach((s, k) => {
    const t = traces[k]!;
    pen.fillStyle = pen.strokeStyle = s.stroke;
    if (s.line.dashed) pen.setLineDash([5, 4]);
    if (t.average) {
      // With many lines the envelope alone shows the values behind the average.
      if (!crowd || !s.curve.dense) strokeLine(pen, t, t.mean, 1, pixel, palette.dark ? 0.38 : 0.32);
      strokeLine(pen, t, t.average, crowd ? 1 : 2, pixel, 1);
    } else strokeLine(pen, t, t.mean, crowd || s.dense ? 1 : 1.5, pixel, 1);
    if (s.line.dashed) pen.setLineDash([]);
    const grows = s.curve.toStep === null && s.to === s.curve.count - 1;
    if (grows && !crowd && t.n > 0) drawHead(pen, plot, t.x[t.n - 1]!, (t.average ?? t.mean)[t.n - 1]!);
  });
  pen.lineCap = 'round';
  if (what.rule) drawRule(pen, plot, what.rule, shapes, palette);
  pen.globalAlpha = 1;
  for (const s of shapes) drawEdges(pen, plot, s, palette, drawn);
  for (const p of what.points) drawPoints(pen, plot, p, palette);
  pen.globalAlpha = 1;
  return drawn;
}

/** Where a dot at the edge of a plot is drawn whole. */
const inside = (at: number, size: number, radius: number) =>
  at < -1 || at > size + 1 ? at : Math.min(Math.max(at, radius), size - radius);

/** A dot at the end of a curve that may still grow. */
function drawHead(pen: Pen, plot: Plot, x: number, y: number): void {
  if (Number.isNaN(y) || x > plot.width + 1) return;
  pen.globalAlpha = 1;
  pen.beginPath();
  pen.arc(inside(x, plot.width, 2.75), inside(y, plot.height, 2.75), 2.75, 0, 2 * Math.PI);
  pen.fill();
}

function shapesOf(line: LineSpec, plot: Plot, palette: Palette): Shape[] {
  const pieces = piecesOf(line, plot.map, plot.x);
  const dense = pieces.some(({ curve }) => curve.dense);
  return pieces.map((piece) => {
    const x = new Float64Array(piece.to - piece.from + 1);
    for (let i = piece.from; i <= piece.to; i++) x[i - piece.from] = pixelX(plot, middle(piece.curve, i));
    return { ...piece, line, x, dense, stroke: colorOf(palette, line.color) };
  });
}

/** The row after a range's end: it lets the line continue to the edge, but is not one of the range's rows. */
const beyond = (c: Curve, i: number) => c.toStep !== null && c.steps[i]! >= c.toStep;
const finiteIn = (c: Curve, i: number) => c.rows[i]! - c.values.nonFinite[i]!;

/**
 * NaN and infinities: a tinted band with a tick on top over the steps of a bucket that has some; darker where the bucket has no finite value and the line
 * breaks. Several lines share one band.
 */
function drawGaps(pen: Pen, plot: Plot, shapes: readonly Shape[], palette: Palette, drawn: Drawn): void {
  const bands = new Map<number, { x: number; width: number; whole: boolean }>();
  for (const { curve, from, to } of shapes)
    for (let i = from; i <= to; i++) {
      const n = curve.values.nonFinite[i]!;
      if (n === 0 || beyond(curve, i)) continue;
      const left = pixelX(plot, curve.steps[i]! - 0.5);
      const right = pixelX(plot, curve.lastSteps[i]! + 0.5);
      if (right < 0 || left > plot.width) continue;
      drawn.nonFinite += n;
      const x = Math.max(0, left);
      const known = bands.get(Math.round(x));
      const width = Math.max(1.5, Math.min(plot.width, right) - x, known?.width ?? 0);
      bands.set(Math.round(x), { x, width, whole: (known?.whole ?? false) || finiteIn(curve, i) === 0 });
    }
  pen.fillStyle = palette.bad;
  for (const { x, width, whole } of bands.values()) {
    pen.globalAlpha = whole ? 0.2 : 0.1;
    pen.fillRect(x, 0, width, plot.height);
    pen.globalAlpha = 1;
    pen.fillRect(x, 0, Math.max(2, width), 4);
  }
}

/** Small triangles at the edge for values beyond it. */
function drawEdges(pen: Pen, plot: Plot, { curve, from, to, x, stroke }: Shape, palette: Palette, drawn: Drawn): void {
  const [lo, hi] = plot.y;
  pen.fillStyle = stroke;
  let lastUp = Number.NEGATIVE_INFINITY;
  let lastDown = Number.NEGATIVE_INFINITY;
  for (let i = from; i <= to; i++) {
    if (finiteIn(curve, i) === 0 || beyond(curve, i)) continue;
    const px = x[i - from]!;
    if (px < -1 || px > plot.width + 1) continue;
    if (plot.log && curve.values.min[i]! <= 0) drawn.hiddenByLog++;
    const up = curve.values.max[i]! > hi;
    const down = curve.values.min[i]! < lo && !(plot.log && curve.values.min[i]! <= 0);
    if (up || down) drawn.offScale++;
    if (up && px - lastUp >= 6) {
      triangle(pen, px, 1, 5);
      lastUp = px;
    }
    if (down && px - lastDown >= 6) {
      triangle(pen, px, plot.height - 1, -5);
      lastDown = px;
    }
  }
  pen.fillStyle = palette.ink;
}

function triangle(pen: Pen, x: number, tipY: number, size: number): void {
  pen.beginPath();
  pen.moveTo(x, tipY);
  pen.lineTo(x + Math.abs(size) * 0.6, tipY + size);
  pen.lineTo(x - Math.abs(size) * 0.6, tipY + size);
  pen.closePath();
  pen.fill();
}

/** The threshold in force at a step. */
export function ruleAt(rule: RuleSpec, step: number): number | null {
  return rule.from.findLast((f) => f.step <= step)?.value ?? null;
}

function drawRule(pen: Pen, plot: Plot, rule: RuleSpec, shapes: readonly Shape[], palette: Palette): void {
  pen.globalAlpha = 1;
  pen.strokeStyle = palette.warn;
  pen.lineWidth = 1.25;
  pen.setLineDash([6, 4]);
  pen.beginPath();
  let lastY = Number.NaN;
  for (let k = 0; k < rule.from.length; k++) {
    const { step, value } = rule.from[k]!;
    const y = value === null ? Number.NaN : pixelY(plot, value);
    const x0 = Math.max(0, pixelX(plot, step));
    const x1 = k + 1 < rule.from.length ? Math.min(plot.width, pixelX(plot, rule.from[k + 1]!.step)) : plot.width;
    if (!Number.isNaN(y) && x1 >= x0) {
      if (Number.isNaN(lastY) || x0 === 0) pen.moveTo(x0, y);
      else pen.lineTo(x0, y);
      pen.lineTo(x1, y);
    }
    lastY = y;
  }
  pen.stroke();
  pen.setLineDash([]);
  // Ticks at the bottom edge for steps over the threshold, one per column; more opaque the larger their share.
  const share = rule.marks?.share?.() ?? null;
  pen.fillStyle = palette.warn;
  let last = Number.NEGATIVE_INFINITY;
  for (const { line, curve, from, to, x } of shapes) {
    if (line.name !== rule.marks?.line) continue;
    for (let i = from; i <= to; i++) {
      const limit = ruleAt(rule, middle(curve, i));
      if (limit === null || !(curve.values.max[i]! > limit) || beyond(curve, i)) continue;
      const px = x[i - from]!;
      if (px < 0 || px > plot.width || px - last < 0.75) continue;
      const at = share ? share.at(middle(curve, i)) : -1;
      pen.globalAlpha = at < 0 ? 0.9 : 0.2 + 0.75 * Math.min(1, share!.mean(at));
      pen.fillRect(px - 0.6, plot.height - 5, 1.2, 5);
      last = px;
    }
  }
}

function drawPoints(pen: Pen, plot: Plot, spec: PointSpec, palette: Palette): void {
  const color = colorOf(palette, spec.color);
  const xs = spec.points.map((p) => pixelX(plot, p.step));
  const ys = spec.points.map((p) => pixelY(plot, p.value));
  pen.strokeStyle = color;
  pen.lineWidth = 1;
  pen.globalAlpha = 0.55;
  trace(pen, xs.length, xs, ys);
  pen.stroke();
  pen.globalAlpha = 1;
  const radius = xs.length > 80 ? 1.75 : xs.length > 30 ? 2.5 : 3.25;
  for (const [k, x] of xs.entries()) {
    const y = ys[k]!;
    if (Number.isNaN(y) || x < -4 || x > plot.width + 4) continue;
    pen.beginPath();
    pen.arc(inside(x, plot.width, radius + 1), inside(y, plot.height, radius + 1), radius, 0, 2 * Math.PI);
    pen.fillStyle = color;
    pen.fill();
    pen.strokeStyle = palette.panel;
    pen.lineWidth = radius > 2 ? 1.25 : 0.5;
    pen.stroke();
  }
}
