/** What a view says of what its trainer records: rows, evaluations, checkpoints. */
import { expect, it } from 'vitest';
import { mostSplits } from '~/shared/view';
import { at, evaluated, itChanges, rows, running, saved, viewAfter } from '~/test/support/viewEntries';

itChanges([
  ['rows come', running, rows(0, 3, 1, 2), { step: 3, bestRow: { name: 'loss', step: 1, value: 1 } }],
  ['rows of earlier steps come', [...running, rows(5, 1)], rows(2, 4), {}],
  ['its first rows are below 0', running, rows(-5, 1, 2), { step: -3, bestRow: { name: 'loss', step: -5, value: 1 } }],
  ['rows come after such', [...running, rows(-5, 1)], rows(-2, 4), { step: -1 }],
  ['rows up to step -1 are there, and earlier ones come', [...running, rows(-2, 1, 2)], rows(-5, 4), {}],
  [
    'a stream is declared',
    running,
    { type: 'series', stream: 'more', columns: [{ name: 'a' }, { name: 'b' }] },
    { streamCount: 3, columnCount: 4 },
  ],
  ['a stream is declared again', running, { type: 'series', stream: 'train', columns: [{ name: 'loss', unit: 'nats' }] }, {}],
  [
    'it goes back by itself',
    [...running, rows(0, 3, 1, 2), saved(1, 'c'), saved(3, 'd')],
    { type: 'rewind', step: 3 },
    { lastCheckpoint: at(1, 'c', 8) },
  ],
  [
    'it goes back by itself before its best row',
    [...running, rows(0, 3, 1, 2), saved(1, 'c')],
    { type: 'rewind', step: 1 },
    { step: 1, bestRow: null, lastCheckpoint: null },
  ],
  ['it goes back to where it is', [...running, rows(0, 3, 1, 2)], { type: 'rewind', step: 9 }, {}],
  [
    'a set is evaluated',
    running,
    evaluated(0, 'dev', 1),
    {
      latestEvaluations: [{ ...evaluated(0, 'dev', 1), seq: 5, at: 1004 }],
      best: { ...evaluated(0, 'dev', 1), seq: 5, at: 1004 },
    },
  ],
  [
    'a set is evaluated again, worse',
    [...running, evaluated(0, 'dev', 1), evaluated(0, 'test', 1, false)],
    evaluated(2, 'dev', 2),
    {
      step: 2,
      latestEvaluations: [
        { ...evaluated(0, 'test', 1, false), seq: 6, at: 1005 },
        { ...evaluated(2, 'dev', 2), seq: 7, at: 1006 },
      ],
    },
  ],
  ['a checkpoint is saved', running, saved(3, 'c'), { step: 3, lastCheckpoint: at(3, 'c', 5) }],
  [
    'checkpoints are deleted',
    [...running, saved(3, 'c'), { type: 'checkpoints.thinned', quotaBytes: 1, seqs: [5], message: '' }],
    { type: 'checkpoints.thinned', quotaBytes: 1, seqs: [7, 8], message: '' },
    { checkpointsThinned: 3 },
  ],
  [
    'events are set aside',
    running,
    { type: 'alert', step: 0, level: 'info', kind: 'set-aside', message: '', count: 4 },
    { setAside: 4 },
  ],
  ['events are set aside, uncounted', running, { type: 'alert', step: 0, level: 'info', kind: 'set-aside', message: '' }, {}],
  ['another alert is counted', running, { type: 'alert', step: 0, level: 'info', kind: 'disk', message: '', count: 4 }, {}],
  ['its process prints', running, { type: 'console', stream: 'out', text: 'hello\n' }, { console: { lastSeq: 5 } }],
]);

it('the newest evaluations are those of the newest sets', () => {
  const all = Array.from({ length: mostSplits + 2 }, (_, i) => evaluated(0, `set ${i}`, i));
  expect(viewAfter(...running, ...all).latestEvaluations.map((e) => e.split)).toEqual(
    all.slice(2).map((e) => (e as { split: string }).split),
  );
});
