/**
 * The list of runs as a table: searched (shared/runSearch.ts), sorted and grouped here, and read by pages. Works on the lines
 * that the hub holds in memory; only sparklines are read from the store.
 */
import type { Store } from '~/server/store';
import { fieldsOf } from '~/shared/recipeFields';
import type { KnownRecipe } from '~/shared/recipes';
import { numberOf, type Operator, parseSearch, type SearchTerm } from '~/shared/runSearch';
import {
  type Catalog,
  type Cell,
  type Column,
  type Estimate,
  type Grouping,
  type GroupRow,
  type Sparkline,
  type SweepAnswer,
  sweepJob,
  type TableLine,
  type TablePage,
  type TableQuery,
} from '~/shared/runTable';
import { bare } from '~/shared/schemaWords';
import { valuesOf } from '~/shared/settings';
import { type Config, type Json, valueNamed } from '~/shared/setup';
import { type MainResult, type RunIndex, type RunSummary, sentSummary } from '~/shared/summary';
import { ended } from '~/shared/view';

interface RunTableDeps {
  runs(): Iterable<RunSummary>;
  recipes(): readonly KnownRecipe[];
  store: Pick<Store, 'range'>;
  /** ms, from a monotonic clock. */
  elapsed(): number;
}

/** Stretches of a sparkline. */
const stretches = 48;
/** Most cached sparklines. */
const mostSparklines = 5_000;
/** Age at which a live run's sparkline is read again. */
const sparklineMs = 5_000;
/** Age at which the catalog of settings, series and results is rebuilt. */
const catalogMs = 5_000;
/** Most changed settings in a line. */
const mostChanged = 4;
const mostSuggested = 200;

/** A run that differs in more settings says little about another's duration. */
const mostDiffering = 3;
/** Number of axes in the charts at first, besides the result. */
const axesAtFirst = 7;

/** Most runs that are drawn as charts. */
export const mostPoints = 2_000;

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });
const noIndex: RunIndex = { config: {}, jobType: null, main: null, series: [], results: [], tookMs: null };
const indexOf = (run: RunSummary): RunIndex => run.index ?? noIndex;

type Value = string | number | boolean | null | readonly string[] | undefined;
type Read = (run: RunSummary) => Value;

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
const fixedNamed = (key: string): Read | undefined => (Object.hasOwn(fixed, key) ? fixed[key] : undefined);

interface Known {
  at: number;
  runs: number;
  /** Settings by path: their names, and the number of runs that have each. */
  settings: Map<string, { names: string[]; runs: number }>;
  series: Map<string, number>;
  results: Map<string, number>;
  /** Short names of settings (flags), in lower case. */
  aliases: Map<string, string[]>;
  titles: Map<string, string>;
}

export class RunTable {
  #known: Known | null = null;
  readonly #presets = new WeakMap<KnownRecipe['schema'], ReadonlyMap<string, string>>();
  /** By run; the last used one is last. */
  readonly #sparklines = new Map<string, { seq: number; at: number; line: Promise<Sparkline> }>();

  constructor(private readonly deps: RunTableDeps) {}

