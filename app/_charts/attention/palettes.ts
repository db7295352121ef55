/**
 * Lookup tables from a value in [0, 1] to a color. 257 entries, so that 0.5 has its own entry: the neutral color of a diverging palette.
 * An entry is one pixel in the memory layout of a canvas on little-endian machines: 0xAABBGGRR.
 */
export const levels = 257;
export type Palette = Uint32Array;

export const sequentialPalettes = ['viridis', 'cividis', 'gray'] as const;
export type SequentialName = (typeof sequentialPalettes)[number];
export type Theme = 'light' | 'dark';

type Rgb = readonly [number, number, number];

export const pixel = ([r, g, b]: Rgb): number => ((255 << 24) | (clamp(b) << 16) | (clamp(g) << 8) | clamp(r)) >>> 0;
export const rgbOf = (p: number): Rgb => [p & 255, (p >> 8) & 255, (p >> 16) & 255];
export const css = (p: number): string => `rgb(${rgbOf(p).join(' ')})`;
const clamp = (v: number) => Math.max(0, Math.min(255, Math.round(v)));

/** Color of cells that are NaN or infinite. It is in no palette, and a text beside the map always gives their number. */
export const notFinite = pixel([229, 0, 109]);

const table = (color: (t: number) => Rgb): Palette =>
  Uint32Array.from({ length: levels }, (_, i) => pixel(color(i / (levels - 1))));

/** c[0] + c[1] t + c[2] t^2 ... */
const polynomial = (t: number, c: readonly number[]) => c.reduceRight((sum, k) => sum * t + k, 0);

// Polynomial fit to matplotlib's viridis (Smith and van der Walt 2015), within 4/255 of it.
const viridis = [
  [
    0.2777273272234177, 0.1050930431085774, -0.3308618287255563, -4.634230498983486, 6.228269936347081, 4.776384997670288,
    -5.435455855934631,
  ],
  [
    0.005407344544966578, 1.404613529898575, 0.214847559468213, -5.799100973351585, 14.17993336680509, -13.74514537774601,
    4.645852612178535,
  ],
  [
    0.3340998053353061, 1.384590162594685, 0.09509516302823659, -19.33244095627987, 56.69055260068105, -65.35303263337234,
    26.3124352495832,
  ],
] as const;
// Fit to cividis (Nunez, Anderton, Renslow 2018) as in d3-scale-chromatic.
const cividis = [
  [-4.54, -35.34, 2381.73, -6402.7, 7024.72, -2710.57],
  [32.49, 170.73, 52.82, -131.46, 176.58, -67.37],
  [81.24, 442.36, -2482.43, 6167.24, -6614.94, 2475.67],
] as const;

const channels = (c: readonly (readonly number[])[], t: number, factor: number): Rgb => [
  polynomial(t, c[0]!) * factor,
  polynomial(t, c[1]!) * factor,
  polynomial(t, c[2]!) * factor,
];

const sequential: Record<SequentialName, Palette> = {
  viridis: table((t) => channels(viridis, t, 255)),
  cividis: table((t) => channels(cividis, t, 1)),
  gray: table((t) => fromOklab([0.16 + 0.84 * t, 0, 0])),
};

/** Blue, neutral, orange: distinguishable with protanopia, deuteranopia and tritanopia. The neutral color is close to the page's background. */
const ends: Record<Theme, { below: Rgb; neutral: Rgb; above: Rgb }> = {
  light: { below: [10, 78, 160], neutral: [246, 246, 245], above: [178, 74, 0] },
  dark: { below: [110, 190, 255], neutral: [30, 33, 39], above: [255, 168, 84] },
};

const diverging: Record<Theme, Palette> = { light: blueOrange('light'), dark: blueOrange('dark') };

export const sequentialPalette = (name: SequentialName): Palette => sequential[name];
export const divergingPalette = (theme: Theme): Palette => diverging[theme];

function blueOrange(theme: Theme): Palette {
  const [below, neutral, above] = [ends[theme].below, ends[theme].neutral, ends[theme].above].map(toOklab);
  const mix = (a: Rgb, b: Rgb, t: number): Rgb => [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t];
  return table((t) => fromOklab(t < 0.5 ? mix(below!, neutral!, t * 2) : mix(neutral!, above!, t * 2 - 1)));
}

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
