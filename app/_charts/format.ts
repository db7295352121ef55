import { formatValue, notFiniteText, wholeNumber, withMinus, withoutZeros } from '~/shared/numbers';

/** Number formats of charts. All accept NaN and infinities. */

/** 12345 -> "12,345"; the minus sign is U+2212, as in all numbers of charts. */
export const formatStep = (step: number): string => (Number.isFinite(step) ? withMinus(wholeNumber(step)) : notFiniteText(step)!);

/** Axis ticks: 1k, 2.5M, 0.002, 4.9e−4; in full where four digits cannot distinguish whole numbers: 1,000,020. */
export function formatTick(v: number, digits = 4): string {
  const size = Math.abs(v);
  if (Number.isSafeInteger(v) && size >= 1e3 && Number(v.toPrecision(4)) !== v) return formatStep(v);
  if (size >= 1e3 && size < 1e15) {
    const power = Math.min(4, Math.floor(Math.log10(size) / 3 + 1e-12));
    return withMinus(`${Number((v / 1000 ** power).toPrecision(digits))}${['', 'k', 'M', 'G', 'T'][power]}`);
  }
  if (size !== 0 && size < 1e-3)
    return withMinus(Number(v.toPrecision(digits)).toExponential().replace('e-', 'e−').replace('e+', 'e'));
  return formatValue(v, digits);
}

/** The texts of an axis's ticks, with as many digits, from 4, as tell them apart. */
export function tickTexts(ticks: readonly number[], text: (v: number, digits: number) => string): string[] {
  for (let digits = 4; ; digits++) {
    const texts = ticks.map((v) => text(v, digits));
    if (digits === 17 || new Set(texts).size === new Set(ticks).size) return texts;
  }
}

/** The first characters of a text, at most `most`; no character of two units is halved. */
export const beginning = (text: string, most: number): string => text.slice(0, most).replace(/[\uD800-\uDBFF]$/, '');

/** A text of at most `most` characters; a longer one ends in an ellipsis. */
export const cut = (text: string, most: number): string => (text.length > most ? `${beginning(text, most - 1)}…` : text);

/** 45 s, 2:05, 1:02:05, 3 d 04:00 */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms)) return notFiniteText(ms)!;
  const s = Math.max(0, Math.round(ms / 1000));
  if (ms < 10_000) return `${withoutZeros((Math.max(0, ms) / 1000).toFixed(1))} s`;
  if (s < 60) return `${s} s`;
  const two = (n: number) => String(n).padStart(2, '0');
  const days = Math.floor(s / 86_400);
  const hours = Math.floor((s % 86_400) / 3600);
  const minutes = Math.floor((s % 3600) / 60);
  if (days > 0) return `${days} d ${two(hours)}:${two(minutes)}`;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(s % 60)}` : `${minutes}:${two(s % 60)}`;
}
