import { Curve } from '~/app/_charts/curve';
import { draw } from '~/app/_charts/draw';
import type { Palette } from '~/app/_charts/palette';
import type { Plot } from '~/app/_charts/plot';
import { SvgPen } from '~/app/_charts/svgPen';
import type { LineSpec, RuleSpec } from '~/app/_charts/types';
import { xMap } from '~/app/_charts/xMap';

export function curveOf(values: readonly number[], capacity = 1200, firstStep = 0, every = 1): Curve {
  const curve = new Curve('loss', capacity, null);
  values.forEach((v, i) => {
    curve.append(firstStep + i * every, v);
  });
  return curve;
}
export const steps = xMap('step', 10, []);
export const plot = (changes: Partial<Plot> = {}): Plot => ({
  left: 0,
  width: 100,
  height: 50,
  x: [0, 100],
  y: [0, 1],
  log: false,
  map: steps,
  ...changes,
});
export const palette: Palette = {
  panel: '#001',
  raised: '#002',
  ink: '#fff',
  dim: '#999',
  accent: '#0ff',
  good: '#0f0',
  warn: '#fa0',
  bad: '#f00',
  series: ['#11f', '#12f', '#13f', '#14f', '#15f', '#16f', '#17f', '#18f'],
  dark: true,
};
export const line = (curve: Curve | null, changes: Partial<LineSpec> = {}): LineSpec => ({
  name: 'loss',
  label: 'train',
  color: 0,
  curve: () => curve,
  ...changes,
});
export const plain = { smoothing: 0, log: false, robust: false };
export const drawn = (lines: LineSpec[], p = plot(), settings = plain, rule: RuleSpec | null = null) => {
  const pen = new SvgPen();
  const reported = draw(pen, p, { lines, points: [], rule }, settings, palette);
  return { reported, svg: pen.markup() };
};

export const averageOf = (values: readonly number[], weight: number, capacity = 1200): Curve => {
  const curve = new Curve('loss', capacity, null);
  curve.average(weight);
  values.forEach((v, i) => {
    curve.append(i, v);
  });
  return curve;
};
