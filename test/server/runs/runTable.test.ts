import { describe, expect, it } from 'vitest';
import { RunTable } from '~/server/runs/runTable';
import type { KnownRecipe } from '~/shared/recipes';
import { type Grouping, shelves, type TableQuery } from '~/shared/runTable';
import type { RunSummary } from '~/shared/summary';
import { runLine } from '~/test/support/runLines';
import { configOf, publishedSetup, recipeNamed } from '~/test/support/setups';

const config = (changes: object) => ({ ...configOf(publishedSetup('reverse')), ...changes }) as never;
const withRate = (learningRate: number) =>
  config({ optimizer: { ...configOf(publishedSetup('reverse')).optimizer, learningRate } });
const runs = [
  runLine('aaaaaa', { name: 'Clip 10', createdAt: 1, status: 'finished', loss: 0.5, tags: ['paper'], group: 'clips' }),
  runLine('bbbbbb', { name: 'Clip 2', createdAt: 2, status: 'running', loss: Number.NaN, backend: 'wasm', group: 'clips' }),
  runLine(
    'cccccc',
    { name: 'Anomaly', createdAt: 3, recipe: 'anomaly', status: 'paused', loss: null },
    { config: { odd: { a: 1 } } },
  ),
  runLine('dddddd', { name: 'Old', createdAt: 4, status: 'stopped', loss: 0.1, archived: true }),
  runLine('eeeeee', { name: 'Gone', createdAt: 5, status: 'failed', loss: 0, archived: true, trashed: true }),
];
const recipes: KnownRecipe[] = [{ ...recipeNamed('reverse').spec, trainers: [] }];
const tableOf = (
  lines: readonly RunSummary[],
  range: (query: { runId: string }) => Promise<unknown> = () => Promise.reject(new Error('not here')),
) =>
  new RunTable({
    runs: () => lines,
    recipes: () => recipes,
    store: { range: (query) => range(query) as never },
    elapsed: () => 0,
  });

const all: TableQuery = { search: '', show: 'all', sort: 'createdAt', descending: true, group: 'none' };
const page = (
  lines: readonly RunSummary[],
  query: Partial<TableQuery & { columns: string[]; folded: string[]; skip: number; limit: number }>,
) => tableOf(lines).page({ ...all, columns: [], folded: [], skip: 0, limit: 100, ...query });
const shown = (query: Partial<TableQuery>, lines: readonly RunSummary[] = runs) =>
  page(lines, query).page.map((line) => (line.kind === 'run' ? line.run.runId[0] : `[${line.title} ${line.runs}]`));

