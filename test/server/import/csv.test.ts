import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { ownFolder } from '~/test/support/folder';
import { planFiles, readFiles, valuesIn } from '~/test/support/importing';

const folder = ownFolder();
afterAll(folder.remove);
const read = (text: string | Uint8Array, name = 'x.csv', axis?: string) =>
  valuesIn(folder.path, { [name]: text }, axis ? { axis } : {});
const leftOut = async (text: string | Uint8Array) => (await readFiles(folder.path, { 'x.csv': text })).runs[0]!.leftOut;
const { NaN: nan, POSITIVE_INFINITY: infinity, NEGATIVE_INFINITY: below } = Number;

describe('a table as a program writes it', () => {
  it.each([
    [
      'Lightning: rows of one step are one, each series where it has a value',
      'epoch,step,train_loss_step,train_loss_epoch,val_loss\n0,49,1.91,,\n0,99,1.52,,\n0,99,,,1.48\n0,99,,1.71,\n1,149,1.21,,\n',
      {
        epoch: { 49: 0, 99: 0, 149: 1 },
        train_loss_step: { 49: 1.91, 99: 1.52, 149: 1.21 },
        val_loss: { 99: 1.48 },
        train_loss_epoch: { 99: 1.71 },
      },
    ],
    [
      'Keras: epochs are the steps',
      'epoch,accuracy,loss\n0,0.51,1.31\n1,0.61,1.01\n',
      { accuracy: { 0: 0.51, 1: 0.61 }, loss: { 0: 1.31, 1: 1.01 } },
    ],
    [
      'YOLO: padded names and cells',
      '       epoch,   train/box_loss\n           0,    0.11203\n           1,   0.091\n',
      { 'train/box_loss': { 0: 0.11203, 1: 0.091 } },
    ],
    [
      'Ultralytics: its time is a duration',
      'epoch,time,loss\n1,12.5,3\n2,25.25,2\n',
      { time: { 1: 12.5, 2: 25.25 }, loss: { 1: 3, 2: 2 } },
    ],
    [
      'fastai: minutes and seconds',
      'epoch,train_loss,time\n0,2.5,00:13\n1,2.25,01:02:03\n',
      { train_loss: { 0: 2.5, 1: 2.25 }, time: { 0: 13, 1: 3723 } },
    ],
    ['PyTorch: global_step', 'global_step,loss\n0,2.5\n', { loss: { 0: 2.5 } }],
    [
      'W&B: _step, with _runtime and _timestamp',
      '_step,_runtime,_timestamp,loss\n0,1.5,1700000000.5,2\n',
      { _runtime: { 0: 1.5 }, loss: { 0: 2 } },
    ],
    ['iterations', 'iteration,loss\n0,2.5\n', { loss: { 0: 2.5 } }],
    [
      'Stable-Baselines: timesteps',
      'rollout/ep_rew_mean,time/total_timesteps\n1.5,2048\n',
      { 'rollout/ep_rew_mean': { 2048: 1.5 } },
    ],
    ['pandas: an index without a name beside a step', ',step,loss\n0,10,2.5\n1,20,2.25\n', { loss: { 10: 2.5, 20: 2.25 } }],
    ['pandas: an index without a name as the step', ',loss\n5,2.5\n6,2.25\n', { loss: { 5: 2.5, 6: 2.25 } }],
    [
      'MLflow: a row per value',
      'run_id,key,value,step,timestamp\na1,loss,2.5,0,1700000000000\na1,loss,2.25,1,1700000001000\na1,acc,0.5,0,1700000000500\n',
      { loss: { 0: 2.5, 1: 2.25 }, acc: { 0: 0.5 } },
    ],
    ['TensorBoard: Wall time, Step, Value', 'Wall time,Step,Value\n1700000000.5,0,2.5\n', { Value: { 0: 2.5 } }],
    ['NumPy: names in a comment', '# step,loss\n0.0,2.5\n1.0,2.25\n', { loss: { 0: 2.5, 1: 2.25 } }],
    ['booleans are 1 and 0', 'step,done\n0,False\n1,true\n', { done: { 0: 0, 1: 1 } }],
    [
      'rows out of order are put in order, the last of a step counting',
      'step,loss\n0,2.5\n100,2\n200,1.8\n150,1.9\n200,1.7\n',
      { loss: { 0: 2.5, 100: 2, 150: 1.9, 200: 1.7 } },
    ],
    [
      'negative and large steps',
      'step,loss\n-1,2\n0,1\n1000000000000,3\n9007199254740991,4\n',
      { loss: { '-1': 2, 0: 1, 1000000000000: 3, 9007199254740991: 4 } },
    ],
    ['steps as floats', 'step,loss\n0.0,1\n1e1,2\n', { loss: { 0: 1, 10: 2 } }],
    [
      'names that programs use themselves',
      'step,__proto__,constructor,=cmd|x\n0,1,2,3\n',
      JSON.parse('{"__proto__":{"0":1},"constructor":{"0":2},"=cmd|x":{"0":3}}'),
    ],
  ])('%s', async (_, text, series) => {
    expect(await read(text)).toEqual(series);
  });

  it('usual names have their role, as with the other ways in, and the first of two keeps it: the list of runs shows such a loss', async () => {
    const text = 'step,val/loss,train/loss,loss,acc,lr,grad_norm,epoch,Loss\n0,1,2,3,4,5,6,0,7\n1,1,2,3,4,5,6,1,7\n';
    const [run] = (await readFiles(folder.path, { 'x.csv': text })).runs;
    expect(run!.roles).toEqual({
      'train/loss': 'loss',
      acc: 'accuracy',
      lr: 'learningRate',
      grad_norm: 'gradNorm',
      epoch: 'epoch',
    });
  });

  it('a long name keeps its beginning and its end, and no half of a letter', async () => {
    const named = async (name: string) => (await planFiles(folder.path, { [`${name}.csv`]: 'step,loss\n0,1\n' })).runs[0]!.name;
    expect(await named('x'.repeat(80))).toBe('x'.repeat(80));
    const long = 'An ablation of the learned positional encoding with a long warm-up and cosine decay, number 2';
    expect(await named(long)).toBe('An ablation of the learned positional … and cosine decay, number 2');
    const smiles = await named('😀'.repeat(60));
    expect(smiles).toBe(`${'😀'.repeat(22)} … ${'😀'.repeat(16)}`);
  });

  it('a file of several runs is several runs', async () => {
    const text = 'run_name,step,loss\na,0,1\na,1,2\nb,0,3\n';
    const { runs } = await readFiles(folder.path, { 'x.csv': text });
    expect(runs.map((r) => [r.name, r.series.get('loss')!.map(([s, , v]) => [s, v])])).toEqual([
      [
        'a',
        [
          [0, 1],
          [1, 2],
        ],
      ],
      ['b', [[0, 3]]],
    ]);
  });

  it('a chart downloaded from W&B: a run per column, its least and greatest values left out', async () => {
    const text =
      '"Step","run-1 - loss","run-1 - loss__MIN","run-1 - loss__MAX","run-2 - loss","run-2 - loss__MIN","run-2 - loss__MAX"\n0,1,1,1,,,\n1,2,2,2,3,3,3\n';
    const { runs } = await readFiles(folder.path, { 'x.csv': text });
    expect(runs.map((r) => [r.name, [...r.series]])).toEqual([
      [
        'run-1',
        [
          [
            'loss',
            [
              [0, null, 1],
              [1, null, 2],
            ],
          ],
        ],
      ],
      ['run-2', [['loss', [[1, null, 3]]]]],
    ]);
    expect(runs[0]!.leftOut).toEqual(['4 columns __MIN and __MAX of a W&B chart are left out']);
  });

  it('columns of text are left out, and named', async () => {
    expect(await leftOut('step,split,loss\n0,train,2.5\n1,train,2.25\n')).toEqual([
      'column "split" (text such as "train", line 2; 2 rows)',
    ]);
    expect(await leftOut('step,loss,loss\n0,1,2\n')).toEqual(['line 1: two columns are named "loss"']);
    expect(await leftOut('step,loss,acc\n0,1,2\n1,3\n')).toEqual([
      '1 line shorter than the first one (line 3): the cells that are missing hold no value',
    ]);
    expect(await leftOut('step,loss\n0,1\n0,2\n,3\n')).toEqual([
      '1 row without a step',
      '1 value that a later one of the same step replaced',
    ]);
  });

  it('a column without a name is left out, and said unless it counts the rows', async () => {
    expect(await leftOut(',step,loss\n7.5,10,1\n9.25,20,2\n')).toEqual(['column 1 has no name, and is left out']);
    expect(await leftOut(',step,loss\n3,10,1\n7,20,2\n')).toEqual([]);
  });

  it('series that have values at the same steps are one stream', async () => {
    const { runs } = await readFiles(folder.path, { 'x.csv': 'step,a,b,c,d\n0,1,2,3,\n1,1,2,,\n2,1,2,3,4\n' });
    expect(runs[0]!.streams).toEqual([['a', 'b'], ['c'], ['d']]);
  });
});

