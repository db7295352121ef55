/** Numbers as people read them; NaN and infinities too, where nothing else is said. */

/** NaN and infinities as text; null for a finite number. */
export const notFiniteText = (v: number): string | null =>
  Number.isNaN(v) ? 'NaN' : Number.isFinite(v) ? null : v > 0 ? '∞' : '−∞';
/** With the minus sign U+2212. */
export const withMinus = (text: string): string => text.replaceAll('-', '−');

/** Up to `digits` significant digits, no trailing zeros; powers of ten from 1e6 up and below 1e-4. */
export function formatValue(v: number, digits = 5): string {
  const special = notFiniteText(v);
  if (special) return special;
  const size = Math.abs(v);
  if (size !== 0 && (size < 1e-4 || size >= 1e6)) {
    const [mantissa, exponent] = v.toExponential(digits - 1).split('e') as [string, string];
    return withMinus(`${withoutZeros(mantissa)}e${Number(exponent)}`);
  }
  return withMinus(withoutZeros(v.toPrecision(digits)));
}

/** A share of 1 as percent: 0.98765 -> "98.77 %", 0.5 -> "50 %". Only 1 and above is 100 %: 0.99999 -> "99.99 %". */
export function formatPercent(share: number, digits = 4): string {
  const text = formatValue(share * 100, digits);
  if (notFiniteText(share)) return text;
  return `${share < 1 && text === '100' ? formatValue(100 - 10 ** (2 - digits), digits) : text} %`;
}

/** A finite number, rounded: 12345.6 -> "12,346". Not with Intl.NumberFormat: making the first one takes tens of ms of a page's start. */
export const wholeNumber = (n: number): string => String(BigInt(Math.round(n))).replace(/\B(?=(\d{3})+$)/g, ',');

/** 1 -> "1 note", 1234 -> "1,234 notes". */
export const counted = (n: number, one: string, many = `${one}s`): string => `${wholeNumber(n)} ${n === 1 ? one : many}`;

/** A number's text without trailing zeros after its point. */
export function withoutZeros(text: string): string {
  if (text.includes('e')) {
    const [m, e] = text.split('e') as [string, string];
    return `${withoutZeros(m)}e${Number(e)}`;
  }
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}