describe('the table of runs', () => {
  it('shows what is neither archived nor in the trash, newest first', () => expect(shown({})).toEqual(['c', 'b', 'a']));

  it('has shelves', () => {
    expect(shown({ show: 'active' })).toEqual(['c', 'b']);
    expect(shown({ show: 'ended' })).toEqual(['a']);
    expect(shown({ show: 'archived' })).toEqual(['d']);
    expect(shown({ show: 'trash' })).toEqual(['e']);
  });

  it('every word searched for must occur somewhere', () => {
    expect(shown({ search: 'clip' })).toEqual(['b', 'a']);
    expect(shown({ search: 'CLIP wasm' })).toEqual(['b']);
    expect(shown({ search: 'paper ann' })).toEqual(['a']);
    expect(shown({ search: 'clip -paper' })).toEqual(['b']);
    expect(shown({ search: 'nothing' })).toEqual([]);
  });

  it('sorted by fit, a run that the search names comes before newer ones in which something else has its words', () => {
    const lines = [
      runLine('aaaaaa', { name: 'Reverse', createdAt: 1, recipe: 'reverse' }),
      runLine('bbbbbb', { name: 'Reverse, wide', createdAt: 2, recipe: 'reverse' }),
      runLine('cccccc', { name: 'not Reverse', createdAt: 3, recipe: 'reverse' }),
      runLine('dddddd', { name: 'first', createdAt: 4, recipe: 'reverse' }),
      runLine('eeeeee', { name: 'second', createdAt: 5, recipe: 'reverse' }),
    ];
    const found = (search: string) => shown({ search, sort: 'fit', descending: false }, lines);
    expect(found('reverse')).toEqual(['a', 'b', 'c', 'e', 'd']);
    expect(found('recipe=reverse reverse -tag:old')).toEqual(['a', 'b', 'c', 'e', 'd']);
    expect(found('not reverse')).toEqual(['c']);
    expect(found('recipe=reverse')).toEqual(['e', 'd', 'c', 'b', 'a']);
  });

  it('the newest note is searched', () => {
    const noted = [runLine('noted1', { notes: { open: 1, newest: 'diverged after warm-up' } })];
    expect(shown({ search: 'WARM-UP' }, noted)).toEqual(['n']);
  });

  it('a term asks one field: a fixed one, a setting by its path, its last part or its flag, a series, a result', () => {
    const lines = [
      runLine(
        'aaaaaa',
        { createdAt: 1 },
        { config: withRate(1e-3), series: [['val/loss', 2]], results: [['test accuracy', 0.9]] },
      ),
      runLine('bbbbbb', { createdAt: 2 }, { config: withRate(1e-5), series: [['val/loss', Number.NaN]], results: [] }),
    ];
    for (const search of [
      'optimizer.learningRate>1e-4',
      'learningrate>1e-4',
      'lr>1e-4',
      'lr=0.001',
      'val/loss<3',
      '"test accuracy">=0.9',
      '-val/loss:nan',
      'id:aaa',
    ])
      expect([search, shown({ search }, lines)]).toEqual([search, ['a']]);
    expect(shown({ search: 'val/loss=nan' }, lines)).toEqual(['b']);
    expect(shown({ search: 'status:queued,running recipe=reverse' }, lines)).toEqual(['b', 'a']);
    expect(shown({ search: 'created>1970-01-01 created<2' }, lines)).toEqual(['a']);
  });

  it('a term that names nothing, or compares with no number, is said in words and nothing fits', () => {
    expect(page(runs, { search: 'no-such-thing>3' })).toMatchObject({
      runs: 0,
      problems: ['no-such-thing: no run has a field, a setting or a number of this name'],
    });
    expect(page(runs, { search: 'step>many' })).toMatchObject({ runs: 0, problems: ['step>many: a number is needed after >'] });
  });

  it('names that users chose are data: a setting called constructor or __proto__ is found only where it is', () => {
    const odd = JSON.parse('{"__proto__": 5, "constructor": {"x": 7}}');
    const lines = [runLine('aaaaaa', { createdAt: 1 }, { config: odd }), runLine('bbbbbb', { createdAt: 2 }, { config: {} })];
    expect(shown({ search: '__proto__=5' }, lines)).toEqual(['a']);
    expect(shown({ search: 'constructor.x>6' }, lines)).toEqual(['a']);
    expect(page(lines, { search: 'toString:x' }).problems).toEqual([]);
  });

  it('numbers in names sort as numbers; what has no number comes last both ways, and so does NaN', () => {
    expect(shown({ sort: 'name', descending: false })).toEqual(['c', 'b', 'a']);
    expect(shown({ sort: 'loss', descending: false })).toEqual(['a', 'c', 'b']);
    expect(shown({ sort: 'loss', descending: true })).toEqual(['a', 'c', 'b']);
  });

  it('sorting by any column loses no run, also by one that there is not', () => {
    for (const sort of [
      'name',
      'status',
      'step',
      'best',
      'watchers',
      'config.seed',
      'series.loss',
      'result.x',
      'nothing',
      'config.',
    ])
      expect([sort, shown({ sort }).toSorted()]).toEqual([sort, ['a', 'b', 'c']]);
  });

  it('groups come with their headings and numbers, those outside of any last; a folded group is its heading', () => {
    expect(shown({ group: 'group' })).toEqual(['[clips 2]', 'b', 'a', '[Without a group 1]', 'c']);
    expect(shown({ group: 'tag' })).toEqual(['[paper 1]', 'a', '[Without a tag 2]', 'c', 'b']);
    expect(shown({ group: 'project' })).toEqual(['[default 3]', 'c', 'b', 'a']);
    const folded = page(runs, { group: 'group', folded: ['clips'] });
    expect([folded.lines, folded.runs, folded.page[0]]).toEqual([
      3,
      3,
      { kind: 'group', key: 'clips', title: 'clips', runs: 2, running: 1, folded: true },
    ]);
  });

  it('a run with two tags stands under both', () => {
    const lines = [runLine('aaaaaa', { tags: ['x', 'y'] })];
    expect(shown({ group: 'tag' }, lines)).toEqual(['[x 1]', 'a', '[y 1]', 'a']);
    expect(page(lines, { group: 'tag' }).runs).toBe(1);
  });

  it('a family is a run with all that branched from it, also when a parent is gone or a circle was imported', () => {
    const parent = (runId: string) => ({ runId, step: 1, checkpoint: null });
    const lines = [
      runLine('aaaaaa', { name: 'Root', createdAt: 1 }),
      runLine('bbbbbb', { createdAt: 2, parent: parent('aaaaaa') }),
      runLine('cccccc', { createdAt: 3, parent: parent('bbbbbb') }),
      runLine('dddddd', { createdAt: 4 }),
      runLine('ffffff', { createdAt: 5, parent: parent('ffffff') }),
    ];
    expect(shown({ group: 'family' as Grouping }, lines)).toEqual([
      `[${lines[4]!.name} 1]`,
      'f',
      '[Root 3]',
      'c',
      'b',
      'a',
      '[Without branches 1]',
      'd',
    ]);
  });

  it('a sweep is a group of runs whose job says so', () => {
    const lines = [
      runLine('aaaaaa', { createdAt: 1, group: 'lr' }, { jobType: 'sweep' }),
      runLine('bbbbbb', { createdAt: 2, group: 'lr' }),
    ];
    expect(shown({ group: 'sweep' }, lines)).toEqual(['[lr 1]', 'a', '[In no sweep 1]', 'b']);
  });

  it('a page holds its part, with the cells asked for, what was changed from the preset, and without the index', () => {
    const lines = [runLine('aaaaaa', { createdAt: 1 }, { config: withRate(0.25), series: [['loss', Infinity]] }), ...runs];
    const answer = page(lines, { columns: ['config.optimizer.learningRate', 'series.loss', 'config.none'], skip: 3, limit: 1 });
    expect([answer.lines, answer.runs, answer.from, answer.page.length]).toEqual([4, 4, 3, 1]);
    const [line] = answer.page;
    expect(line).toMatchObject({
      kind: 'run',
      cells: [0.25, Infinity, null],
      changed: [{ path: 'optimizer.learningRate', text: 'learningRate 0.25' }],
      changedMore: 0,
    });
    expect(line?.kind === 'run' && 'index' in line.run).toBe(false);
  });

  it('counts every run outside of the trash, and those that wait for a trainer', () => {
    const lines = [...runs, runLine('ffffff', { status: 'waiting' })];
    for (const show of shelves) expect(page(lines, { show, search: 'nothing' })).toMatchObject({ all: 5, waiting: 1 });
  });
});