describe('how a table is written', () => {
  const two = { loss: { 0: 0.5, 1: -1250 } };
  it.each([
    ['semicolons with decimal commas', 'step;loss\r\n0;0,5\r\n1;-1,25e3\r\n', two],
    ['tabs', 'step\tloss\n0\t0.5\n1\t-1250\n', two],
    ['line ends of several kinds', 'step,loss\r0,0.5\n1,-1250\r', two],
    ['tabs with decimal commas', 'step\tloss\n0\t0,5\n1\t-1250\n', two],
    ['bars', 'step|loss\n0|0.5\n1|-1250\n', two],
    ['a line that says what separates', 'sep=;\r\nstep;loss\r\n0;0,5\r\n1;-1250\r\n', two],
    ['quotes around decimal commas', 'step,loss\n0,"0,5"\n1,"-1250"\n', two],
    ['a comma inside a name between semicolons', 'step;loss, mean;acc\n0;0.5;1\n', { 'loss, mean': { 0: 0.5 }, acc: { 0: 1 } }],
    [
      'points between thousands, where commas are decimal',
      'step;loss;tokens\n0;2,5;1.024,5\n1;2,25;2.049,5\n',
      { loss: { 0: 2.5, 1: 2.25 }, tokens: { 0: 1024.5, 1: 2049.5 } },
    ],
    [
      'a point between thousands alone, where commas are decimal',
      'step;loss;tokens\n0;2,5;1.024\n',
      { loss: { 0: 2.5 }, tokens: { 0: 1024 } },
    ],
    ['commas between thousands', 'step,tokens\n0,"1,024.5"\n1,"1,234,567"\n', { tokens: { 0: 1024.5, 1: 1234567 } }],
    ['spaces and apostrophes between thousands', "step;a;b\n0;1 024,5;1'000\n", { a: { 0: 1024.5 }, b: { 0: 1000 } }],
    ['carriage returns alone', 'step,loss\r0,0.5\r1,-1250', two],
    ['comments and empty lines', '# run 7\nstep,loss\n\n0,0.5\n# half way, "here"\n1,-1250\n\n', two],
    ['separators at the ends', 'step,loss,\n0,0.5,\n1,-1250,\n', two],
    [
      'a byte order mark, quotes and a line end inside a name',
      '\uFEFFstep,"val\r\nloss"\r\n0,"0.5"\r\n',
      { 'val\r\nloss': { 0: 0.5 } },
    ],
    ['capitals and spaces', ' Step , Loss \n 0 , 2.5 \n', { Loss: { 0: 2.5 } }],
    ['no value, in the words for it', 'step,loss\n0,2.5\n1,NA\n2,None\n3,null\n4,\n5,N/A\n6,1\n', { loss: { 0: 2.5, 6: 1 } }],
    [
      'no number, and none too large',
      'step,a\n0,NaN\n1,-nan\n2,inf\n3,-Infinity\n4,1e400\n5,1.#INF\n6,5e-324\n',
      { a: { 0: nan, 1: nan, 2: infinity, 3: below, 4: infinity, 5: infinity, 6: 5e-324 } },
    ],
    ['gzip', gzipSync('step,loss\n0,0.5\n1,-1250\n'), two],
    ['UTF-16', Buffer.from('\uFEFFstep,größe\n0,0.5\n', 'utf16le'), { größe: { 0: 0.5 } }],
    ['UTF-16 without a mark', Buffer.from('step,loss\n0,0.5\n1,-1250\n', 'utf16le'), two],
    ['UTF-16, big-endian', Buffer.from('\uFEFFstep,größe\n0,0.5\n', 'utf16le').swap16(), { größe: { 0: 0.5 } }],
    ['Latin-1', Buffer.from('step,Verlust für Größe\n0,0.5\n', 'latin1'), { 'Verlust für Größe': { 0: 0.5 } }],
  ])('%s', async (_, text, series) => {
    expect(await read(text)).toEqual(series);
  });

  it('letters that are not UTF-8 are said', async () => {
    expect(await leftOut(Buffer.from('step,größe\n0,1\n', 'latin1'))).toEqual([
      'the file is not UTF-8: its characters are read as windows-1252',
    ]);
  });
});

