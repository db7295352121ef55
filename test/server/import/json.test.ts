import { afterAll, describe, expect, it } from 'vitest';
import { ownFolder } from '~/test/support/folder';
import { readFiles, valuesIn } from '~/test/support/importing';

const folder = ownFolder();
afterAll(folder.remove);
const read = (text: string, name = 'x.json') => valuesIn(folder.path, { [name]: text });
const two = { loss: { 0: 2.5, 1: 2.25 } };

describe('rows as JSON', () => {
  it.each([
    ['a row a line', '{"step":0,"loss":2.5}\n{"step":1,"loss":2.25}\n', two],
    ['a row a line, the last one not whole', '{"step":0,"loss":2.5}\n{"step":1,"loss":2.25}\n{"step":2,"lo', two],
    ['a list of rows', '[{"step":0,"loss":2.5},{"step":1,"loss":2.25}]', two],
    ['columns of lists, as Keras keeps them', '{"loss":[2.5,2.25]}', two],
    ['Keras: history beside its settings', '{"params":{"epochs":2},"epoch":[0,1],"history":{"loss":[2.5,2.25]}}', two],
    ['columns of lists within objects', '{"train":{"loss":[2.5,2.25]}}', { 'train/loss': two.loss }],
    ['pairs of step and value', '{"loss":[[0,2.5],[1,2.25]],"val":[[1,3]]}', { ...two, val: { 1: 3 } }],
    ['time, step and value', '{"loss":[[1700000000.5,0,2.5],[1700000001.5,1,2.25]]}', two],
    ['pandas, by columns', '{"step":{"0":10,"1":20},"loss":{"0":2.5,"1":2.25}}', { loss: { 10: 2.5, 20: 2.25 } }],
    ['pandas, split', '{"columns":["step","loss"],"index":[0,1],"data":[[0,2.5],[1,2.25]]}', two],
    [
      'MLflow’s answer',
      '{"metrics":[{"key":"loss","value":2.5,"timestamp":1700000000000,"step":0},{"key":"loss","value":2.25,"timestamp":1700000001000,"step":1}]}',
      two,
    ],
    [
      'Comet’s answer',
      '{"metrics":[{"metricName":"loss","metricValue":"2.5","timestamp":1700000000000,"step":0},{"metricName":"loss","metricValue":"2.25","timestamp":1700000001000,"step":1},{"metricName":"acc","metricValue":"1","timestamp":1700000001000,"step":1}]}',
      { ...two, acc: { 1: 1 } },
    ],
    ['TensorBoard’s download of a chart', '[[1700000000.5,0,2.5],[1700000001.5,1,2.25]]', { Value: { 0: 2.5, 1: 2.25 } }],
    [
      'Python’s NaN and infinities',
      '{"step":0,"a":NaN,"b":-Infinity,"c":"NaN","d":"Infinity -NaN"}\n{"step":1,"a":Infinity,"b":1,"c":2}\n',
      { a: { 0: Number.NaN, 1: Number.POSITIVE_INFINITY }, b: { 0: Number.NEGATIVE_INFINITY, 1: 1 }, c: { 0: Number.NaN, 1: 2 } },
    ],
    ['null is no value', '[{"step":0,"loss":null},{"step":1,"loss":2.25}]', { loss: { 1: 2.25 } }],
    ['objects within rows', '[{"step":0,"train":{"loss":2.5,"acc":true}}]', { 'train/loss': { 0: 2.5 }, 'train/acc': { 0: 1 } }],
    [
      'trackio: metrics in an object',
      '[{"step":0,"timestamp":"2026-03-08T01:59:58","metrics":{"loss":2.5}}]',
      { loss: { 0: 2.5 } },
    ],
    [
      'W&B’s history, whose histograms are no numbers',
      '{"_step":0,"loss":2.5,"w":{"_type":"histogram","values":[1]}}\n{"_step":1,"loss":2.25}\n',
      two,
    ],
    [
      'names that programs use themselves',
      '[{"step":0,"__proto__":1,"constructor":2}]',
      JSON.parse('{"__proto__":{"0":1},"constructor":{"0":2}}'),
    ],
    ['a series that comes later', '{"step":0,"a":1}\n{"step":1,"b":2}\n', { a: { 0: 1 }, b: { 1: 2 } }],
  ])('%s', async (_, text, series) => {
    expect(await read(text, text.includes('\n') ? 'x.jsonl' : 'x.json')).toEqual(series);
  });

  it('Hugging Face’s trainer_state.json: its history by step, its settings as settings', async () => {
    const state = {
      log_history: [
        { epoch: 0.5, loss: 2.1, step: 500 },
        { epoch: 1, eval_loss: 1.65, step: 1000 },
      ],
      max_steps: 1000,
      is_world_process_zero: true,
      trial_params: null,
    };
    const { runs } = await readFiles(folder.path, { 'trainer_state.json': JSON.stringify(state) });
    expect([...runs[0]!.series].map(([name, points]) => [name, points.map(([s, , v]) => [s, v])])).toEqual([
      [
        'epoch',
        [
          [500, 0.5],
          [1000, 1],
        ],
      ],
      ['loss', [[500, 2.1]]],
      ['eval_loss', [[1000, 1.65]]],
    ]);
    expect(runs[0]!.config).toEqual({ max_steps: 1000, is_world_process_zero: true });
  });

  it.each([
    ['{"step":0,"loss":2.5}\n{"step":1,"loss":oops}\n{"step":2}\n', 'line 2 is not JSON'],
    ['{"a":1', 'the file is not JSON'],
    ['7', 'no rows'],
    ['{"a":1}', 'the file holds no rows: lists of numbers, or a list of objects, are expected'],
    [
      '{"run":{"setup":{}},"columns":["step","loss"],"rows":[],"events":[]}',
      'the run in the file has no rows: an export as .headroom holds all else of it',
    ],
    ['{"columns":["a"],"data":[]}', 'the file holds no rows: lists of numbers, or a list of objects, are expected'],
    ['[{"n":5,"loss":1.5}]', 'choose one of them as the axis'],
    ['[{"step":0.5,"loss":1}]', 'row 1, column "step": "0.5" is not a step'],
    ['[{"step":0,"loss":1},{"step":1,"loss":"high"}]', 'row 2, column "loss": "high" is not a number'],
  ])('%j is refused: %s', async (text, message) => {
    await expect(read(text, text.includes('\n') ? 'x.jsonl' : 'x.json')).rejects.toThrow(message);
  });
});

it('an export of this program brings its settings, and says what it does not hold', async () => {
  const text = JSON.stringify({
    run: { runId: 'abcdef', setup: { name: 'a run', config: { lr: 0.1 } } },
    columns: ['step', 'timeMs', 'loss'],
    rows: [[0, 1_700_000_000_000, 2.5]],
    events: [{ seq: 1, at: 0, event: { type: 'evaluation' } }],
  });
  const { runs } = await readFiles(folder.path, { 'x.json': text });
  expect([runs[0]!.config, runs[0]!.leftOut]).toEqual([
    { lr: 0.1 },
    ['evaluations, samples, commands and notes: an export as .headroom holds them'],
  ]);
});
