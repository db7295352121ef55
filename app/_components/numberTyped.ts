/** Thousands by one kind of separator. */
const grouped = /^[+-]?[1-9]\d{0,2}([,_\s])\d{3}(\1\d{3})*(\.\d+)?$/;
const plain = /^[+-]?(0|[1-9]\d*|(?=\.\d))(\.\d*)?(e[+-]?\d+)?$/i;

/**
 * The number that a person typed: "1e-3", "10,000", "10_000", "10 000", "−2". null for a text that is none, or whose meaning is not sure: "0,001",
 * "1,5", "007". A phone's keypad of decimals cannot type them: on an iPhone it has neither "-" nor "e", and in many languages a comma for the point.
 */
export function numberTyped(text: string): number | null {
  const typed = text.trim().replace('−', '-');
  const digits = grouped.test(typed) ? typed.replace(/[,_\s]/g, '') : typed;
  const n = plain.test(digits) ? Number(digits) : Number.NaN;
  return Number.isFinite(n) ? n : null;
}

/** A whole number that a person typed; null as for `numberTyped`, and for one that is not exact. */
export function wholeTyped(text: string): number | null {
  const n = numberTyped(text);
  return Number.isSafeInteger(n) ? n : null;
}