describe('a zip', () => {
  /** Python's zipfile: a/metrics.csv and b/metrics.csv of one row each, and __MACOSX/._x. */
  const zip = Buffer.from(
    'UEsDBBQAAAAIAPc6e12ol6RoEAAAAA4AAAANAAAAYS9tZXRyaWNzLmNzdisuSS3QyckvLuYy0DHkAgBQSwMEFAAAAAgA9zp7XWvEiUMQAAAADgAAAA0AAABiL21ldHJpY3MuY3N2Ky5JLdDJyS8u5jLQMeICAFBLAwQUAAAACAD3OntdgxbcjAMAAAABAAAADAAAAF9fTUFDT1NYLy5feKsAAFBLAQIUAxQAAAAIAPc6e12ol6RoEAAAAA4AAAANAAAAAAAAAAAAAACAAQAAAABhL21ldHJpY3MuY3N2UEsBAhQDFAAAAAgA9zp7XWvEiUMQAAAADgAAAA0AAAAAAAAAAAAAAIABOwAAAGIvbWV0cmljcy5jc3ZQSwECFAMUAAAACAD3OntdgxbcjAMAAAABAAAADAAAAAAAAAAAAAAAgAF2AAAAX19NQUNPU1gvLl94UEsFBgAAAAADAAMAsAAAAKMAAAAAAA==',
    'base64',
  );
  it('is opened, its folders in the names of its runs', async () => {
    const { runs, leftOut: others } = await readFiles(folder.path, { 'logs.zip': zip });
    expect([runs.map((r) => [r.name, [...r.series]]), others]).toEqual([
      [
        ['logs/a', [['loss', [[0, null, 1]]]]],
        ['logs/b', [['loss', [[0, null, 2]]]]],
      ],
      [],
    ]);
  });

  it('that is damaged is refused', async () => {
    const broken = Buffer.from(zip);
    broken[60]! ^= 255;
    for (const bytes of [broken, zip.subarray(0, 100)])
      expect((await readFiles(folder.path, { 'logs.zip': bytes })).refused).toContainEqual(
        expect.stringMatching(/^logs\.zip: its zip is damaged: /),
      );
  });
});

