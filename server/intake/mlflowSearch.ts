/** MLflow's search: conditions joined by AND ("metrics.loss < 1 and params.`lr` = '0.1'"), and an order. */
import { z } from 'zod';
import { RequestError } from './body';
import { int64 } from './mlflowValues';

interface Entry<T> {
  key: string;
  value: T;
}

type Info = Readonly<Record<string, string | number>>;
type Searched = { info: Info; data: FoundRun['data'] };

export interface FoundRun {
  info: Info & { artifact_uri: string };
  data: {
    metrics: (Entry<number> & { timestamp: number; step: number })[];
    params: Entry<string>[];
    tags: Entry<string>[];
  };
  inputs: object;
}

const maxFound = int64.refine((n) => n > 0 && n <= 50_000, 'give a whole number from 1 to 50000').default(1000);
export const pageToken = z.string().regex(/^(-?\d{1,16})?$/, 'give the next_page_token of the answer before');
/** The fields of every search. */
export const searched = z.object({
  filter: z.string().default(''),
  max_results: maxFound,
  order_by: z.preprocess((given) => (typeof given === 'string' ? [given] : given), z.array(z.string()).default([])),
  page_token: pageToken.default('0'),
});

/** A page of what was found, and where the next one begins. */
export function pageOf<T>(found: readonly T[], { max_results, page_token }: { max_results: number; page_token: string }) {
  const from = Number(page_token);
  const to = from + max_results;
  return { part: found.slice(from, to), ...(to < found.length && { next_page_token: String(to) }) };
}

/** The attributes that can be searched and ordered by. */
export const runAttributes = ['artifact_uri', 'end_time', 'run_id', 'run_name', 'start_time', 'status', 'user_id'];
export const experimentAttributes = ['creation_time', 'experiment_id', 'last_update_time', 'name'];
const otherNames: Readonly<Record<string, string>> = { created: 'start_time', Created: 'start_time', 'Run name': 'run_name' };

const part =
  /\s*(?:(metrics?|params?|parameters?|tags?|attributes?|attr|run)\.)?(?:"([^"]+)"|`([^`]+)`|([\w./-]+))\s*(<=|>=|!=|=|<|>|I?LIKE|(?:NOT\s+)?IN)\s*('[^']*'|"[^"]*"|\([^)]*\)|-?[\w.+-]+)\s*(?:AND\b|$)/iy;

const orderPart =
  /^\s*(?:(metrics?|params?|parameters?|tags?|attributes?|attr|run)\.)?(?:"([^"]+)"|`([^`]+)`|([\w./:-]+))(?:\s+(ASC|DESC))?\s*$/i;

/** @throws RequestError for an attribute that is not one of `known` */
function keyOf(field: string, kind: string, key: string, known: readonly string[]): string {
  if (!/^(a|run)/i.test(kind)) return key;
  const name = Object.hasOwn(otherNames, key) ? otherNames[key]! : key;
  if (known.includes(name)) return name;
  throw new RequestError(
    400,
    `${field}: Invalid attribute key '${key.slice(0, 60)}' specified. Valid keys are ${known.join(', ')}`,
    field,
  );
}

/** @throws RequestError for an invalid filter */
export function filterOf(filter: string, known = runAttributes): (run: Searched) => boolean {
  const conditions: ((run: Searched) => boolean)[] = [];
  for (part.lastIndex = 0; part.lastIndex < filter.trimEnd().length; ) {
    const at = part.lastIndex;
    const match = part.exec(filter);
    if (!match)
      throw new RequestError(
        400,
        `filter: "${filter.slice(at, at + 60)}" cannot be read; give e.g. metrics.loss < 1 and params.lr = '0.1'`,
      );
    const [, kind = 'attributes', quoted, ticked, bare, sign = '=', wanted = ''] = match;
    const key = keyOf('filter', kind, quoted ?? ticked ?? bare ?? '', known);
    const number = /^m/i.test(kind);
    if (number && !/^-?(\.?\d|inf|nan)/i.test(wanted))
      throw new RequestError(400, `filter: metrics.${key} is a number, not ${wanted}`, 'filter');
    conditions.push((run) => compare(fieldOf(run, kind, key), sign.toUpperCase().replace(/\s+/, ' '), wanted, number));
  }
  return (run) => conditions.every((fits) => fits(run));
}

/** @param latest the attribute by which the newest come first where nothing else orders @throws RequestError for an invalid order */
export function orderOf(
  order: readonly string[],
  known = runAttributes,
  latest = 'start_time',
): (a: Searched, b: Searched) => number {
  const keys = order.map((text) => {
    const match = orderPart.exec(text);
    if (!match)
      throw new RequestError(
        400,
        `order_by: Invalid order_by clause '${text.slice(0, 60)}'; give e.g. metrics.loss ASC`,
        'order_by',
      );
    const [, kind = 'attributes', quoted, ticked, bare, way = ''] = match;
    return { kind, key: keyOf('order_by', kind, quoted ?? ticked ?? bare!, known), sign: /desc/i.test(way) ? -1 : 1 };
  });
  return (a, b) => {
    for (const { kind, key, sign } of [...keys, { kind: 'attributes', key: latest, sign: -1 }]) {
      const [left, right] = [a, b]
        .map((run) => fieldOf(run, kind, key))
        .map((value) => (Number.isNaN(value) ? undefined : value));
      if (left === right) continue;
      // Runs without a value, or with NaN, come last in either direction.
      if (left === undefined || right === undefined) return left === undefined ? 1 : -1;
      return (left < right ? -1 : 1) * sign;
    }
    return 0;
  };
}

function fieldOf({ info, data }: Searched, kind: string, key: string): string | number | undefined {
  const list = /^m/i.test(kind) ? data.metrics : /^p/i.test(kind) ? data.params : /^t/i.test(kind) ? data.tags : null;
  if (list) return list.find((entry) => entry.key === key)?.value;
  return Object.hasOwn(info, key) ? info[key] : undefined;
}

function compare(value: string | number | undefined, sign: string, wanted: string, number: boolean): boolean {
  if (value === undefined) return false;
  const bare = wanted.replace(/^(['"])([\s\S]*)\1$/, '$2');
  if (sign === 'IN' || sign === 'NOT IN') {
    const list = [...wanted.matchAll(/'([^']*)'|"([^"]*)"/g)].map((m) => m[1] ?? m[2]);
    return list.includes(String(value)) === (sign === 'IN');
  }
  if (sign.endsWith('LIKE')) {
    const pattern = bare
      .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
      .replaceAll('%', '[\\s\\S]*')
      .replaceAll('_', '[\\s\\S]');
    return new RegExp(`^${pattern}$`, sign === 'ILIKE' ? 'i' : '').test(String(value));
  }
  const [left, right] = number || typeof value === 'number' ? [Number(value), Number(bare)] : [value, bare];
  switch (sign) {
    case '=':
      return left === right;
    case '!=':
      return left !== right;
    case '<':
      return left < right;
    case '<=':
      return left <= right;
    case '>':
      return left > right;
    default:
      return left >= right;
  }
}
