/** What the table of runs reads of a run, and how two such values are matched with a search and put in order. */
import type { Operator } from '~/shared/runSearch';
import type { Cell, TableQuery } from '~/shared/runTable';
import { bare } from '~/shared/schemaWords';
import { valuesOf } from '~/shared/settings';
import type { Json } from '~/shared/setup';
import type { MainResult, RunIndex, RunSummary } from '~/shared/summary';
import { ended } from '~/shared/view';

const noIndex: RunIndex = { config: {}, jobType: null, main: null, series: [], results: [], tookMs: null };
export const indexOf = (run: RunSummary): RunIndex => run.index ?? noIndex;

export type Value = string | number | boolean | null | readonly string[] | undefined;
export type Read = (run: RunSummary) => Value;

const resultOf = (of: MainResult | null): number | null => of?.value ?? null;

/** Fields of every run, by their name in a search. */
const fixed: Readonly<Record<string, Read>> = {
  name: (r) => r.name,
  id: (r) => r.runId,
  recipe: (r) => r.recipe,
  project: (r) => r.project,
  group: (r) => r.group ?? null,
  tag: (r) => r.tags,
  status: (r) => r.status,
  by: (r) => r.createdBy.name,
  backend: (r) => r.backend,
  data: (r) => r.data,
  note: (r) => r.notes?.newest ?? null,
  job: (r) => indexOf(r).jobType,
  parent: (r) => r.parent?.runId ?? null,
  step: (r) => r.step,
  loss: (r) => r.loss,
  accuracy: (r) => r.accuracy,
  best: (r) => resultOf(r.best),
  evaluated: (r) => resultOf(r.evaluated),
  watchers: (r) => r.watchers,
  created: (r) => r.createdAt,
  createdAt: (r) => r.createdAt,
  updatedAt: (r) => r.updatedAt,
};
export const fixedNamed = (key: string): Read | undefined => (Object.hasOwn(fixed, key) ? fixed[key] : undefined);

export function onShelf(run: RunSummary, show: TableQuery['show']): boolean {
  if (run.trashed !== (show === 'trash')) return false;
  if (show !== 'trash' && run.archived !== (show === 'archived')) return false;
  if (show === 'active') return !ended(run.status);
  return show !== 'ended' || ended(run.status);
}

const texts = new WeakMap<RunSummary, string>();

/** The text that a word is searched in. */
export function textOf(run: RunSummary): string {
  let text = texts.get(run);
  if (text === undefined) {
    const { name, runId, recipe, project, group, status, backend, createdBy, notes, tags } = run;
    text = [name, runId, recipe, project, group, status, backend, createdBy.name, notes?.newest, ...tags]
      .join('\n')
      .toLowerCase();
    texts.set(run, text);
  }
  return text;
}

export const ordering: ReadonlySet<Operator> = new Set<Operator>(['<', '<=', '>', '>=']);

export function holds(value: Value, operator: Operator, wanted: { text: string; number: number | null }): boolean {
  if (Array.isArray(value)) {
    if (operator === '!=') return value.every((v) => holds(v, operator, wanted));
    return value.some((v) => holds(v, operator, wanted));
  }
  if (operator === '!=') return !holds(value, '=', wanted);
  if (value === undefined || value === null) return operator !== ':' && wanted.text === 'none' && operator === '=';
  if (typeof value === 'number' && wanted.number !== null) {
    const n = wanted.number;
    switch (operator) {
      case '<':
        return value < n;
      case '<=':
        return value <= n;
      case '>':
        return value > n;
      case '>=':
        return value >= n;
      default:
        return Object.is(value, n) || value === n;
    }
  }
  if (ordering.has(operator)) return false;
  const text = String(value).toLowerCase();
  return operator === '=' ? text === wanted.text : text.includes(wanted.text);
}

/** "2026-11-01" as ms since 1970; null for anything that is not a date. */
export function momentOf(text: string): number | null {
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : at;
}

/** Numbers and texts are compared as they are; lists as text. */
export const flat = (value: Json | undefined): Value =>
  value === undefined || value === null || typeof value !== 'object' ? value : bare(value);

export const cellOf = (value: Value): Cell => (value === undefined ? null : Array.isArray(value) ? [...value] : (value as Cell));

export const pairOf = (pairs: readonly (readonly [string, number])[], name: string): number | undefined =>
  pairs.find(([n]) => n === name)?.[1];

/** Missing values and NaN come last in either direction. Numbers come before texts. */
export function order(a: Value, b: Value, sign: number): number {
  const none = (v: Value) => v === undefined || v === null || Number.isNaN(v);
  if (none(a) || none(b)) return Number(none(a)) - Number(none(b));
  if (typeof a === 'number' && typeof b === 'number') return a === b ? 0 : sign * (a < b ? -1 : 1);
  if (typeof a === 'number' || typeof b === 'number') return typeof a === 'number' ? -1 : 1;
  return a === b ? 0 : sign * (String(a) < String(b) ? -1 : 1);
}

const keys = new WeakMap<RunSummary, Map<string, Value>>();

/**
 * What a line is sorted by. Texts are compared without case, numbers in them by value. A key is made once for each line and column: a
 * collator in the comparison took ten times as long.
 */
export function sortKey(run: RunSummary, column: string, read: Read): Value {
  const of = keys.get(run) ?? new Map<string, Value>();
  if (of.has(column)) return of.get(column);
  keys.set(run, of);
  const value = read(run);
  const key = typeof value === 'string' ? value.toLowerCase().replace(/\d+/g, (digits) => digits.padStart(16, '0')) : value;
  of.set(column, key);
  return key;
}

/** How a run's name fits the words searched for, best first: 0 = it is them, 1 = it begins with them, 2 = it holds them, 3 = something else of the run does. */
export function nameFit(name: string, words: string): number {
  const low = name.toLowerCase();
  return low === words ? 0 : low.startsWith(words) ? 1 : low.includes(words) ? 2 : 3;
}

/** The settings that differ from the recipe's first preset; empty without a preset. */
export function changedOf(run: RunSummary, preset: ReadonlyMap<string, string> | undefined): { path: string; text: string }[] {
  if (!preset) return [];
  return valuesOf(indexOf(run).config).flatMap(([path, value]) => {
    if (path === 'seed' || preset.get(path) === JSON.stringify(value)) return [];
    return [{ path, text: `${path.split('.').at(-1)} ${bare(value)}` }];
  });
}
