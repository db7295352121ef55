import { describe, expect, it } from 'vitest';
import type { Evaluation, RunEvent } from '~/shared/events';
import { emptyView, fold } from '~/shared/fold';
import type { Actor } from '~/shared/ids';
import { sentSummary, summarize } from '~/shared/summary';
import type { RunView } from '~/shared/view';
import { publishedSetup } from '~/test/support/setups';

const ada: Actor = { id: 'u1', name: 'Ada', role: 'operator' };
const setup = publishedSetup('reverse', {}, { name: 'night', project: 'p', tags: ['a'] });

function viewAfter(created: object, ...events: RunEvent[]): RunView {
  const first = { type: 'run.created', setup, actor: ada, parent: null, ...created } as RunEvent;
  let view = emptyView('run001', { seq: 1, attempt: 0, at: 1000, event: first });
  for (const event of events) view = fold(view, { seq: view.seq + 1, attempt: 1, at: 1000 + 10 * view.seq, event });
  return view;
}
const declare = (stream: string, ...columns: object[]): RunEvent => ({ type: 'series', stream, columns }) as RunEvent;
const rows = (stream: string, step: number, ...values: number[]): RunEvent => ({
  ...{ type: 'rows', stream, steps: { first: step, count: 1 } },
  values: Float64Array.from(values),
});
const evaluated = (split: string, ...metrics: Evaluation['metrics']): RunEvent => ({
  ...{ type: 'evaluation', step: 3, split, metrics, trigger: 'cadence', commandId: null },
});
const status = (to: 'running' | 'finished' | 'stopped'): RunEvent => ({ type: 'status', status: to, step: 3, message: '' });
const note = (id: string, text: string): RunEvent => ({
  ...{ type: 'note', actor: ada },
  note: { kind: 'add', id, anchor: { step: 0, chart: null, head: null }, text, replyTo: null },
});

describe('the line of a run in the list', () => {
  it('says of a new run what its setup says, and leaves out what it does not have', () => {
    expect(summarize(viewAfter({}), 2)).toStrictEqual({
      ...{
        runId: 'run001',
        name: 'night',
        project: 'p',
        recipe: 'reverse',
        data: null,
        status: 'queued',
        step: 0,
        totalSteps: 0,
      },
      ...{ loss: null, accuracy: null, best: null, evaluated: null, createdAt: 1000, updatedAt: 1000, createdBy: ada },
      ...{ backend: null, parent: null, tags: ['a'], archived: false, trashed: false, queuePosition: 1000, watchers: 2 },
      index: { config: setup.config, jobType: null, main: null, series: [], results: [], tookMs: null },
    });
  });

  it('names its group, its origin, its key, its notes and its open commands, where it has any', () => {
    const command = { kind: 'set', id: 'command1', runId: 'run001', control: 'rate', value: 1 } as const;
    const parent = { runId: 'run000', step: 1, checkpoint: null };
    const view = viewAfter(
      { setup: { ...setup, group: 'g', jobType: 'sweep', recipe: null }, parent, copyOf: 'run9', change: 'rate 5', openKey: 'k' },
      note('note-0', 'zeroth'),
      note('note-1', 'first'),
      note('note-2', `${'x'.repeat(200)}y`),
      { type: 'note', actor: ada, note: { kind: 'resolve', id: 'note-1', resolved: true } },
      { type: 'command.requested', actor: ada, command },
      { type: 'run.queued', actor: ada, position: 5 },
    );
    expect(summarize(view, 0)).toMatchObject({
      ...{ group: 'g', recipe: null, parent, copyOf: 'run9', branchChange: 'rate 5', openKey: 'k', openCommands: 1 },
      ...{ notes: { open: 2, newest: 'x'.repeat(200) }, queuePosition: 5, index: { jobType: 'sweep' } },
    });
  });

  it('is sent without its index', () => {
    const summary = summarize(viewAfter({}), 0);
    expect({ ...sentSummary(summary), index: summary.index }).toEqual(summary);
    expect('index' in sentSummary(summary)).toBe(false);
  });

  it('has the newest loss and accuracy', () => {
    const columns = [{ name: 'x' }, { name: 'nll', role: 'loss' }, { name: 'top1', role: 'accuracy' }];
    expect(summarize(viewAfter({}, declare('s', ...columns), rows('s', 0, 7, 2, 0.5)), 0)).toMatchObject({
      loss: 2,
      accuracy: 0.5,
    });
  });

  it('names what computes it: its backend, else its device', () => {
    const started = (device: object) =>
      viewAfter({}, { type: 'started', step: 0, device, controls: { values: [], actions: [] }, values: {} } as RunEvent);
    expect([{ backend: 'wasm', device: 'CPU' }, { device: 'H100' }].map((d) => summarize(started(d), 0).backend)).toEqual([
      'wasm',
      'H100',
    ]);
  });
});

