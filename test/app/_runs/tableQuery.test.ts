import { describe, expect, it } from 'vitest';
import { defaultQuery, fromParams, shelves, sortedBy, sortKeys, tagsOf, toParams, visibleRuns } from '~/app/_runs/tableQuery';
import { emptyView } from '~/shared/fold';
import { type RunSummary, summarize } from '~/shared/summary';
import { publishedSetup } from '../../support/setups';

const run = (runId: string, more: Partial<RunSummary> = {}): RunSummary => ({
  ...summarize(
    emptyView(runId, {
      seq: 1,
      attempt: 0,
      at: 100,
      event: {
        type: 'run.created',
        setup: publishedSetup('reverse'),
        actor: { id: 'ann', name: 'Ann', role: 'admin' },
        parent: null,
      },
    }),
    0,
  ),
  ...more,
});
const runs = [
  run('aaaaaa', { name: 'Clip 10', createdAt: 1, status: 'finished', loss: 0.5, tags: ['paper'] }),
  run('bbbbbb', { name: 'Clip 2', createdAt: 2, status: 'running', loss: Number.NaN, backend: 'wasm' }),
  run('cccccc', { name: 'Anomaly', createdAt: 3, recipe: 'anomaly', status: 'paused', loss: null }),
  run('dddddd', { name: 'Old', createdAt: 4, status: 'stopped', loss: 0.1, archived: true }),
  run('eeeeee', { name: 'Gone', createdAt: 5, status: 'failed', loss: 0, archived: true, trashed: true }),
];
const ids = (query: Partial<typeof defaultQuery>) => visibleRuns(runs, { ...defaultQuery, ...query }).map((r) => r.runId[0]);

describe('the table of runs', () => {
  it('shows what is neither archived nor in the trash, newest first', () => expect(ids({})).toEqual(['c', 'b', 'a']));
  it('has shelves', () => {
    expect(ids({ show: 'active' })).toEqual(['c', 'b']);
    expect(ids({ show: 'ended' })).toEqual(['a']);
    expect(ids({ show: 'archived' })).toEqual(['d']);
    expect(ids({ show: 'trash' })).toEqual(['e']);
  });
  it('every word searched for must occur somewhere', () => {
    expect(ids({ search: 'clip' })).toEqual(['b', 'a']);
    expect(ids({ search: 'CLIP wasm' })).toEqual(['b']);
    expect(ids({ search: 'paper ann' })).toEqual(['a']);
    expect(ids({ search: 'nothing' })).toEqual([]);
  });
  it('numbers in names sort as numbers; what has no number comes last both ways', () => {
    expect(ids({ sort: 'name', descending: false })).toEqual(['c', 'b', 'a']);
    expect(ids({ sort: 'loss', descending: false })).toEqual(['a', 'c', 'b']);
    expect(ids({ sort: 'loss', descending: true })).toEqual(['a', 'c', 'b']);
  });
  it('sorting by any column loses no run', () => {
    for (const sort of sortKeys) expect(ids({ sort, descending: false }).toSorted()).toEqual(['a', 'b', 'c']);
  });
  it('is untouched by sorting: the list it was given stays as it was', () => {
    ids({ sort: 'name' });
    expect(runs.map((r) => r.runId[0]).join('')).toBe('abcde');
  });
});

it('tags are separated by commas, each once, and a long one is named', () => {
  expect(tagsOf(' paper, clip 5,,paper ')).toEqual({ ok: true, tags: ['paper', 'clip 5'] });
  expect(tagsOf('')).toEqual({ ok: true, tags: [] });
  expect(tagsOf('x'.repeat(41))).toEqual({ ok: false, message: `Tags: "${'x'.repeat(41)}" has 41 characters; 40 is the most` });
});

it('search, shelf and order come back from the address; what makes no sense is left at its default', () => {
  expect(toParams(defaultQuery)).toBe('');
  for (const show of shelves)
    for (const sort of sortKeys)
      for (const descending of [true, false]) {
        const query = { search: 'a&b = c', show, sort, descending };
        expect(fromParams(toParams(query))).toEqual(query);
      }
  expect(fromParams('show=none&sort=nothing&order=sideways')).toEqual(defaultQuery);
});

describe('sorting and what is shown', () => {
  it('a click on a column turns it round, on another begins with what people want first', () => {
    const loss = sortedBy(defaultQuery, 'loss');
    expect([loss.sort, loss.descending]).toEqual(['loss', false]);
    expect(sortedBy(loss, 'loss').descending).toBe(true);
    expect(sortedBy(loss, 'best').descending).toBe(true);
    expect(sortedBy(loss, 'name').descending).toBe(false);
  });

  it('a run that is no more is shown nowhere; the newest note is searched', () => {
    const runs = [run('gone', { gone: true }), run('noted', { notes: { open: 1, newest: 'diverged after warm-up' } })];
    expect(shelves.flatMap((show) => visibleRuns([runs[0]!], { ...defaultQuery, show }))).toEqual([]);
    expect(visibleRuns(runs, { ...defaultQuery, search: 'WARM-UP' }).map((r) => r.runId)).toEqual(['noted']);
  });
});