describe('times', () => {
  const timeOf = async (column: string, cell: string) => {
    const { runs, refused } = await readFiles(folder.path, { 'x.csv': `step,${column},loss\n0,${cell},1\n` });
    return refused[0] ?? runs[0]!.series.get('loss')![0]![1];
  };
  it.each([
    ['timeMs', '1700000000123', 1700000000123],
    ['wall_time', '1700000000.5', 1700000000500],
    ['Wall time', '1700000000000000', 1700000000000],
    ['timeMs', '1700000000000000000', 1700000000000],
    ['timestamp', '2026-03-08T03:00:01+02:00', Date.UTC(2026, 2, 8, 1, 0, 1)],
    ['time', '2026-03-08 03:00:01.250', Date.UTC(2026, 2, 8, 3, 0, 1, 250)],
    ['date', '2026-03-08', Date.UTC(2026, 2, 8)],
  ])('%s %s', async (column, cell, ms) => {
    expect(await timeOf(column, cell)).toBe(ms);
  });

  it('our own table has ms, of any year', async () => {
    for (const ms of [5_680_281_600_000, -5, 8.64e15]) expect(await timeOf('timeMs', String(ms))).toBe(ms);
    expect(await timeOf('timeMs', '1e300')).toMatch(/^line 2, column "timeMs": "1e300" is not a time/);
  });

  it.each(['NaN', '-5', '99999999999999999999', 'yesterday'])('%s is refused with its line', async (cell) => {
    expect(await timeOf('timestamp', cell)).toBe(
      `line 2, column "timestamp": "${cell}" is not a time; give seconds, ms, us or ns since 1970 of the years 1990 to 2100, or a date such as 2026-03-08T01:59:58Z`,
    );
  });

  it('seconds since something else are a series', async () => {
    expect(await read('step,timestamp,loss\n0,0.5,1\n1,12,2\n')).toEqual({ timestamp: { 0: 0.5, 1: 12 }, loss: { 0: 1, 1: 2 } });
  });

  it('a row without a time has none', async () => {
    expect(await timeOf('timestamp', '')).toBe(null);
  });
});

