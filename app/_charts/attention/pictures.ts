/** Small RGB pictures as image URLs, each created once even when many snapshots contain it. */
import type { AttentionSnapshot } from '~/shared/attentionSnapshot';
import type { Source } from './derive';
import { type MapTokens, tokensOf } from './tokens';

/** Axis labels of every layer, pictures included. Browser only. */
export function tokensOfLayers(snapshot: AttentionSnapshot, source: Source): MapTokens[] {
  const { layers, pictures } = snapshot;
  return layers.map((_, l) => tokensOf(snapshot, source, l, pictures && ((n) => pictureUrl(pictures, n))));
}

const known = new Map<string, string>();

/** FNV-1a over all bytes: equal pictures have equal URLs, so that React does not update the axes while scrubbing. */
function fingerprint(data: Uint8Array): string {
  let h = 0x811c9dc5;
  let g = 0;
  for (let i = 0; i < data.length; i++) {
    h = Math.imul(h ^ data[i]!, 0x01000193);
    g = (Math.imul(g, 31) + data[i]!) | 0;
  }
  return `${data.length}.${h >>> 0}.${g >>> 0}`;
}

const urls = new WeakMap<Uint8Array, string[]>();

/** Picture n of [count, side, side, 3]. Browser only. */
function pictureUrl(pictures: { data: Uint8Array; side: number }, n: number): string {
  const list = urls.get(pictures.data) ?? [];
  urls.set(pictures.data, list);
  const size = pictures.side ** 2 * 3;
  const url = list[n] ?? draw(pictures.data.subarray(n * size, (n + 1) * size), pictures.side);
  list[n] = url;
  return url;
}

function draw(rgb: Uint8Array, side: number): string {
  const key = fingerprint(rgb);
  const ready = known.get(key);
  if (ready) return ready;
  const canvas = document.createElement('canvas');
  canvas.width = side;
  canvas.height = side;
  const image = new ImageData(side, side);
  for (let i = 0; i < side * side; i++) image.data.set([rgb[3 * i]!, rgb[3 * i + 1]!, rgb[3 * i + 2]!, 255], 4 * i);
  canvas.getContext('2d')!.putImageData(image, 0, 0);
  const url = canvas.toDataURL();
  known.set(key, url);
  return url;
}