describe('the number that says how good a run is', () => {
  const score = (value: number, role?: 'accuracy') => ({ name: 'score', value, main: true, ...(role && { role }) });
  const results = (...events: RunEvent[]) => {
    const { best, evaluated: newest } = summarize(viewAfter({}, ...events), 0);
    return [best, newest];
  };

  it('is that of its evaluations, the best and the newest', () => {
    expect(results(evaluated('dev', score(0.3)), evaluated('test', score(0.5)))).toEqual([
      { split: 'dev', name: 'score', value: 0.3, share: false },
      { split: 'test', name: 'score', value: 0.5, share: false },
    ]);
    expect(results(evaluated('dev', score(0.3, 'accuracy')))[0]).toEqual({
      split: 'dev',
      name: 'score',
      value: 0.3,
      share: true,
    });
  });

  it('is that of its main series where no evaluation has one; a share where it is an accuracy without a unit', () => {
    const main = (more: object) => declare('train', { name: 'acc', main: true, better: 'higher', ...more });
    const share = [rows('train', 0, 0.5), rows('train', 1, 0.4)];
    expect(results(main({ role: 'accuracy' }), ...share)).toEqual([
      { split: null, name: 'acc', value: 0.5, share: true },
      { split: null, name: 'acc', value: 0.4, share: true },
    ]);
    expect(results(main({ role: 'accuracy', unit: '%' }), ...share)[0]).toMatchObject({ share: false });
    expect(results(main({}), ...share)[0]).toMatchObject({ share: false });
    expect(results(main({}), ...share, evaluated('dev', score(7)))).toMatchObject([{ split: 'dev' }, { split: 'dev' }]);
    expect(results(main({}), ...share, { type: 'rewind', step: 1 })).toEqual([
      { split: null, name: 'acc', value: 0.5, share: false },
      null,
    ]);
  });
});

describe('the index of a run', () => {
  const index = (...events: RunEvent[]) => summarize(viewAfter({}, ...events), 0).index!;

  it('names the series that shows how it goes: the main one, else its loss, else its accuracy', () => {
    const [plain, loss, accuracy, main] = [
      { name: 'x' },
      { name: 'l', role: 'loss' },
      { name: 'a', role: 'accuracy' },
      { name: 'm', main: true },
    ];
    expect(
      [[plain, accuracy, loss, main], [plain, accuracy, loss], [plain, accuracy], [plain]].map(
        (c) => index(declare('s', ...c)).main,
      ),
    ).toEqual(['m', 'l', 'a', null]);
  });

  it('has the newest values of the first 64 series, without norms of single parameters and numbers of the machine', () => {
    const many = Array.from({ length: 64 }, (_, i) => ({ name: `x${i}` }));
    const values = many.map((_, i) => i);
    const hidden = [
      { name: 'norm of w', role: 'gradNormOf', of: 'w' },
      { name: 'memory', group: 'system' },
    ];
    const { series, results } = index(
      declare('silent', { name: 'none yet' }),
      declare('s', ...hidden, ...many),
      rows('s', 0, 7, 8, ...values),
    );
    expect(series).toEqual(many.slice(0, 63).map(({ name }, i) => [name, i]));
    expect(results).toEqual([]);
  });

  it('has the newest 64 results of its evaluations, by set and metric', () => {
    const metrics = Array.from({ length: 40 }, (_, i) => ({ name: `m${i}`, value: i }));
    const { results } = index(evaluated('dev', ...metrics), evaluated('test', ...metrics));
    expect(results).toEqual([
      ...metrics.slice(16).map((m) => [`dev ${m.name}`, m.value]),
      ...metrics.map((m) => [`test ${m.name}`, m.value]),
    ]);
  });

  it('has the time from the first start to the end of a finished run', () => {
    // Places 2 to 5: 1010, 1020, 1030, 1040.
    expect(index(status('running'), note('note-1', 'x'), status('running'), status('finished')).tookMs).toBe(30);
    expect(
      [index(status('running')), index(status('finished')), index(status('running'), status('stopped'))].map((i) => i.tookMs),
    ).toEqual([null, null, null]);
    // One that people made shorter or longer says nothing of another's time.
    const length = { name: 'epochs', role: 'epochs' } as RunView['controls']['values'][number];
    const finished = viewAfter({}, status('running'), status('finished'));
    const took = (changedBy: Actor | null) =>
      summarize(
        {
          ...finished,
          controls: { values: [length], actions: [] },
          values: { epochs: { value: 1, changedBy, changedAtStep: 0 } },
        },
        0,
      ).index?.tookMs;
    expect([took(null), took(ada)]).toEqual([10, null]);
  });
});