it('the catalog counts the runs that have a setting, a series, a result, and knows the titles of the recipes', () => {
  const catalog = tableOf([
    runLine('aaaaaa', { group: 'g', tags: ['t'] }, { series: [['loss', 1]], results: [['test accuracy', 1]] }),
    runLine('bbbbbb', {}, { config: { seed: 1 }, series: [], results: [] }),
  ]).catalog();
  expect(catalog.settings[0]).toEqual({ key: 'config.seed', title: 'Seed', runs: 2 });
  expect(catalog.series).toEqual([{ key: 'series.loss', title: 'loss', runs: 1 }]);
  expect(catalog.results).toEqual([{ key: 'result.test accuracy', title: 'test accuracy', runs: 1 }]);
  expect([catalog.projects, catalog.groups, catalog.tags]).toEqual([['default'], ['g'], ['t']]);
});

it('the charts of a sweep begin with the settings that differ and the best result', () => {
  const best = (value: number) => ({ split: 'test', name: 'accuracy', value, share: true });
  const lines = [1e-3, 1e-4].map((rate, i) =>
    runLine(`aaaaa${i}`, { createdAt: i, best: best(i) }, { config: withRate(rate), series: [] }),
  );
  const answer = tableOf(lines).points({ ...all, columns: [] });
  expect(answer.columns).toEqual(['config.optimizer.learningRate', 'best']);
  expect(answer.points.map((p) => [p.runId, p.values])).toEqual([
    ['aaaaa1', [1e-4, 1]],
    ['aaaaa0', [1e-3, 0]],
  ]);
  expect(answer.leftOut).toBe(0);
});

