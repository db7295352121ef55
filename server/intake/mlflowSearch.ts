/** MLflow's search: conditions joined by AND ("metrics.loss < 1 and params.`lr` = '0.1'"), and an order. */
import { RequestError } from './body';

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

const part =
  /\s*(?:(metrics?|params?|parameters?|tags?|attributes?|attr|run)\.)?(?:"([^"]+)"|`([^`]+)`|([\w./-]+))\s*(<=|>=|!=|=|<|>|I?LIKE|(?:NOT\s+)?IN)\s*('[^']*'|"[^"]*"|\([^)]*\)|-?[\w.+-]+)\s*(?:AND\b|$)/iy;

/** @throws RequestError for an invalid filter */
export function filterOf(filter: string): (run: Searched) => boolean {
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
    const key = quoted ?? ticked ?? bare ?? '';
    const number = /^m/i.test(kind);
    conditions.push((run) => compare(fieldOf(run, kind, key), sign.toUpperCase().replace(/\s+/, ' '), wanted, number));
  }
  return (run) => conditions.every((fits) => fits(run));
}

/** @throws RequestError for an invalid order */
export function orderOf(order: readonly string[]): (a: FoundRun, b: FoundRun) => number {
  const keys = order.map((text) => {
    const match = /^\s*(?:(\w+)\.)?["`]?([^"`]+?)["`]?(?:\s+(ASC|DESC))?\s*$/i.exec(text);
    if (!match) throw new RequestError(400, `order_by: "${text.slice(0, 60)}" cannot be read; give e.g. metrics.loss ASC`);
    return { kind: match[1] ?? 'attributes', key: match[2]!, sign: /desc/i.test(match[3] ?? '') ? -1 : 1 };
  });
  return (a, b) => {
    for (const { kind, key, sign } of [...keys, { kind: 'attributes', key: 'start_time', sign: -1 }]) {
      const [left, right] = [fieldOf(a, kind, key), fieldOf(b, kind, key)];
      if (left === right) continue;
      // Runs without a value come last in either direction.
      if (left === undefined || right === undefined) return left === undefined ? 1 : -1;
      return (left < right ? -1 : 1) * sign;
    }
    return 0;
  };
}

function fieldOf({ info, data }: Searched, kind: string, key: string): string | number | undefined {
  const list = /^m/i.test(kind) ? data.metrics : /^p/i.test(kind) ? data.params : /^t/i.test(kind) ? data.tags : null;
  if (list) return list.find((entry) => entry.key === key)?.value;
  const name = key === 'created' || key === 'Created' ? 'start_time' : key;
  return Object.hasOwn(info, name) ? info[name] : undefined;
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