  /** A page of the table. `columns` are keys of `catalog`; `folded` are keys of groups. */
  page(query: TableQuery & { columns: readonly string[]; folded: readonly string[]; skip: number; limit: number }): TablePage {
    const { kept, all, waiting, problems } = this.#fitting(query);
    const ordered = this.#sorted(kept, query);
    const lines: (GroupRow | RunSummary)[] =
      query.group === 'none' ? ordered : this.#grouped(ordered, query.group, new Set(query.folded));
    const reads = query.columns.map((key) => this.#column(key));
    const presets = new Map(this.deps.recipes().map((r) => [r.name, this.#presetOf(r)]));
    const page = lines.slice(query.skip, query.skip + query.limit).map((line): TableLine => {
      if ('kind' in line) return line;
      const changed = changedOf(line, presets.get(line.recipe ?? ''));
      return {
        kind: 'run',
        run: sentSummary(line),
        cells: reads.map((read) => cellOf(read(line))),
        changed: changed.slice(0, mostChanged),
        changedMore: Math.max(0, changed.length - mostChanged),
      };
    });
    return { lines: lines.length, runs: kept.length, all, waiting, problems, from: query.skip, page };
  }

  /** The values of some columns for every run that matches, newest first; runs beyond `mostPoints` are left out and counted. */
  points(query: TableQuery & { columns: readonly string[] }): SweepAnswer {
    const { kept } = this.#fitting(query);
    const offered = this.#offered(kept);
    const columns = query.columns.length > 0 ? query.columns : chosenAtFirst(offered);
    const reads = columns.map((key) => this.#column(key));
    const points = this.#sorted(kept, query)
      .slice(0, mostPoints)
      .map((run) => ({
        runId: run.runId,
        name: run.name,
        status: run.status,
        values: reads.map((read) => cellOf(read(run))),
      }));
    return { columns: [...columns], offered, points, leftOut: kept.length - points.length };
  }

  /** The columns that can be drawn for some runs: the settings that differ among them, and their numbers. */
  #offered(runs: readonly RunSummary[]): SweepAnswer['offered'] {
    const known = this.#look();
    const settings = new Map<string, { values: Set<string>; runs: number }>();
    const numbers = new Map<string, number>();
    for (const run of runs.slice(0, mostPoints)) {
      const { config, series, results } = indexOf(run);
      for (const [path, value] of valuesOf(config)) {
        const setting = settings.get(path) ?? { values: new Set(), runs: 0 };
        setting.runs++;
        // Enough to know that they differ.
        if (setting.values.size < 100) setting.values.add(JSON.stringify(value));
        settings.set(path, setting);
      }
      for (const [name] of results) numbers.set(`result.${name}`, (numbers.get(`result.${name}`) ?? 0) + 1);
      for (const [name] of series) numbers.set(`series.${name}`, (numbers.get(`series.${name}`) ?? 0) + 1);
    }
    const differ = [...settings]
      .filter(([, s]) => s.values.size > 1 || (s.runs < runs.length && s.runs > 0 && runs.length <= mostPoints))
      .map(([path, s]): Column => ({ key: `config.${path}`, title: known.titles.get(path) ?? path, runs: s.runs }));
    const results = [...numbers].map(([key, count]): Column => ({ key, title: key.slice(key.indexOf('.') + 1), runs: count }));
    const fixedResults: Column[] = [
      { key: 'best', title: 'Best result', runs: runs.filter((r) => r.best).length },
      { key: 'evaluated', title: 'Newest result', runs: runs.filter((r) => r.evaluated).length },
      { key: 'loss', title: 'Loss', runs: runs.filter((r) => r.loss !== null).length },
      { key: 'accuracy', title: 'Accuracy', runs: runs.filter((r) => r.accuracy !== null).length },
    ];
    return { settings: differ, results: [...fixedResults.filter((c) => c.runs > 0), ...results] };
  }

  /** How long such a run takes, judged by the most similar finished run; null when none is similar enough. */
  estimate(recipe: string, config: Config): Estimate | null {
    const wanted = new Map(valuesOf(config).map(([path, value]) => [path, JSON.stringify(value)]));
    const { titles } = this.#look();
    let found: { run: RunSummary; differs: string[] } | null = null;
    for (const run of this.deps.runs()) {
      const { tookMs, config: own } = indexOf(run);
      if (run.recipe !== recipe || run.trashed || tookMs === null || tookMs <= 0) continue;
      const had = new Map(valuesOf(own).map(([path, value]) => [path, JSON.stringify(value)]));
      const paths = new Set([...wanted.keys(), ...had.keys()]);
      const differs = [...paths].filter((path) => path !== 'seed' && wanted.get(path) !== had.get(path));
      if (differs.length > mostDiffering) continue;
      if (
        !found ||
        differs.length < found.differs.length ||
        (differs.length === found.differs.length && run.createdAt > found.run.createdAt)
      )
        found = { run, differs };
    }
    if (!found) return null;
    const { run, differs } = found;
    return {
      ms: indexOf(run).tookMs!,
      runId: run.runId,
      name: run.name,
      backend: run.backend,
      differs: differs.map((path) => titles.get(path) ?? path),
    };
  }

  /** The columns that exist, and the fields that can be searched. */
  catalog(): Catalog {
    const known = this.#look();
    const columns = (kind: string, of: Iterable<[string, number]>): Column[] =>
      [...of]
        .map(([name, runs]) => ({ key: `${kind}.${name}`, title: known.titles.get(name) ?? name, runs }))
        .sort((a, b) => b.runs - a.runs || collator.compare(a.title, b.title));
    const [projects, groups, tags] = [new Set<string>(), new Set<string>(), new Set<string>()];
    for (const run of this.deps.runs()) {
      projects.add(run.project);
      if (run.group !== undefined) groups.add(run.group);
      for (const tag of run.tags) tags.add(tag);
    }
    const some = (set: Set<string>) => [...set].sort(collator.compare).slice(0, mostSuggested);
    return {
      settings: columns(
        'config',
        [...known.settings].map(([path, { runs }]) => [path, runs]),
      ),
      series: columns('series', known.series),
      results: columns('result', known.results),
      projects: some(projects),
      groups: some(groups),
      tags: some(tags),
    };
  }

  /** Small charts of the main series of these runs; runs without one are left out. */
  async sparklines(runs: readonly RunSummary[]): Promise<Sparkline[]> {
    const lines = await Promise.all(runs.map((run) => this.#sparkline(run)));
    return lines.filter((line) => line.steps.length > 0);
  }

  async #sparkline(run: RunSummary): Promise<Sparkline> {
    const { runId } = run;
    const name = indexOf(run).main;
    if (name === null) return { runId, name: '', steps: [], values: [] };
    const now = this.deps.elapsed();
    const last = this.#sparklines.get(runId);
    if (last && (last.seq === run.updatedAt || now - last.at < sparklineMs)) return last.line;
    const line = this.deps.store
      .range({ runId, series: [name], fromStep: 0, toStep: null, buckets: stretches })
      .then(({ series }): Sparkline => {
        const [of] = series;
        return { runId, name, steps: of ? [...of.steps] : [], values: of ? [...of.last] : [] };
      });
    this.#sparklines.delete(runId);
    this.#sparklines.set(runId, { seq: run.updatedAt, at: now, line });
    // A failed read is not cached.
    line.catch(() => this.#sparklines.delete(runId));
    const [oldest] = this.#sparklines.keys();
    if (this.#sparklines.size > mostSparklines && oldest !== undefined) this.#sparklines.delete(oldest);
    return line;
  }

  #fitting({ search, show }: TableQuery) {
    const { tests, problems } = this.#tests(parseSearch(search));
    const kept: RunSummary[] = [];
    let all = 0;
    let waiting = 0;
    for (const run of this.deps.runs()) {
      if (!run.trashed) all++;
      if (run.status === 'queued' || run.status === 'waiting') waiting++;
      if (onShelf(run, show) && tests.every((fits) => fits(run))) kept.push(run);
    }
    return { kept, all, waiting, problems };
  }

  /** A test for each term, and the problems of terms whose field does not exist. */
  #tests(terms: readonly SearchTerm[]): { tests: ((run: RunSummary) => boolean)[]; problems: string[] } {
    const problems: string[] = [];
    const tests = terms.map((term): ((run: RunSummary) => boolean) => {
      if (term.kind === 'word') return (run) => textOf(run).includes(term.text) !== term.not;
      const read = this.#named(term.key);
      if (!read) {
        const text = term.text.toLowerCase();
        // "http://…" is a plain word.
        if (term.operator === ':') return (run) => textOf(run).includes(text) !== term.not;
        problems.push(`${term.key}: no run has a field, a setting or a number of this name`);
        return () => false;
      }
      const dated = term.key === 'created';
      const wanted = term.values.map((text) => ({
        text: text.toLowerCase(),
        number: dated && Number.isNaN(Number(text)) ? momentOf(text) : numberOf(text),
      }));
      if (ordering.has(term.operator) && wanted.some((w) => w.number === null)) {
        problems.push(`${term.text}: a number is needed after ${term.operator}`);
        return () => false;
      }
      return (run) => wanted.some((w) => holds(read(run), term.operator, w)) !== term.not;
    });
    return { tests, problems };
  }

  /** What a name in a search refers to: a field, a setting (its whole path, its last part or its flag), a series or a result. */
  #named(key: string): Read | null {
    const own = fixedNamed(key.toLowerCase());
    if (own) return own;
    const known = this.#look();
    const wanted = key.toLowerCase();
    const paths = [...known.settings].filter(([path]) => {
      const low = path.toLowerCase();
      return low === wanted || low.endsWith(`.${wanted}`);
    });
    const exact = paths.filter(([path]) => path.toLowerCase() === wanted);
    const aliased = (known.aliases.get(wanted) ?? []).flatMap((path) => {
      const setting = known.settings.get(path);
      return setting ? [[path, setting] as const] : [];
    });
    const chosen = exact.length > 0 ? exact : paths.length > 0 ? paths : aliased;
    const series = [...known.series.keys()].find((name) => name.toLowerCase() === wanted);
    const result = [...known.results.keys()].find((name) => name.toLowerCase() === wanted);
    if (chosen.length === 0 && series === undefined && result === undefined) return null;
    const names = chosen.map(([, s]) => s.names);
    return (run) => {
      for (const path of names) {
        const value = valueNamed(indexOf(run).config, path);
        if (value !== undefined) return flat(value);
      }
      if (series !== undefined) {
        const value = pairOf(indexOf(run).series, series);
        if (value !== undefined) return value;
      }
      return result === undefined ? undefined : pairOf(indexOf(run).results, result);
    };
  }

  #column(key: string): Read {
    const at = key.indexOf('.');
    const [kind, name] = [key.slice(0, Math.max(0, at)), key.slice(at + 1)];
    switch (kind) {
      case 'config': {
        const names = this.#look().settings.get(name)?.names ?? name.split('.');
        return (run) => flat(valueNamed(indexOf(run).config, names));
      }
      case 'series':
        return (run) => pairOf(indexOf(run).series, name);
      case 'result':
        return (run) => pairOf(indexOf(run).results, name);
      default:
        return fixedNamed(key) ?? (() => null);
    }
  }

  #sorted(runs: readonly RunSummary[], { sort, descending }: TableQuery): RunSummary[] {
    const read = this.#column(sort);
    const sign = descending ? -1 : 1;
    const keyed = runs.map((run) => ({ run, value: sortKey(read(run)) }));
    keyed.sort(
      (a, b) => order(a.value, b.value, sign) || b.run.createdAt - a.run.createdAt || (a.run.runId < b.run.runId ? 1 : -1),
    );
    return keyed.map(({ run }) => run);
  }

  /** Groups in the order of their first runs, each followed by its runs unless it is folded. Runs without a group come last. */
  #grouped(runs: readonly RunSummary[], by: Grouping, folded: ReadonlySet<string>): (GroupRow | RunSummary)[] {
    const of = this.#keysOf(by);
    const groups = new Map<string, RunSummary[]>();
    for (const run of runs)
      for (const key of of(run)) {
        const members = groups.get(key);
        if (members) members.push(run);
        else groups.set(key, [run]);
      }
    const outside = groups.get('') ?? [];
    groups.delete('');
    if (outside.length > 0) groups.set('', outside);
    const title = this.#titles(by);
    return [...groups].flatMap(([key, members]) => {
      const heading: GroupRow = {
        kind: 'group',
        key,
        title: title(key),
        runs: members.length,
        running: members.filter((r) => r.status === 'running').length,
        folded: folded.has(key),
      };
      return heading.folded ? [heading] : [heading, ...members];
    });
  }

  #keysOf(by: Grouping): (run: RunSummary) => readonly string[] {
    switch (by) {
      case 'project':
        return (r) => [r.project];
      case 'group':
        return (r) => [r.group ?? ''];
      case 'sweep':
        return (r) => [indexOf(r).jobType === sweepJob && r.group !== undefined ? r.group : ''];
      case 'tag':
        return (r) => (r.tags.length > 0 ? r.tags : ['']);
      case 'family': {
        const parents = new Map<string, string>();
        for (const r of this.deps.runs()) if (r.parent) parents.set(r.runId, r.parent.runId);
        const withBranches = new Set(parents.values());
        const root = (id: string): string => {
          const seen = new Set<string>();
          let at = id;
          for (let up = parents.get(at); up !== undefined && !seen.has(up); up = parents.get(at)) {
            seen.add(up);
            at = up;
          }
          return at;
        };
        return (r) => [r.parent || withBranches.has(r.runId) ? root(r.runId) : ''];
      }
      case 'none':
        return () => [''];
    }
  }