it('the charts of a sweep begin with what most of the runs have, in place of what a few have', () => {
  const best = { split: 'test', name: 'accuracy', value: 1, share: true };
  const lines = [0, 1, 2].map((i) =>
    runLine(
      `aaaaa${i}`,
      { createdAt: i, loss: i, ...(i === 0 && { best }) },
      { config: i === 0 ? { rare: 1, rate: i } : { rate: i }, series: [] },
    ),
  );
  const { columns, offered } = tableOf(lines).points({ ...all, columns: [] });
  // An axis with one value tells nothing; it can still be chosen.
  expect(columns).toEqual(['config.rate', 'loss']);
  expect(offered.settings.map((c) => c.key)).toEqual(['config.rare', 'config.rate']);
});

it('the time a run takes is that of the finished one most like it, the seed aside; none is like it enough: nothing is said', () => {
  const lines = [
    runLine('aaaaaa', { name: 'Same', createdAt: 1, status: 'finished' }, { config: config({ seed: 9 }), tookMs: 60_000 }),
    runLine('bbbbbb', { name: 'Near', createdAt: 2, status: 'finished' }, { config: withRate(1), tookMs: 90_000 }),
    runLine('cccccc', { name: 'Not finished', createdAt: 3 }, { config: config({}), tookMs: null }),
  ];
  const estimate = (asked: never) => tableOf(lines).estimate('reverse', asked);
  expect(estimate(config({}))).toMatchObject({ ms: 60_000, name: 'Same', differs: [] });
  expect(estimate(withRate(1))).toMatchObject({ ms: 90_000, name: 'Near', differs: [] });
  expect(estimate(withRate(2))).toMatchObject({ name: 'Near', differs: ['Learning rate'] });
  expect(estimate({ a: 1, b: 2, c: 3, d: 4 } as never)).toBe(null);
});

it('a sparkline begins where the rows do, below step 0 too', async () => {
  const asked: object[] = [];
  const table = tableOf([runLine('aaaaaa', {}, { main: 'loss' })], (query) => {
    asked.push(query);
    return Promise.resolve({ headStep: 0, series: [] });
  });
  await table.sparklines([runLine('aaaaaa', { step: -50 }, { main: 'loss' })]);
  expect(asked).toMatchObject([{ fromStep: Number.MIN_SAFE_INTEGER, toStep: null }]);
});

it('a sparkline is read once while the run stands still, and again after it failed', async () => {
  const run = runLine('aaaaaa', { step: 2 }, { main: 'loss' });
  let asked = 0;
  const table = tableOf([run], () => {
    asked++;
    if (asked === 1) return Promise.reject(new Error('busy'));
    const loss = {
      name: 'loss',
      steps: [0, 2, 4],
      sum: [5, 3, 4],
      last: [3, Number.NaN, 1],
      rows: [2, 2, 2],
      nonFinite: [0, 1, 0],
    };
    return Promise.resolve({ headStep: 2, series: [loss] });
  });
  await expect(table.sparklines([run])).rejects.toThrow('busy');
  // Averages, and where something is not finite the last value as it is.
  const line = { runId: 'aaaaaa', name: 'loss', steps: [0, 2, 4], values: [2.5, Number.NaN, 2] };
  expect(await table.sparklines([run])).toEqual([line]);
  expect(await table.sparklines([run])).toEqual([line]);
  expect(asked).toBe(2);
  expect(await table.sparklines([runLine('bbbbbb', {}, { main: null })])).toEqual([]);
});
