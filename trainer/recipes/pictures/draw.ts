/** Draws one 32 x 32 picture of a class: objects are drawn from their signed distance, so that edges are smooth without oversampling. */
import { arrangements, type PictureClass } from './classes';

export const side = 32;
export const pictureBytes = side * side * 3;

/** Uniform numbers in [0, 1) from a seed (mulberry32): one picture needs thousands, cheap and repeatable. */
export function generator(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Rgb = [number, number, number];

/** Converts hue in turns, saturation and value 0 .. 1 to RGB 0 .. 255. */
function hsv(hue: number, saturation: number, value: number): Rgb {
  const channel = (n: number) => {
    const k = (n + hue * 6) % 6;
    return 255 * value * (1 - saturation * Math.max(0, Math.min(k, 4 - k, 1)));
  };
  return [channel(5), channel(3), channel(1)];
}

/** Hue of each color in classes.ts, in turns. */
const hues = [0, 0.075, 0.15, 0.33, 0.48, 0.62, 0.76, 0.89];

/** Signed distance to the outline of a shape of radius 1 around the origin, negative inside. Shapes as listed in classes.ts. */
function distance(shape: number, x: number, y: number): number {
  switch (shape) {
    case 0:
      return length(x, y) - 0.95;
    case 1:
      return Math.max(Math.abs(x), Math.abs(y)) - 0.8;
    case 2:
      return polygon(x, y, 3) - 0.55;
    case 3: {
      // A five-pointed star: the radius alternates between its inner and outer value.
      const turn = (Math.atan2(y, x) / (2 * Math.PI) + 1) * 5;
      const spike = Math.abs((turn % 1) - 0.5) * 2;
      return (length(x, y) - (0.45 + 0.6 * spike)) * 0.7;
    }
    case 4:
      return Math.abs(length(x, y) - 0.7) - 0.25;
    case 5:
      return Math.min(Math.max(Math.abs(x) - 0.3, Math.abs(y) - 0.95), Math.max(Math.abs(y) - 0.3, Math.abs(x) - 0.95));
    case 6:
      return (Math.abs(x) / 0.75 + Math.abs(y) - 1) * 0.6;
    default:
      return polygon(x, y, 6) - 0.82;
  }
}

/** Distance from the middle of a regular polygon, measured along the normal of the nearest side. */
function polygon(x: number, y: number, corners: number): number {
  const sector = (2 * Math.PI) / corners;
  const angle = Math.atan2(x, -y);
  return length(x, y) * Math.cos(angle - sector * Math.round(angle / sector));
}

/** Share of the second, paler color at a point of the object: 0 or 1, or between for `shaded`. Coordinates in radii, `period` in radii. */
function pattern(texture: number, x: number, y: number, period: number): number {
  const half = period / 2;
  switch (texture) {
    case 0:
      return 0;
    case 1:
      return mod(x, period) < half ? 1 : 0;
    case 2:
      return mod(x, period) < half === mod(y, period) < half ? 1 : 0;
    case 3:
      return length(mod(x, period) - half, mod(y, period) - half) < 0.32 * period ? 1 : 0;
    default:
      return Math.min(1, length(x, y));
  }
}

/** Math.hypot guards against overflow and is ten times slower. */
const length = (x: number, y: number): number => Math.sqrt(x * x + y * y);
const mod = (a: number, n: number): number => a - n * Math.floor(a / n);

/** Positions of the objects in units of the picture, and their radius. */
function layout(arrangement: number, random: () => number): { x: number; y: number; radius: number }[] {
  const jitter = () => (random() - 0.5) * 0.1;
  const tilt = random() * 2 * Math.PI;
  const around = (n: number, far: number, radius: number) =>
    Array.from({ length: n }, (_, i) => ({
      x: 0.5 + far * Math.cos(tilt + (2 * Math.PI * i) / n) + jitter() / 2,
      y: 0.5 + far * Math.sin(tilt + (2 * Math.PI * i) / n) + jitter() / 2,
      radius,
    }));
  switch (arrangements[arrangement]) {
    case 'one':
      return [{ x: 0.5 + 1.5 * jitter(), y: 0.5 + 1.5 * jitter(), radius: 0.34 }];
    case 'two':
      return around(2, 0.24, 0.21);
    case 'three in a row':
      return [-1, 0, 1].map((i) => ({
        x: 0.5 + 0.3 * i * Math.cos(tilt) + jitter() / 2,
        y: 0.5 + 0.3 * i * Math.sin(tilt) + jitter() / 2,
        radius: 0.15,
      }));
    case 'four in a square':
      return around(4, 0.29, 0.16);
    default:
      return around(5, 0.33, 0.14);
  }
}

/** How much pictures of one class differ. Chosen so that a good model finds the odd one in 90 to 98 of 100 sets (test/trainer/recipes/anomaly.test.ts). */
export const variation = { hue: 0.055, size: 0.35, turn: 1, noise: 90, clutter: 6 };

/**
 * @param seed seed of this picture
 * @param out RGB, row by row, [32, 32, 3]
 */
export function drawPicture(c: PictureClass, seed: number, out: Uint8Array): void {
  const random = generator(seed);
  const spread = (by: number) => (2 * random() - 1) * by;
  const hue = hues[c.color]! + spread(variation.hue);
  const light = 0.75 + 0.25 * random();
  const first = hsv(hue + 1, 0.75 + 0.25 * random(), light);
  const second = hsv(hue + 1, 0.3, Math.min(1, light + 0.1));
  const ground = [
    hsv(random(), 0.25 * random(), 0.15 + 0.5 * random()),
    hsv(random(), 0.25 * random(), 0.15 + 0.5 * random()),
  ] as const;
  const slope = random() * 2 * Math.PI;
  const turn = spread(variation.turn);
  const scale = 1 + spread(variation.size);
  const period = 0.55 + 0.2 * random();
  const objects = layout(c.arrangement, random).map((o) => ({ ...o, radius: o.radius * scale }));
  // Gray scraps that belong to no class.
  const scraps = Array.from({ length: Math.floor(random() * (variation.clutter + 1)) }, () => ({
    x: random(),
    y: random(),
    radius: 0.03 + 0.06 * random(),
    shade: 60 + 160 * random(),
  }));
  const cos = Math.cos(turn);
  const sin = Math.sin(turn);
  const slopeX = 0.7 * Math.cos(slope);
  const slopeY = 0.7 * Math.sin(slope);
  // The sum of the two halves of one random number: a triangular distribution is close enough to sensor noise.
  const noise = () => {
    const bits = random() * 2 ** 32;
    const high = Math.floor(bits / 65536);
    return ((high + bits - 65536 * high) / 65536 - 1) * variation.noise;
  };
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      const px = (column + 0.5) / side;
      const py = (row + 0.5) / side;
      const mix = 0.5 + (px - 0.5) * slopeX + (py - 0.5) * slopeY;
      let r = ground[0][0] + (ground[1][0] - ground[0][0]) * mix;
      let g = ground[0][1] + (ground[1][1] - ground[0][1]) * mix;
      let b = ground[0][2] + (ground[1][2] - ground[0][2]) * mix;
      for (const s of scraps) {
        const sx = px - s.x;
        const sy = py - s.y;
        if (sx * sx + sy * sy > (s.radius + 1 / side) ** 2) continue;
        const cover = clamp(0.5 - (length(sx, sy) - s.radius) * side);
        r += (s.shade - r) * cover;
        g += (s.shade - g) * cover;
        b += (s.shade - b) * cover;
      }
      for (const o of objects) {
        const dx = (px - o.x) / o.radius;
        const dy = (py - o.y) / o.radius;
        // No shape reaches further than this many radii.
        if (dx * dx + dy * dy > 1.5) continue;
        const x = cos * dx + sin * dy;
        const y = cos * dy - sin * dx;
        const cover = clamp(0.5 - distance(c.shape, x, y) * o.radius * side);
        if (cover === 0) continue;
        const pale = pattern(c.texture, x, y, period);
        r += (first[0] + (second[0] - first[0]) * pale - r) * cover;
        g += (first[1] + (second[1] - first[1]) * pale - g) * cover;
        b += (first[2] + (second[2] - first[2]) * pale - b) * cover;
      }
      const at = (row * side + column) * 3;
      out[at] = byte(r + noise());
      out[at + 1] = byte(g + noise());
      out[at + 2] = byte(b + noise());
    }
  }
}

const clamp = (v: number): number => Math.max(0, Math.min(1, v));
const byte = (v: number): number => Math.max(0, Math.min(255, Math.round(v)));
