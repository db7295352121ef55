/**
 * The search of the list of runs: words and terms, all of which must hold.
 *
 *   reverse            the word occurs in the run's name, id, recipe, project, tags, ...
 *   recipe:text        the field contains the text; several values with commas: any of them
 *   tag="my tag"       the field is the text; quotes keep blanks together
 *   lr>1e-4            a setting or a number, compared: < <= > >= = !=
 *   loss:nan           NaN, inf and -inf are values
 *   -tag:old           not
 *
 * A term without a value is ignored: somebody is still typing it. Pure.
 */
export const operators = ['!=', '>=', '<=', ':', '=', '<', '>'] as const;
export type Operator = (typeof operators)[number];

export type SearchTerm =
  | { kind: 'word'; not: boolean; text: string }
  | { kind: 'field'; not: boolean; key: string; operator: Operator; values: string[]; text: string };

/** The terms of the typed text, in order. */
export function parseSearch(text: string): SearchTerm[] {
  return piecesOf(text, /\s/).flatMap((piece): SearchTerm[] => {
    const not = piece.length > 1 && piece.startsWith('-');
    const rest = not ? piece.slice(1) : piece;
    const field = /^("[^"]*"|[^"<>=!:]+)(!=|>=|<=|:|=|<|>)(.*)$/s.exec(rest);
    if (!field) return [{ kind: 'word', not, text: unquoted(rest).toLowerCase() }];
    const values = piecesOf(field[3]!, /,/).map(unquoted);
    if (values.length === 0) return [];
    return [{ kind: 'field', not, key: unquoted(field[1]!), operator: field[2] as Operator, values, text: piece }];
  });
}

/** The words searched for, in lower case; '' for a search of terms only. */
export const wordsOf = (search: string): string =>
  parseSearch(search)
    .flatMap((term) => (term.kind === 'word' && !term.not ? term.text : []))
    .join(' ');

/** Splits at `separator` outside of quotes; empty pieces are left out. */
function piecesOf(text: string, separator: RegExp): string[] {
  const pieces = [''];
  let quoted = false;
  for (const letter of text) {
    if (letter === '"') quoted = !quoted;
    if (!quoted && separator.test(letter)) pieces.push('');
    else pieces[pieces.length - 1] += letter;
  }
  return pieces.filter((p) => p !== '');
}

const unquoted = (text: string): string => text.replaceAll('"', '');

/** A text as the key or one value of a term. */
const quoted = (text: string): string => (/^-|[\s,<>=!:"]/.test(text) ? `"${text.replaceAll('"', '')}"` : text);

/** The search with one more term, `key=value`; unchanged when it already has the term. */
export function withTerm(search: string, key: string, value: string): string {
  const term = `${quoted(key)}=${quoted(value)}`;
  return piecesOf(search, /\s/).includes(term) ? search : `${search.trim()} ${term}`.trim();
}

/** "1e-4", "nan", "-inf"; null for anything else. */
export function numberOf(text: string): number | null {
  const named = /^([+-]?)(nan|inf|infinity|∞)$/i.exec(text);
  if (named) return named[2]!.toLowerCase() === 'nan' ? Number.NaN : named[1] === '-' ? -Infinity : Infinity;
  const n = text.trim() === '' ? Number.NaN : Number(text);
  return Number.isNaN(n) ? null : n;
}
