/** In the browser, for charts.bench.ts: draws lines like a live chart, with one more row per frame. */
import { Curve } from '~/app/_charts/curve';
import { draw } from '~/app/_charts/draw';
import type { Palette } from '~/app/_charts/palette';
import type { Pen } from '~/app/_charts/plot';
import { xMap } from '~/app/_charts/xMap';

const colors = ['#56b4e9', '#e69f00', '#2fbf94', '#e08bbd', '#f2794a', '#9aa2ff', '#e6dc5a', '#a9b2ba'];
const palette = {
  series: colors,
  warn: '#e0ad45',
  bad: '#ff7d6b',
  panel: '#131619',
  ink: '#fff',
  dim: '#999',
  dark: true,
} as unknown as Palette;
const height = 180;
const steps = 9_600;

/** @returns wall time of each frame, the last pixel included, in ms */
export function drawFrames(lines: number, width: number, frames: number): number[] {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const pen = canvas.getContext('2d')!;
  let state = 7;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const curves = Array.from({ length: lines }, (_, k) => {
    const curve = new Curve(`line${k}`, 1200, null);
    curve.average(0.9);
    for (let s = 0; s < steps; s++) curve.append(s, k / lines + 0.3 * random());
    return curve;
  });
  const specs = curves.map((c, i) => ({ name: c.name, label: c.name, color: i, smoothed: true, curve: () => c }));
  const plot = { left: 0, width, height, x: [0, steps] as const, y: [-0.1, 1.4] as const, log: false, map: xMap('step', 1, []) };
  const settings = { smoothing: 0.9, log: false, robust: false };
  const took: number[] = [];
  for (let f = 0; f < frames; f++) {
    const startedAt = performance.now();
    for (const c of curves) c.append(steps + f, 0.5);
    pen.clearRect(0, 0, width, height);
    draw(pen as Pen, plot, { lines: specs, points: [], rule: null }, settings, palette, 1);
    pen.getImageData(0, 0, 1, 1);
    took.push(performance.now() - startedAt);
  }
  return took;
}

Object.assign(window, { drawFrames });
