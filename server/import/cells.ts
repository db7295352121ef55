/**
 * What a cell of a table says. Tables of other programs write numbers, absence and times in many ways; each rule is here once, for CSV and JSON.
 */

/**
 * How a file writes its numbers. `thousands`: the letter between groups of three digits, besides spaces and apostrophes; null = none is known. `either`: a comma that
 * does not stand before three digits is a decimal one, whatever the others are.
 */
export interface NumberStyle {
  decimal: '.' | ',';
  thousands: ',' | '.' | null;
  either: boolean;
}
export const plainNumbers: NumberStyle = { decimal: '.', thousands: ',', either: false };

/** What programs write where there is no value, beside nothing at all. NaN is a value. */
const absentWords = new Set(['na', 'n/a', '#n/a', '#n/a n/a', '#na', '<na>', 'none', 'null', 'nil', '-', '--']);
export const isAbsent = (cell: string): boolean => cell === '' || (cell.length <= 8 && absentWords.has(cell.toLowerCase()));

const nan = /^[-+]?(nan|1\.#(qnan|ind))$/i;
const infinite = /^([-+]?)(inf(inity)?|1\.#inf|∞)$/i;
const plain = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;
const grouped = /^[-+]?\d{1,3}([,.  '’])\d{3}(\1\d{3})*([,.]\d*)?(e[-+]?\d+)?$/i;

/** The number that a trimmed cell says; null when it says none. NaN and infinities are numbers. */
export function numberOf(cell: string, style: NumberStyle = plainNumbers): number | null {
  const value = Number(cell);
  // Number() reads "0x10" as 16 and nothing as 0.
  if (!Number.isNaN(value) && !(style.thousands === '.' && grouped.test(cell)))
    return cell !== '' && plain.test(cell) ? value : infiniteOf(cell);
  if (nan.test(cell)) return Number.NaN;
  const endless = infiniteOf(cell);
  if (endless !== null) return endless;
  const text = plainDigits(cell, style);
  return text !== null && plain.test(text) ? Number(text) : null;
}

function infiniteOf(cell: string): number | null {
  const found = infinite.exec(cell);
  return found ? (found[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY) : null;
}

/** Without the letters between groups of three digits, and with a decimal point; null when the letters do not stand where this style has them. */
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

/** How the cells of a file write numbers, as far as a sample of them shows. `separator`: what stands between cells. */
export function numberStyle(cells: Iterable<string>, separator: string): NumberStyle {
  let comma = 0;
  let point = 0;
  for (const cell of cells) {
    if (/^[-+]?(\d{1,3}(\.\d{3})+,\d+|\d*,(\d{1,2}|\d{4,})|0,\d+)(e[-+]?\d+)?$/i.test(cell)) comma++;
    else if (/^[-+]?(\d{1,3}(,\d{3})+\.\d+|\d*\.(\d{1,2}|\d{4,})|0\.\d+|\d{1,3}(,\d{3}){2,})(e[-+]?\d+)?$/i.test(cell)) point++;
  }
  // "1,024" alone says nothing: between commas it is a thousand, elsewhere as Excel writes decimals there.
  const decimal = comma > point || (comma === point && separator !== ',') ? ',' : '.';
  const either = separator !== ',';
  if (decimal === ',') return { decimal, thousands: comma > 0 && point === 0 ? '.' : null, either };
  return { decimal, thousands: ',', either };
}

export const truth = new Map([
  ['true', 1],
  ['false', 0],
]);

/** A cell that is meant as a number and is none as this file writes them: "0x10", "1_000", or "2,5" among decimal points. */
export const almostNumber = (cell: string): boolean => /^[-+]?(0[xbo][\da-f]+|\d+[.,_'’]\d+)$/i.test(cell);

/** "1:30" or "0:01:30.5" in seconds; null for anything else. */
export function durationOf(cell: string): number | null {
  const found = /^(?:(\d+):)?(\d{1,3}):(\d{2}(?:\.\d+)?)$/.exec(cell);
  return found ? Number(found[1] ?? 0) * 3600 + Number(found[2]) * 60 + Number(found[3]) : null;
}

const date = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?\s*(Z|UTC|[-+]\d{2}:?\d{2})?)?$/i;
export const isDate = (cell: string): boolean => date.test(cell);

/** ISO 8601 as ms since 1970; one without a zone is taken as UTC. null when it is no date. */
export function dateMs(cell: string): number | null {
  const found = date.exec(cell);
  if (!found) return null;
  const [, year, month, day, hour = '00', minute = '00', second = '00', fraction = '', zone = 'Z'] = found;
  const offset = /^(z|utc)$/i.test(zone) ? 'Z' : zone.includes(':') ? zone : `${zone.slice(0, 3)}:${zone.slice(3)}`;
  const ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}${offset}`);
  return Number.isNaN(ms) ? null : ms + (fraction ? Number(`0.${fraction}`) * 1000 : 0);
}

/** Years 1990 to 2100: no unit's numbers there are another unit's. */
const EARLIEST_MS = Date.UTC(1990, 0);
const LATEST_MS = Date.UTC(2100, 0);
const units = [
  { unit: 's', ms: 1000 },
  { unit: 'ms', ms: 1 },
  { unit: 'us', ms: 1e-3 },
  { unit: 'ns', ms: 1e-6 },
] as const;

/** A time since 1970 in seconds, ms, us or ns, as its size shows; null: it is none of these between 1990 and 2100. */
export function timeMs(value: number): number | null {
  for (const { ms } of units) {
    const time = value * ms;
    if (time >= EARLIEST_MS && time < LATEST_MS) return ms < 1 ? value / (1 / ms) : time;
  }
  return null;
}
/** Seconds since something else than 1970, such as the start of the run. */
export const isRelative = (value: number): boolean => value >= 0 && value * 1000 < EARLIEST_MS;
export const timeWords = 'seconds, ms, us or ns since 1970 of the years 1990 to 2100, or a date such as 2026-03-08T01:59:58Z';

/** Shown in messages: short, with what cannot be seen made visible. */
export const shown = (cell: unknown): string => JSON.stringify(String(cell).slice(0, 40));

/** "1 row", "2 rows". */
export const count = (n: number, one: string): string => `${n} ${one}${n === 1 ? '' : 's'}`;
