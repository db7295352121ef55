/**
 * From a weight to a position on a color bar. All heads share one scale unless `head` is chosen, which the view must then label "not comparable".
 * `u` is the position on the bar, 0 to 1; values beyond the ends have the color of the end, and the bar shows this ("<=").
 */
import { divergingPalette, levels, type Palette, type SequentialName, sequentialPalette, type Theme } from './palettes';

export const scaleKinds = ['unit', 'shared', 'head', 'lift'] as const;
export type ScaleKind = (typeof scaleKinds)[number];

/** Meaning of a map's numbers. weight: 0 to 1; difference: signed; spread: a standard deviation. */
export type Quantity = 'weight' | 'difference' | 'spread';

export interface ColorScale {
  kind: ScaleKind;
  diverging: boolean;
  /** Values at the ends of the bar; for lift log2(weight x keys). */
  low: number;
  high: number;
  palette: Palette;
  /** Keys per row, to which lift is relative. */
  keys: number;
}

export interface ScaleRequest {
  kind?: ScaleKind;
  quantity?: Quantity;
  /** Keys per row; only lift needs it. */
  keys?: number;
  /** Largest magnitude among the finite cells that share the scale: those of all heads, or of one for `head`. */
  peak?: number;
  sequential: SequentialName;
  theme: Theme;
}

/** Lift compares a weight with a uniform one: it is not offered for a difference or a spread. */
export const scaleOffered = (kind: ScaleKind, quantity: Quantity): boolean => kind !== 'lift' || quantity === 'weight';

/** What is left out: weights from 0 to 1. */
export function colorScale(request: ScaleRequest): ColorScale {
  const { kind = 'unit', quantity = 'weight', keys = 2, peak = 1, sequential, theme } = request;
  if (!scaleOffered(kind, quantity)) throw new RangeError(`scale "lift" needs weights, got ${quantity}`);
  const signed = quantity === 'difference' || kind === 'lift';
  // A population standard deviation of values in [0, 1] is at most 0.5.
  const whole = kind === 'lift' ? Math.log2(Math.max(keys, 2)) : quantity === 'spread' ? 0.5 : 1;
  const high = kind === 'unit' || kind === 'lift' || !(peak > 0) ? whole : peak;
  return {
    kind,
    diverging: signed,
    low: signed ? -high : 0,
    high,
    palette: signed ? divergingPalette(theme) : sequentialPalette(sequential),
    keys,
  };
}

/** Position on the bar, not limited to 0..1. */
export const place = (scale: ColorScale, value: number): number => (bar(scale, value) - scale.low) / (scale.high - scale.low);

const bar = (scale: ColorScale, value: number) => (scale.kind === 'lift' ? Math.log2(value * scale.keys) : value);

/** Index in the palette of a finite value. */
export function levelOf(scale: ColorScale, value: number): number {
  const u = place(scale, value);
  return u >= 1 ? levels - 1 : u > 0 ? Math.round(u * (levels - 1)) : 0;
}

export interface Tick {
  /** Position on the bar, 0 to 1. */
  at: number;
  label: string;
}

/** Five marks for the color bar. */
export function ticks(scale: ColorScale): Tick[] {
  return [0, 0.25, 0.5, 0.75, 1].map((at) => {
    const v = scale.low + at * (scale.high - scale.low);
    if (scale.kind !== 'lift') return { at, label: signedLabel(v, scale.diverging) };
    const ends = at === 0 ? '≤' : '';
    return { at, label: `${ends}${short(2 ** v)}×` };
  });
}

const signedLabel = (v: number, signed: boolean) => (signed && v > 0 ? `+${short(v)}` : short(v).replace('-', '−'));
export const short = (v: number): string => {
  if (v === 0) return '0';
  const digits = Math.abs(v) >= 100 ? 0 : Math.abs(v) >= 10 ? 1 : Math.abs(v) >= 0.095 ? 2 : 3;
  return String(Number(v.toFixed(digits)));
};
