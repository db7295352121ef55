/**
 * Bilinear resizing of RGB pictures exactly as torchvision's Resize does it on a PIL image: a triangle filter that widens when it shrinks, first along rows, then
 * along columns, each pass in fixed point and rounded to bytes. Source: Pillow, src/libImaging/Resample.c.
 */
const precision = 22;

interface Taps {
  /** First source pixel of each output pixel. */
  first: Int32Array;
  count: Int32Array;
  /** [out, most taps] */
  weights: Int32Array;
  most: number;
}

function tapsOf(from: number, to: number): Taps {
  const scale = from / to;
  const filterScale = Math.max(scale, 1);
  const most = Math.ceil(filterScale) * 2 + 1;
  const first = new Int32Array(to);
  const count = new Int32Array(to);
  const weights = new Int32Array(to * most);
  for (let i = 0; i < to; i++) {
    const center = (i + 0.5) * scale;
    const low = Math.max(0, Math.trunc(center - filterScale + 0.5));
    const high = Math.min(from, Math.trunc(center + filterScale + 0.5));
    const raw = Array.from({ length: high - low }, (_, k) => Math.max(0, 1 - Math.abs((k + low - center + 0.5) / filterScale)));
    const sum = raw.reduce((a, b) => a + b, 0);
    first[i] = low;
    count[i] = high - low;
    raw.forEach((w, k) => {
      weights[i * most + k] = Math.trunc(0.5 + (w / sum) * 2 ** precision);
    });
  }
  return { first, count, weights, most };
}

/** @param rgb [height, width, 3] @returns [toHeight, toWidth, 3] */
export function resizeRgb(rgb: Uint8Array, height: number, width: number, toHeight: number, toWidth: number): Uint8Array {
  if (rgb.length !== height * width * 3) throw new RangeError(`${rgb.length} bytes are no picture of ${height} x ${width}`);
  const rows = width === toWidth ? rgb : along(rgb, height, width, tapsOf(width, toWidth), toWidth);
  return height === toHeight ? rows : down(rows, toWidth, tapsOf(height, toHeight), toHeight);
}

function along(rgb: Uint8Array, height: number, width: number, taps: Taps, toWidth: number): Uint8Array {
  const out = new Uint8Array(height * toWidth * 3);
  for (let y = 0; y < height; y++)
    for (let i = 0; i < toWidth; i++)
      for (let c = 0; c < 3; c++) {
        let sum = 2 ** (precision - 1);
        const at = (y * width + taps.first[i]!) * 3 + c;
        for (let k = 0; k < taps.count[i]!; k++) sum += rgb[at + k * 3]! * taps.weights[i * taps.most + k]!;
        out[(y * toWidth + i) * 3 + c] = byte(sum);
      }
  return out;
}

function down(rgb: Uint8Array, width: number, taps: Taps, toHeight: number): Uint8Array {
  const line = width * 3;
  const out = new Uint8Array(toHeight * line);
  for (let i = 0; i < toHeight; i++)
    for (let x = 0; x < line; x++) {
      let sum = 2 ** (precision - 1);
      const at = taps.first[i]! * line + x;
      for (let k = 0; k < taps.count[i]!; k++) sum += rgb[at + k * line]! * taps.weights[i * taps.most + k]!;
      out[i * line + x] = byte(sum);
    }
  return out;
}

const byte = (fixed: number): number => Math.max(0, Math.min(255, Math.floor(fixed / 2 ** precision)));