describe('refusals name the line, the column and what would fit', () => {
  const axisWords = 'no column is known to count the steps (step, global_step, iteration, epoch, ...); there are';
  it.each([
    ['loss\n1\n', `line 1: ${axisWords} loss: choose one of them as the axis, or "row" to count the rows`],
    ['0,2.5\n1,2\n', 'line 1: the names of the columns are expected here, not the numbers 0, 2.5'],
    ['step\n1\n', 'the file holds no numbers, texts or pictures'],
    ['step,loss\n', 'there is no line after the first, so no step to import'],
    [
      'step,loss\n0,1\n1,two\n',
      'line 3, column "loss": "two" is not a number; give a number, NaN, Infinity, -Infinity or nothing',
    ],
    ['step,loss\n0,0x10\n', 'line 2, column "loss": "0x10" is not a number; give a number, NaN, Infinity, -Infinity or nothing'],
    [
      'step,loss\n0,1_000\n',
      'line 2, column "loss": "1_000" is not a number; give a number, NaN, Infinity, -Infinity or nothing',
    ],
    [
      'step,loss\n0.5,1\n',
      'line 2, column "step": "0.5" is not a step; give a whole number between -2^53 and 2^53, or choose another column as the axis',
    ],
    ['step,loss\n0,1,2\n', 'line 2: 3 cells, the first line has 2; put cells that hold the separator in quotes'],
    ['step,loss\n# a comment\n0,"1\n', 'line 3: a quote is not closed'],
    ['step,loss\n0,\0\n', 'this is not a CSV: it holds zero bytes'],
  ])('%j', async (text, message) => {
    await expect(read(text)).rejects.toThrow(message);
  });
});

describe('what is too large is refused', () => {
  it.each([
    ['columns', () => `step${',a'.repeat(21_000)}\n`, 'line 1: more than the 20000 columns that are taken'],
    ['cells of a line', () => `step,loss\n1${',2'.repeat(1_000_000)}\n`, 'line 2: more than the 20000 columns that are taken'],
    [
      'a line',
      () => `step,loss\n1,${'9'.repeat(20_000_000)}\n`,
      'line 2: it is longer than 8388608 characters, or a quote in it is not closed',
    ],
    ['a quote that does not close', () => `step,loss\n1,"2\n${'3,4\n'.repeat(10_000)}`, 'line 2: a quote is not closed'],
  ])('%s', async (_, text, message) => {
    await expect(read(text())).rejects.toThrow(message);
  });
});

