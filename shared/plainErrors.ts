/** What zod says of a value that does not fit, in the words of this project: what to give, and what was given. */
import { z } from 'zod';

type Issue = z.core.$ZodRawIssue;

const kinds: Record<string, string> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  bigint: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  tuple: 'a list',
  set: 'a list',
  object: 'an object',
  record: 'an object',
  map: 'an object',
  null: 'null',
  undefined: 'nothing',
};
const kind = (expected: string): string => kinds[expected] ?? `a ${expected}`;

/** Longest text of a value in a message. */
const SHOWN = 60;
/** Most names that a message lists. */
const LISTED = 24;

function shown(input: unknown): string {
  if (typeof input === 'number' || typeof input === 'bigint') return String(input);
  if (input instanceof Uint8Array) return `${input.length} bytes`;
  let text: string | undefined;
  try {
    text = JSON.stringify(input);
  } catch {
    // A bigint or a circle inside, or more levels than the stack takes.
  }
  if (text === undefined) return kind(Array.isArray(input) ? 'array' : typeof input);
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}...` : text;
}

const quoted = (values: readonly unknown[]): string => values.map((v) => shown(v)).join(', ');

/** "a, b or c" */
function oneOf(names: readonly string[]): string {
  const unique = [...new Set(names)];
  return unique.length < 2 ? (unique[0] ?? 'another value') : `${unique.slice(0, -1).join(', ')} or ${unique.at(-1)}`;
}

const wish = (what: string, input: unknown): string =>
  input === undefined ? `it is missing; give ${what}` : `give ${what}, not ${shown(input)}`;

function limit(issue: Issue & { code: 'too_big' | 'too_small' }): string {
  const { origin, inclusive, input } = issue;
  const big = issue.code === 'too_big';
  const at = big ? issue.maximum : issue.minimum;
  const count =
    origin === 'string'
      ? ['character', 'characters']
      : ['array', 'set', 'file', 'map'].includes(origin)
        ? ['item', 'items']
        : null;
  if (!count) {
    const sign = `${big ? '<' : '>'}${inclusive ? '=' : ''}`;
    return wish(`${origin === 'int' ? 'a whole number' : 'a number'} ${sign} ${at}`, input);
  }
  if (!big && Number(at) === 1) return 'it must not be empty';
  const given =
    (input as { length?: number; size?: number } | undefined)?.length ?? (input as { size?: number } | undefined)?.size;
  const amount = `${at} ${Number(at) === 1 ? count[0] : count[1]}`;
  return `give ${issue.exact ? 'exactly' : big ? 'at most' : 'at least'} ${amount}${given === undefined ? '' : `, not ${given}`}`;
}

function unknownKeys(issue: Issue & { code: 'unrecognized_keys' }): string {
  const def = issue.inst?._zod.def as { shape?: object } | undefined;
  const known = def?.shape ? Object.keys(def.shape) : [];
  const there = known.length === 0 || known.length > LISTED ? '' : `; known are ${known.join(', ')}`;
  return `there is no field ${quoted(issue.keys)}${there}`;
}

function noneOf(issue: Issue & { code: 'invalid_union' }): string {
  const { discriminator, errors } = issue as { discriminator?: string; errors: z.core.$ZodIssue[][] };
  if (discriminator !== undefined) {
    const values = (issue.inst as z.core.$ZodType | undefined)?._zod.propValues?.[discriminator];
    const given = (issue.input as Record<string, unknown> | undefined)?.[discriminator];
    return wish(values ? oneOf([...values].map(shown)) : 'another value', given);
  }
  // Alternatives that differ already in their kind are named; else the one that came furthest says what is wrong.
  const plain = errors.flatMap(([first]) =>
    first?.path.length !== 0
      ? []
      : first.code === 'invalid_type'
        ? [kind(first.expected)]
        : first.code === 'invalid_value'
          ? first.values.map(shown)
          : [],
  );
  if (plain.length === errors.length) return wish(oneOf(plain), issue.input);
  const depth = (issues: z.core.$ZodIssue[]) =>
    Math.max(0, ...issues.map((i) => i.path.length + (i.code === 'invalid_type' ? 0 : 0.5)));
  const nearest = errors.toSorted((a, b) => depth(b) - depth(a))[0]?.[0];
  if (!nearest) return wish('another value', issue.input);
  return nearest.path.length > 0 ? `${nearest.path.join('.')}: ${nearest.message}` : nearest.message;
}

/** zod first asks for any number, then for a whole one. */
function isWhole(schema: Issue['inst']): boolean {
  const def = schema?._zod.def as { format?: string; checks?: z.core.$ZodCheck[] } | undefined;
  return [def, ...(def?.checks ?? []).map((check) => check._zod.def as { format?: string })].some((d) => d?.format === 'safeint');
}

function words(issue: Issue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return wish(kind(isWhole(issue.inst) ? 'int' : (issue.expected as string)), issue.input);
    case 'too_big':
    case 'too_small':
      return limit(issue as Issue & { code: 'too_big' | 'too_small' });
    case 'invalid_value':
      return wish(oneOf((issue.values as unknown[]).map(shown)), issue.input);
    case 'unrecognized_keys':
      return unknownKeys(issue as Issue & { code: 'unrecognized_keys' });
    case 'invalid_union':
      return noneOf(issue as Issue & { code: 'invalid_union' });
    case 'not_multiple_of':
      return wish(`a multiple of ${issue.divisor}`, issue.input);
    case 'invalid_format':
      return wish(
        issue.format === 'url'
          ? 'an address such as https://example.org'
          : issue.pattern
            ? `a text of the form ${issue.pattern}`
            : `a valid ${issue.format}`,
        issue.input,
      );
    case 'invalid_key':
    case 'invalid_element':
      return (issue.issues as z.core.$ZodIssue[])[0]?.message;
    default:
      return undefined;
  }
}

z.config({ customError: (issue) => words(issue) });
