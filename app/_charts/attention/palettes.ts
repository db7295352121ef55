/**
 * Lookup tables from a value in [0, 1] to a color. 257 entries, so that 0.5 has its own entry: the neutral color of a diverging palette.
 * An entry is one pixel in the memory layout of a canvas on little-endian machines: 0xAABBGGRR.
 */
export const levels = 257;
export type Palette = Uint32Array;

export const sequentialPalettes = ['viridis', 'cividis', 'gray'] as const;
export type SequentialName = (typeof sequentialPalettes)[number];
export type Theme = 'light' | 'dark';

export type Rgb = readonly [number, number, number];

export const pixel = ([r, g, b]: Rgb): number => ((255 << 24) | (clamp(b) << 16) | (clamp(g) << 8) | clamp(r)) >>> 0;
export const rgbOf = (p: number): Rgb => [p & 255, (p >> 8) & 255, (p >> 16) & 255];
export const css = (p: number): string => `rgb(${rgbOf(p).join(' ')})`;
const clamp = (v: number) => Math.max(0, Math.min(255, Math.round(v)));

/** Color of cells that are NaN or infinite. It is in no palette, and a text beside the map always gives their number. */
export const notFinite = pixel([229, 0, 109]);

/** A palette through colors at equal distances, mixed in OKLab so that equal steps look equal. */
function ramp(...colors: readonly Rgb[]): Palette {
  const stops = colors.map(toOklab);
  return Uint32Array.from({ length: levels }, (_, i) => {
    const at = (i / (levels - 1)) * (stops.length - 1);
    const n = Math.min(Math.floor(at), stops.length - 2);
    const [from, to] = [stops[n]!, stops[n + 1]!];
    const mix = (c: 0 | 1 | 2) => from[c] + (to[c] - from[c]) * (at - n);
    return pixel(fromOklab([mix(0), mix(1), mix(2)]));
  });
}

/** "#440154" or "440154" as numbers; gray for another text. */
export function hexColor(color: string): Rgb {
  const v = Number.parseInt(color.replace('#', ''), 16);
  return Number.isNaN(v) ? [128, 128, 128] : [v >> 16, (v >> 8) & 255, v & 255];
}

const hex = (colors: string): Rgb[] => colors.split(' ').map(hexColor);

// Ten colors each, as R's viridisLite gives them: viridis by Smith and van der Walt 2015, cividis by Nunez, Anderton, Renslow 2018.
const sequential: Record<SequentialName, Palette> = {
  viridis: ramp(...hex('440154 482878 3e4a89 31688e 26828e 1f9e89 35b779 6dcd59 b4de2c fde725')),
  cividis: ramp(...hex('00204d 00336f 39486b 575c6d 707173 8a8779 a69d75 c4b56c e4cf5b ffea46')),
  gray: ramp([13, 13, 13], [255, 255, 255]),
};

/** Blue, neutral, orange: distinguishable with protanopia, deuteranopia and tritanopia. The neutral color is close to the page's background. */
const diverging: Record<Theme, Palette> = {
  light: ramp([10, 78, 160], [246, 246, 245], [178, 74, 0]),
  dark: ramp([110, 190, 255], [30, 33, 39], [255, 168, 84]),
};

export const sequentialPalette = (name: SequentialName): Palette => sequential[name];
export const divergingPalette = (theme: Theme): Palette => diverging[theme];

// OKLab: Ottosson 2020, https://bottosson.github.io/posts/oklab/
function toOklab(rgb: Rgb): Rgb {
  const [r, g, b] = rgb.map((v) => {
    const u = v / 255;
    return u <= 0.04045 ? u / 12.92 : ((u + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function fromOklab([L, a, b]: Rgb): Rgb {
  const l = (L + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (L - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (L - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const linear = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
  return linear.map((u) => 255 * (u <= 0.0031308 ? 12.92 * u : 1.055 * Math.max(0, u) ** (1 / 2.4) - 0.055)) as unknown as Rgb;
}

/** Colors of the page, for files. Browser only. */
export function pageColors(): { ink: string; panel: string; dim: string } {
  const style = getComputedStyle(document.documentElement);
  const color = (token: string) => style.getPropertyValue(`--color-${token}`).trim();
  return { ink: color('ink'), panel: color('panel'), dim: color('dim') };
}
