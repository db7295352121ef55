import { formatPercent, wholeNumber } from '~/shared/numbers';
import { isTime } from '~/shared/times';

/** Numbers and times in display form. Values that a user set are not rounded: they are shown with `String`. */

/** 12345 -> "12,345" */
export const count = (n: number): string => (Number.isFinite(n) ? wholeNumber(n) : measured(n));

/**
 * Measured values: 0.012345 -> "0.01235", 4.87e-7 -> "4.87e-7", NaN -> "NaN", Infinity -> "∞".
 * @param digits significant digits
 */
export function measured(n: number | null, digits = 4): string {
  if (n === null) return '–';
  if (Number.isNaN(n)) return 'NaN';
  if (!Number.isFinite(n)) return n > 0 ? '∞' : '−∞';
  if (n === 0) return '0';
  const size = Math.abs(n);
  if (size >= 1e6 || size < 1e-3) return n.toExponential(Math.max(0, digits - 2)).replace('e+', 'e');
  if (size >= 10 ** (digits - 1)) return wholeNumber(n);
  return n.toPrecision(digits);
}

/** A fraction as percent, as charts write it: 0.98765 -> "98.77 %", 0.5 -> "50 %". */
export function percent(n: number | null): string {
  return n === null ? '–' : formatPercent(n);
}

/** "Warm-up", "steps" -> "Warm-up (steps)"; a label that has its unit among its words ("Parts of a batch", "parts") stays. */
export const withUnit = (label: string, unit: string | null): string =>
  unit === null || ` ${label.toLowerCase()} `.includes(` ${unit.toLowerCase()} `) ? label : `${label} (${unit})`;

/** 83_000 -> "1:23", 3_723_000 -> "1:02:03", 200_000_000 -> "2 d 7 h". */
export function duration(ms: number): string {
  if (!Number.isFinite(ms)) return measured(ms);
  const seconds = Math.max(0, Math.round(ms / 1000));
  const two = (n: number) => String(n).padStart(2, '0');
  const [d, h, m, s] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
    seconds % 60,
  ];
  if (d > 0) return `${d} d ${h} h`;
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** A time in the reader's locale; an invalid time is shown as its number and never throws. */
export const dateTime = (ms: number): string => (isTime(ms) ? new Date(ms).toLocaleString() : `${measured(ms)} (not a time)`);

/** The date without the time of day. */
export const date = (ms: number): string => (isTime(ms) ? new Date(ms).toLocaleDateString() : dateTime(ms));

/** ISO form for machines; undefined for an invalid time. */
export const isoTime = (ms: number): string | undefined => (isTime(ms) ? new Date(ms).toISOString() : undefined);

/** Time since `at`: "now", "12 s", "5 min", "3 h", "2 d". */
export function ago(at: number, now: number): string {
  if (!isTime(at)) return dateTime(at);
  const seconds = Math.floor((now - at) / 1000);
  if (seconds < 3) return 'now';
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** 1536 -> "1.5 kB" */
export function bytes(n: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const i = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, n)) / 3));
  const value = n / 1000 ** i;
  return `${i === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[i]}`;
}

/** 4294967296 -> "4 GiB" */
export const binaryBytes = (bytes: number): string => {
  const [size, unit] = bytes >= 2 ** 30 ? [2 ** 30, 'GiB'] : [2 ** 20, 'MiB'];
  return `${Number((bytes / size).toPrecision(3))} ${unit}`;
};
