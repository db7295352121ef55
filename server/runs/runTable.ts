/**
 * The list of runs as a table: searched (shared/runSearch.ts), sorted and grouped on the server, and read by pages. Works on the
 * lines that the hub holds in memory; only sparklines are read from the store.
 */
import type { Store } from '~/server/store';
import { fieldsOf } from '~/shared/recipeFields';
import type { KnownRecipe } from '~/shared/recipes';
import { numberOf, parseSearch, type SearchTerm, wordsOf } from '~/shared/runSearch';
import type {
  Catalog,
  Column,
  Estimate,
  GroupRow,
  Sparkline,
  SweepAnswer,
  TableLine,
  TablePage,
  TableQuery,
} from '~/shared/runTable';
import { valuesOf } from '~/shared/settings';
import { type Config, valueNamed } from '~/shared/setup';
import { type RunSummary, sentSummary } from '~/shared/summary';
import { estimate } from './runEstimate';
import { grouped } from './runGroups';
import {
  cellOf,
  changedOf,
  fixedNamed,
  flat,
  holds,
  indexOf,
  momentOf,
  nameFit,
  onShelf,
  order,
  ordering,
  pairOf,
  type Read,
  sortKey,
  textOf,
} from './runValues';
import { Sparklines } from './sparklines';
import { chosenAtFirst, mostPoints, offeredColumns } from './sweepColumns';

interface RunTableDeps {
  runs(): Iterable<RunSummary>;
  recipes(): readonly KnownRecipe[];
  store: Pick<Store, 'range'>;
  /** ms, from a monotonic clock. */
  elapsed(): number;
}

/** Age at which the catalog of settings, series and results is rebuilt. */
const catalogMs = 5_000;
/** Most changed settings in a line. */
const mostChanged = 4;
const mostSuggested = 200;

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

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
  readonly #sparklines: Sparklines;
  readonly #presets = new WeakMap<KnownRecipe['schema'], ReadonlyMap<string, string>>();
  constructor(private readonly deps: RunTableDeps) {
    this.#sparklines = new Sparklines(deps.store, () => deps.elapsed());
  }

  /** A page of the table. `columns` are keys of `catalog`; `folded` are keys of groups. */
  page(query: TableQuery & { columns: readonly string[]; folded: readonly string[]; skip: number; limit: number }): TablePage {
    const { kept, all, waiting, problems } = this.#fitting(query);
    const ordered = this.#sorted(kept, query);
    const lines: (GroupRow | RunSummary)[] =
      query.group === 'none' ? ordered : grouped(ordered, query.group, new Set(query.folded), () => this.deps.runs());
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
    const { varied, ...offered } = offeredColumns(kept, this.#look().titles);
    const columns = query.columns.length > 0 ? query.columns : chosenAtFirst(varied, offered.results, kept.length);
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

  /** How long such a run takes, judged by the most similar finished run; null when none is similar enough. */
  estimate(recipe: string, config: Config): Estimate | null {
    return estimate(this.deps.runs(), recipe, config, this.#look().titles);
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
  sparklines(runs: readonly RunSummary[]): Promise<Sparkline[]> {
    return this.#sparklines.of(runs);
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

  #sorted(runs: readonly RunSummary[], { search, sort, descending }: TableQuery): RunSummary[] {
    const read = this.#column(sort);
    const sign = descending ? -1 : 1;
    const words = wordsOf(search);
    const keyed = runs.map((run) => ({ run, value: sort === 'fit' ? nameFit(run.name, words) : sortKey(run, sort, read) }));
    keyed.sort(
      (a, b) => order(a.value, b.value, sign) || b.run.createdAt - a.run.createdAt || (a.run.runId < b.run.runId ? 1 : -1),
    );
    return keyed.map(({ run }) => run);
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