  #titles(by: Grouping): (key: string) => string {
    if (by === 'family') {
      const names = new Map<string, string>();
      for (const r of this.deps.runs()) names.set(r.runId, r.name);
      return (key) => (key === '' ? 'Without branches' : (names.get(key) ?? key));
    }
    const none: Partial<Record<Grouping, string>> = { group: 'Without a group', tag: 'Without a tag', sweep: 'In no sweep' };
    return (key) => (key === '' ? (none[by] ?? key) : key);
  }

  #look(): Known {
    const now = this.deps.elapsed();
    if (this.#known && now - this.#known.at < catalogMs) return this.#known;
    const known: Known = {
      at: now,
      runs: 0,
      settings: new Map(),
      series: new Map(),
      results: new Map(),
      aliases: new Map(),
      titles: new Map(),
    };
    const add = (to: Map<string, number>, name: string) => to.set(name, (to.get(name) ?? 0) + 1);
    for (const run of this.deps.runs()) {
      known.runs++;
      const { config, series, results } = indexOf(run);
      walk(config, [], '', (path, names) => {
        const setting = known.settings.get(path);
        if (setting) setting.runs++;
        else known.settings.set(path, { names: [...names], runs: 1 });
      });
      for (const [name] of series) add(known.series, name);
      for (const [name] of results) add(known.results, name);
    }
    for (const recipe of this.deps.recipes())
      for (const { path, title, annotations } of fieldsOf(recipe.schema)) {
        known.titles.set(path, known.titles.has(path) && known.titles.get(path) !== title ? path : title);
        const flag = annotations['x-flag']?.toLowerCase();
        if (flag) known.aliases.set(flag, [...(known.aliases.get(flag) ?? []), path]);
      }
    this.#known = known;
    return known;
  }

  #presetOf({ schema, presets }: KnownRecipe): ReadonlyMap<string, string> {
    const made = this.#presets.get(schema) ?? new Map(valuesOf(presets[0]!.config).map(([p, v]) => [p, JSON.stringify(v)]));
    this.#presets.set(schema, made);
    return made;
  }
}