it.each([
  ['PAR1\0\0', 'a Parquet file'],
  ['\x80\x04\x95\0', 'a pickle of Python'],
  ['<!DOCTYPE html><html></html>', 'a web page'],
])('a file that is no table is called what it is: %j', async (bytes, what) => {
  await expect(read(Buffer.from(bytes, 'latin1'))).rejects.toThrow(
    `this is ${what}, not a CSV; save its numbers as CSV or as JSON lines`,
  );
});

describe('the axis of the steps', () => {
  const text = 'iteration,tokens,loss\n0,100,3.5\n1,200,2.5\n';
  it('is found by its name, can be chosen, and the plan says which columns could be it', async () => {
    expect((await planFiles(folder.path, { 'x.csv': text })).runs[0]).toMatchObject({
      axis: 'iteration',
      axes: ['iteration', 'tokens', 'row'],
      rows: 2,
    });
    expect(await read(text, 'x.csv', 'tokens')).toEqual({ iteration: { 100: 0, 200: 1 }, loss: { 100: 3.5, 200: 2.5 } });
    expect(await read('loss\n5\n6\n', 'x.csv', 'row')).toEqual({ loss: { 0: 5, 1: 6 } });
    await expect(read(text, 'x.csv', 'nosuch')).rejects.toThrow(
      'axis: there is no column "nosuch"; there are iteration, tokens, loss',
    );
  });

  it('is not a count within an epoch: no row takes the place of an earlier epoch’s', async () => {
    const { runs } = await readFiles(folder.path, { 'x.csv': 'epoch,batch,loss\n0,0,9\n0,1,8\n1,0,7\n1,1,6\n' });
    expect(runs[0]!.series.get('loss')!.map(([step, , loss]) => [step, loss])).toEqual([
      [0, 9],
      [1, 8],
      [2, 7],
      [3, 6],
    ]);
    expect(runs[0]!.leftOut).toEqual(['column "batch" begins again with each epoch: the rows are counted from 0']);
    // Where this shows only after the rows that are looked at first, it is asked for.
    const long = `epoch,iter,loss\n${Array.from({ length: 3000 }, (_, i) => `${Math.floor(i / 1500)},${i % 1500},${i}`).join('\n')}\n`;
    expect((await readFiles(folder.path, { 'x.csv': long })).refused).toEqual([
      'line 1502: column "iter" begins again with an epoch, so it does not count the steps of the run; choose another column as the axis, or "row" to count the rows',
    ]);
    // Rows of several runs by turns: each run counts for itself.
    const turns = 'run_id,epoch,step,loss\na,0,10,9\nb,1,4,8\na,1,20,7\nb,2,6,5\n';
    const losses = async (choices = {}) =>
      (await readFiles(folder.path, { 'x.csv': turns }, choices)).runs.map((run) =>
        run.series.get('loss')!.map(([step, , loss]) => `${loss} at ${step}`),
      );
    expect(await losses()).toEqual([
      ['9 at 10', '7 at 20'],
      ['8 at 4', '5 at 6'],
    ]);
    expect(await losses({ axis: 'row' })).toEqual([
      ['9 at 0', '7 at 1'],
      ['8 at 0', '5 at 1'],
    ]);
    // A run that is resumed from a checkpoint goes back in both.
    expect(await read('epoch,step,loss\n0,0,9\n1,1,8\n1,2,7\n1,1,6\n')).toEqual({
      epoch: { 0: 0, 1: 1, 2: 1 },
      loss: { 0: 9, 1: 6, 2: 7 },
    });
  });

  it('that is not known is asked for in the plan', async () => {
    expect((await planFiles(folder.path, { 'x.csv': 'n,loss\n5,1.5\n' })).runs[0]).toMatchObject({
      axis: null,
      axes: ['n', 'row'],
      error: expect.stringContaining('choose one of them'),
    });
  });
});
