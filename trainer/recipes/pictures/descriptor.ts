/**
 * A picture as 512 numbers without any trained network: gradients, colors and local patterns, each counted over parts of the picture. Replaces ResNet-34
 * where nothing can be downloaded.
 *
 * Layout: 128 gradient orientations (4 x 4 cells x 8, Dalal and Triggs 2005) | 16 + 16 the same over the whole picture, at two scales | 48 + 48 mean and deviation of
 * RGB per cell | 64 colors (4 x 4 x 4 bins) | 24 hues weighted by saturation | 24 brightness | 80 rotation-invariant local binary patterns (2 x 2 quarters x 2 radii
 * x 10, Ojala et al. 2002) | 64 edge strength (8 x 8 cells).
 */
import { pictureBytes, side } from './draw';

export const featureDim = 512;
const pixels = side * side;

/** @param rgb [32, 32, 3] @param out [512]; square roots of shares, so that no group dominates */
export function describePicture(rgb: Uint8Array, out: Float32Array): void {
  if (rgb.length !== pictureBytes) throw new RangeError(`a picture of ${rgb.length} bytes, expected ${pictureBytes}`);
  out.fill(0);
  for (let i = 0; i < pixels; i++) gray[i] = (0.299 * rgb[3 * i]! + 0.587 * rgb[3 * i + 1]! + 0.114 * rgb[3 * i + 2]!) / 255;
  blur(gray, smooth);
  gradients(smooth, out.subarray(0, 128), out.subarray(128, 144), out.subarray(448, 512));
  blur(smooth, smoother);
  blur(smoother, smoother);
  gradients(smoother, null, out.subarray(144, 160), null);
  colors(rgb, out.subarray(160, 256), out.subarray(256, 320), out.subarray(320, 344), out.subarray(344, 368));
  patterns(smooth, 1, out.subarray(368, 408));
  patterns(smooth, 2, out.subarray(408, 448));
}

/** Scratch memory, reused for thousands of pictures. */
const gray = new Float32Array(pixels);
const smooth = new Float32Array(pixels);
const smoother = new Float32Array(pixels);
const rows = new Float32Array(pixels);

/** 3 x 3 binomial, edges repeated. `out` may be `a`. */
function blur(a: Float32Array, out: Float32Array): void {
  for (let y = 0; y < side; y++) {
    const at = y * side;
    for (let x = 0; x < side; x++)
      rows[at + x] = a[at + (x > 0 ? x - 1 : 0)]! + 2 * a[at + x]! + a[at + (x < side - 1 ? x + 1 : x)]!;
  }
  for (let y = 0; y < side; y++) {
    const above = (y > 0 ? y - 1 : 0) * side;
    const below = (y < side - 1 ? y + 1 : y) * side;
    for (let x = 0; x < side; x++) out[y * side + x] = (rows[above + x]! + 2 * rows[y * side + x]! + rows[below + x]!) / 16;
  }
}

function gradients(a: Float32Array, cells: Float32Array | null, whole: Float32Array, strength: Float32Array | null): void {
  for (let y = 1; y < side - 1; y++)
    for (let x = 1; x < side - 1; x++) {
      const dx = a[y * side + x + 1]! - a[y * side + x - 1]!;
      const dy = a[(y + 1) * side + x]! - a[(y - 1) * side + x]!;
      const size = Math.sqrt(dx * dx + dy * dy);
      // Unsigned: a bright object on dark ground and a dark one on bright ground have the same outline.
      const turn = (Math.atan2(dy, dx) / Math.PI + 1) % 1;
      if (cells) addSoft(cells, ((y >> 3) * 4 + (x >> 3)) * 8, 8, turn * 8, size);
      addSoft(whole, 0, 16, turn * 16, size);
      if (strength) strength[(y >> 2) * 8 + (x >> 2)]! += size;
    }
  if (cells) shares(cells);
  shares(whole);
  if (strength) shares(strength);
}

/** Divides `weight` between the two bins around `place` of a circular histogram. */
function addSoft(bins: Float32Array, first: number, count: number, place: number, weight: number): void {
  const low = Math.floor(place);
  const share = place - low;
  bins[first + (low % count)]! += weight * (1 - share);
  bins[first + ((low + 1) % count)]! += weight * share;
}

function colors(rgb: Uint8Array, moments: Float32Array, bins: Float32Array, hue: Float32Array, value: Float32Array): void {
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const at = (y * side + x) * 3;
      const r = rgb[at]!;
      const g = rgb[at + 1]!;
      const b = rgb[at + 2]!;
      const cell = ((y >> 3) * 4 + (x >> 3)) * 3;
      for (let c = 0; c < 3; c++) {
        const v = rgb[at + c]! / 255;
        moments[cell + c]! += v / 64;
        moments[48 + cell + c]! += (v * v) / 64;
      }
      bins[(r >> 6) * 16 + (g >> 6) * 4 + (b >> 6)]! += 1;
      const most = Math.max(r, g, b);
      const range = most - Math.min(r, g, b);
      if (range > 0) {
        const sixth = most === r ? (g - b) / range : most === g ? 2 + (b - r) / range : 4 + (r - g) / range;
        addSoft(hue, 0, 24, (((sixth + 6) % 6) / 6) * 24, (range * range) / 65025);
      }
      value[Math.floor((most * 23.999) / 255)]! += 1;
    }
  for (let i = 0; i < 48; i++) moments[48 + i] = Math.sqrt(Math.max(0, moments[48 + i]! - moments[i]! ** 2));
  shares(bins);
  shares(hue);
  shares(value);
}

const neighbours = [1, 2].map((radius) =>
  Int32Array.from({ length: 8 }, (_, i) => {
    const angle = (2 * Math.PI * i) / 8;
    return Math.round(radius * Math.sin(angle)) * side + Math.round(radius * Math.cos(angle));
  }),
);

/** Bins 0 .. 8: number of neighbors brighter than the middle, if they form one arc; bin 9: every other pattern. */
function patterns(a: Float32Array, radius: 1 | 2, out: Float32Array): void {
  const around = neighbours[radius - 1]!;
  for (let y = radius; y < side - radius; y++)
    for (let x = radius; x < side - radius; x++) {
      const at = y * side + x;
      const middle = a[at]! + 0.01;
      // One bit per neighbor; `turned` is `bits` rotated by one.
      let bits = 0;
      for (let i = 0; i < 8; i++) if (a[at + around[i]!]! > middle) bits |= 1 << i;
      const turned = ((bits << 1) | (bits >> 7)) & 255;
      out[((y >> 4) * 2 + (x >> 4)) * 10 + (ones[bits ^ turned]! <= 2 ? ones[bits]! : 9)]! += 1;
    }
  shares(out);
}

/** How many bits of a byte are set. */
const ones = Uint8Array.from({ length: 256 }, (_, byte) => {
  let count = 0;
  for (let rest = byte; rest > 0; rest >>= 1) count += rest & 1;
  return count;
});

/** Turns counts into square roots of shares: the vector then has length 1. */
function shares(v: Float32Array): void {
  let sum = 0;
  for (const x of v) sum += x;
  if (sum > 0) for (let i = 0; i < v.length; i++) v[i] = Math.sqrt(v[i]! / sum);
}
