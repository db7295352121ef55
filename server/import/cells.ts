/**
 * Reads the cells of a table. Programs write numbers, absence and times in many ways; each rule is here once, for CSV and JSON.
 */

import { counted } from '~/shared/numbers';

/**
 * How a file writes its numbers. `thousands`: the character between groups of three digits, besides spaces and apostrophes; null =
 * not known. `either`: a comma that is not followed by three digits is a decimal comma, whatever the others are.
 */
export interface NumberStyle {
  decimal: '.' | ',';
  thousands: ',' | '.' | null;
  either: boolean;
}
export const plainNumbers: NumberStyle = { decimal: '.', thousands: ',', either: false };

/** Words for an absent value, besides an empty cell. NaN is a value. */
const absentWords = new Set(['na', 'n/a', '#n/a', '#n/a n/a', '#na', '<na>', 'none', 'null', 'nil', '-', '--']);
export const isAbsent = (cell: string): boolean => cell === '' || (cell.length <= 8 && absentWords.has(cell.toLowerCase()));

const nan = /^[-+]?(nan(\(\w*\))?|1\.#([qs]nan|ind))$/i;
const infinite = /^([-+]?)(inf(inity)?|1\.#inf|∞)$/i;
const plain = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;
const grouped = /^[-+]?\d{1,3}([,.  '’])\d{3}(\1\d{3})*([,.]\d*)?(e[-+]?\d+)?$/i;

/** The number in a trimmed cell; null when it is not a number. NaN and infinities are numbers. */
export function numberOf(written: string, style: NumberStyle = plainNumbers): number | null {
  // A typographic minus.
  const cell = written.startsWith('\u2212') ? `-${written.slice(1)}` : written;
  const value = Number(cell);
  // Number() reads "0x10" as 16 and an empty text as 0.
  if (!Number.isNaN(value) && !(style.thousands === '.' && grouped.test(cell)))
    return cell !== '' && plain.test(cell) ? value : infiniteOf(cell);
  if (nan.test(cell)) return Number.NaN;
  const endless = infiniteOf(cell);
  if (endless !== null) return endless;
  const text = plainDigits(cell, style);
  return text !== null && plain.test(text) ? Number(text) : null;
}

/** Whole numbers that a double does not hold, of a file: 9007199254740993 becomes ...992. */
export class Rounded {
  #count = 0;
  #first = '';

  see(cell: string, value: number): void {
    if (cell.length < 16 || !/^[-+]?\d+$/.test(cell) || !Number.isFinite(value) || BigInt(cell) === BigInt(value)) return;
    if (this.#count++ === 0) this.#first = cell;
  }

  words(): string[] {
    const numbers = counted(this.#count, 'whole number');
    return this.#count > 0 ? [`${numbers} above 2^53 became the nearest 64-bit floating-point number, e.g. ${this.#first}`] : [];
  }
}

function infiniteOf(cell: string): number | null {
  const found = infinite.exec(cell);
  return found ? (found[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY) : null;
}

/**
 * Removes the characters between groups of three digits, and writes a decimal point; null when the characters are not where this style
 * has them.
 */
function plainDigits(cell: string, { decimal, thousands, either }: NumberStyle): string | null {
  const groups = grouped.exec(cell);
  const between = groups?.[1];
  let text = cell;
  if (between !== undefined && between !== decimal) {
    const spaced = between !== ',' && between !== '.';
    if (!spaced && between !== thousands) return null;
    text = text.replaceAll(between, '');
  }
  return decimal === ',' || (either && between !== ',') ? text.replace(',', '.') : text;
}

/** The number style of a file, judged by sample cells. `separator`: the character between cells. */
export function numberStyle(cells: Iterable<string>, separator: string): NumberStyle {
  let comma = 0;
  let point = 0;
  for (const cell of cells) {
    if (/^[-+]?(\d{1,3}(\.\d{3})+,\d+|\d*,(\d{1,2}|\d{4,})|0,\d+)(e[-+]?\d+)?$/i.test(cell)) comma++;
    else if (/^[-+]?(\d{1,3}(,\d{3})+\.\d+|\d*\.(\d{1,2}|\d{4,})|0\.\d+|\d{1,3}(,\d{3}){2,})(e[-+]?\d+)?$/i.test(cell)) point++;
  }
  // "1,024" alone is ambiguous: between commas it is a thousand, elsewhere a decimal as Excel writes it there.
  const decimal = comma > point || (comma === point && separator !== ',') ? ',' : '.';
  const either = separator !== ',';
  if (decimal === ',') return { decimal, thousands: comma > 0 && point === 0 ? '.' : null, either };
  return { decimal, thousands: ',', either };
}

export const truth = new Map([
  ['true', 1],
  ['false', 0],
]);

/** A cell that looks like a number but is none in this file's style: "0x10", "1_000", or "2,5" among decimal points. */
export const almostNumber = (cell: string): boolean => /^[-+]?(0[xbo][\da-f]+|\d+[.,_'’]\d+)$/i.test(cell);

/** "1:30" or "0:01:30.5" in seconds; null for anything else. */
export function durationOf(cell: string): number | null {
  const found = /^(?:(\d+):)?(\d{1,3}):(\d{2}(?:\.\d+)?)$/.exec(cell);
  return found ? Number(found[1] ?? 0) * 3600 + Number(found[2]) * 60 + Number(found[3]) : null;
}

const date = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?\s*(Z|UTC|[-+]\d{2}:?\d{2})?)?$/i;
export const isDate = (cell: string): boolean => date.test(cell);

/** ISO 8601 as ms since 1970; without a zone it is taken as UTC. null when it is not a date. */
export function dateMs(cell: string): number | null {
  const found = date.exec(cell);
  if (!found) return null;
  const [, year, month, day, hour = '00', minute = '00', second = '00', fraction = '', zone = 'Z'] = found;
  const offset = /^(z|utc)$/i.test(zone) ? 'Z' : zone.includes(':') ? zone : `${zone.slice(0, 3)}:${zone.slice(3)}`;
  const ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}${offset}`);
  return Number.isNaN(ms) ? null : ms + (fraction ? Number(`0.${fraction}`) * 1000 : 0);
}

/** Years 1990 to 2100: within them, a number is a valid time in only one unit. */
const EARLIEST_MS = Date.UTC(1990, 0);
const LATEST_MS = Date.UTC(2100, 0);
/** Of s, ms, us and ns. */
const unitsMs = [1000, 1, 1e-3, 1e-6];

/** A time since 1970 in seconds, ms, us or ns, judged by its size; null: it is none of these between 1990 and 2100. */
export function timeMs(value: number): number | null {
  for (const ms of unitsMs) {
    const time = value * ms;
    if (time >= EARLIEST_MS && time < LATEST_MS) return ms < 1 ? value / (1 / ms) : time;
  }
  return null;
}
/** Seconds since another time than 1970, such as the start of the run. */
export const isRelative = (value: number): boolean => value >= 0 && value * 1000 < EARLIEST_MS;
export const timeWords = 'seconds, ms, us or ns since 1970 of the years 1990 to 2100, or a date such as 2026-03-08T01:59:58Z';

/** A cell for messages: short, with invisible characters made visible. */
export const shown = (cell: unknown): string => JSON.stringify(String(cell).slice(0, 40));