/** The settings that differ, then the result that says how good a run is. */
function chosenAtFirst({ settings, results }: SweepAnswer['offered']): string[] {
  const [result] = results;
  return [...settings.slice(0, axesAtFirst).map((c) => c.key), ...(result ? [result.key] : [])];
}

/** Every value of a config, with its path. */
function walk(config: Config, names: string[], prefix: string, visit: (path: string, names: readonly string[]) => void): void {
  for (const [name, value] of Object.entries(config)) {
    names.push(name);
    if (typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0)
      walk(value, names, `${prefix}${name}.`, visit);
    else visit(prefix + name, names);
    names.pop();
  }
}

function onShelf(run: RunSummary, show: TableQuery['show']): boolean {
  if (run.trashed !== (show === 'trash')) return false;
  if (show !== 'trash' && run.archived !== (show === 'archived')) return false;
  if (show === 'active') return !ended(run.status);
  return show !== 'ended' || ended(run.status);
}

const texts = new WeakMap<RunSummary, string>();

/** The text that a word is searched in. */
function textOf(run: RunSummary): string {
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

const ordering: ReadonlySet<Operator> = new Set<Operator>(['<', '<=', '>', '>=']);

function holds(value: Value, operator: Operator, wanted: { text: string; number: number | null }): boolean {
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
function momentOf(text: string): number | null {
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : at;
}

/** Numbers and texts are compared as they are; lists as text. */
const flat = (value: Json | undefined): Value =>
  value === undefined || value === null || typeof value !== 'object' ? value : bare(value);

const cellOf = (value: Value): Cell => (value === undefined ? null : Array.isArray(value) ? [...value] : (value as Cell));

const pairOf = (pairs: readonly (readonly [string, number])[], name: string): number | undefined =>
  pairs.find(([n]) => n === name)?.[1];

/** Missing values and NaN come last in either direction. Numbers come before texts. */
function order(a: Value, b: Value, sign: number): number {
  const none = (v: Value) => v === undefined || v === null || Number.isNaN(v);
  if (none(a) || none(b)) return Number(none(a)) - Number(none(b));
  if (typeof a === 'number' && typeof b === 'number') return a === b ? 0 : sign * (a < b ? -1 : 1);
  if (typeof a === 'number' || typeof b === 'number') return typeof a === 'number' ? -1 : 1;
  return a === b ? 0 : sign * (String(a) < String(b) ? -1 : 1);
}

/**
 * Texts are compared without case, numbers in them by value. A key is made once for each line: a collator in the comparison took
 * ten times as long.
 */
const sortKey = (value: Value): Value =>
  typeof value === 'string' ? value.toLowerCase().replace(/\d+/g, (digits) => digits.padStart(16, '0')) : value;

/** The settings that differ from the recipe's first preset; empty without a preset. */
function changedOf(run: RunSummary, preset: ReadonlyMap<string, string> | undefined): { path: string; text: string }[] {
  if (!preset) return [];
  return valuesOf(indexOf(run).config).flatMap(([path, value]) => {
    if (path === 'seed' || preset.get(path) === JSON.stringify(value)) return [];
    return [{ path, text: `${path.split('.').at(-1)} ${bare(value)}` }];
  });
}
