/** Archives, files of other programs, and MLflow's own folder: what is inside is read, and one bad file never harms another. */
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { writeHeadroomFile } from '~/server/export/headroomFile';
import { openBlobs } from '~/server/store/blobs';
import { openSqliteStore } from '~/server/store/sqlite/open';
import { rowCount, stepAt } from '~/shared/rows';
import { startApp } from '~/test/support/app';
import { ownFolder } from '~/test/support/folder';
import { planFiles, readFiles } from '~/test/support/importing';
import { recordedSetup, recordRun } from '~/test/support/recordedRun';
import { zipOf } from '~/test/support/zip';

const folder = ownFolder();
afterAll(folder.remove);
const rows = 'step,loss\n0,1\n';
const series = [['loss', [[0, null, 1]]]];
const refusals = async (name: string, bytes: string | Uint8Array) => (await readFiles(folder.path, { [name]: bytes })).refused;

describe('a zip', () => {
  it('with gzip files gives what is in them', async () => {
    const { runs, refused } = await readFiles(folder.path, { 'logs.zip': zipOf({ 'a.csv.gz': gzipSync(rows), 'b.csv': rows }) });
    expect([runs.map((r) => [r.name, [...r.series]]), refused]).toEqual([
      [
        ['a', series],
        ['b', series],
      ],
      [],
    ]);
  });

  it('with .headroom files brings each run in whole, also when another one is damaged or here already', async () => {
    const source = `${folder.path}/source`;
    const { log } = await recordRun(source, 'record1');
    await recordRun(source, 'record2');
    const store = await openSqliteStore(source);
    const blobs = await openBlobs(source, store);
    const files: Record<string, Uint8Array> = { 'bad.headroom': gzipSync(Buffer.alloc(2000)) };
    for (const id of ['record1', 'record2']) {
      const parts: Uint8Array[] = [];
      for await (const part of writeHeadroomFile({ ...store, blobs } as Parameters<typeof writeHeadroomFile>[0], id, 0))
        parts.push(part);
      files[`${id}.headroom`] = Buffer.concat(parts);
    }
    await store.close();
    // The plan counts what the log holds.
    const [, planned] = (await planFiles(folder.path, files)).runs;
    const values = log.reduce((sum, { event }) => sum + (event.type === 'rows' ? event.values.length : 0), 0);
    const steps = new Set(
      log.flatMap(({ event }) =>
        event.type === 'rows' ? Array.from({ length: rowCount(event) }, (_, i) => stepAt(event, i)) : [],
      ),
    );
    expect(planned).toMatchObject({ rows: steps.size, steps: { first: Math.min(...steps), last: Math.max(...steps) } });
    expect(planned).toMatchObject({ values, settings: Object.keys(recordedSetup.config).length, error: null });
    const app = await startApp({ dataFolder: `${folder.path}/target` });
    const send = async () => {
      const answer = await fetch(`${app.url}/api/import?name=runs.zip`, { method: 'POST', body: new Uint8Array(zipOf(files)) });
      return { status: answer.status, ...((await answer.json()) as { runs: { runId: string | null; error: string | null }[] }) };
    };
    try {
      const { status, runs } = await send();
      expect([status, runs.map((r) => r.runId)]).toEqual([201, [null, 'record1', 'record2']]);
      expect((await app.hub.view('record2'))!.setup.name).toBe('Recorded run');
      expect(await send()).toMatchObject({ status: 400, error: expect.any(String) });
    } finally {
      await app.close();
    }
  });

  it('a file named .headroom that is none is refused as one, not as a table', async () => {
    const app = await startApp({ dataFolder: `${folder.path}/other` });
    const answer = await fetch(`${app.url}/api/import?name=x.headroom`, { method: 'POST', body: 'garbage' });
    expect([answer.status, await answer.json()]).toEqual([400, { error: 'the file is damaged: incorrect header check' }]);
    await app.close();
  });

  it.each([
    ['of Excel', { '[Content_Types].xml': '', 'xl/workbook.xml': '' }, 'an Excel workbook'],
    ['of PyTorch', { 'archive/data.pkl': '' }, 'a checkpoint of PyTorch'],
    ['of Word', { '[Content_Types].xml': '', 'word/document.xml': '' }, 'a document of an office program'],
  ])('%s is named', async (_, members, words) => {
    expect(await refusals('file.x', zipOf(members))).toEqual([`this is ${words}; save its numbers as CSV or as JSON lines`]);
  });

  it('of PyTorch or Excel within a folder is left out as the file that it is', async () => {
    const { runs, refused, leftOut } = await readFiles(folder.path, {
      'exp/metrics.csv': rows,
      'exp/last.ckpt': zipOf({ 'archive/data.pkl': '' }),
      'exp/table.xlsx': zipOf({ 'xl/workbook.xml': '' }),
    });
    expect([runs.map((r) => r.name), refused, leftOut]).toEqual([
      ['exp'],
      [],
      ['files *.ckpt: 1 (exp/last.ckpt)', 'files *.xlsx: 1 (exp/table.xlsx)'],
    ]);
  });

  it('without files says so', async () => {
    expect(await refusals('empty.zip', zipOf({}))).toEqual(['empty.zip: the zip holds no file']);
  });
});

describe('one bad file', () => {
  const given = {
    'bad.zip': 'PK\x03\x04 and nothing else',
    'bad.csv.gz': gzipSync('x'.repeat(2000)).subarray(0, -12),
    'good.csv': rows,
  };
  it('never harms another: each error stands beside its file', async () => {
    const { runs, refused } = await readFiles(folder.path, given);
    expect([runs.map((r) => [r.name, [...r.series]]), refused]).toEqual([
      [['good', series]],
      ['bad.csv.gz: its gzip is damaged: unexpected end of file', expect.stringMatching(/^bad\.zip: its zip is damaged: /)],
    ]);
  });

  it('stands in the plan', async () => {
    const plan = await planFiles(folder.path, given);
    expect(plan.runs.map((run) => [run.name, run.error?.slice(0, 40) ?? null])).toEqual([
      ['bad', 'bad.csv.gz: its gzip is damaged: unexpec'],
      ['bad.zip', expect.stringMatching(/^bad\.zip: its zip is damaged: /)],
      ['good', null],
    ]);
  });
});

describe('files that are no tables', () => {
  it.each([
    ['compressed by bzip2', 'BZh91AY'],
    ['compressed by xz', '\xfd7zXZ\0'],
    ['compressed by zstd', '\x28\xb5\x2f\xfd'],
    ['an archive of 7-Zip', '7z\xbc\xaf'],
    ['text as UTF-32', '\xff\xfe\0\0s\0\0\0'],
  ])('%s', async (words, begin) => {
    expect(await refusals('x.csv', Buffer.from(begin, 'latin1'))).toEqual([
      `this is ${words}, not a CSV; save its numbers as CSV or as JSON lines`,
    ]);
  });
});

describe('JSON without rows is refused in its own words', () => {
  const noRows = 'the file holds no rows: lists of numbers, or a list of objects, are expected';
  it.each([
    ['an empty list', '[]', noRows],
    ['objects in objects', '{"history":{"loss":{"a":1}}}', noRows],
    ['lists nested very deep', `${'['.repeat(50_000)}${']'.repeat(50_000)}`, 'row 1: an object is expected, not a list of 1'],
  ])('%s', async (_, text, message) => {
    expect(await refusals('x.json', text)).toEqual([message]);
  });

  it('two values of one name in a row: the last one is kept, and that is said', async () => {
    const { runs } = await readFiles(folder.path, { 'x.jsonl': '{"step":0,"a":{"b":1},"a/b":2}\n{"step":1,"a":{"b":3}}\n' });
    expect([[...runs[0]!.series], runs[0]!.leftOut]).toEqual([
      [
        [
          'a/b',
          [
            [0, null, 2],
            [1, null, 3],
          ],
        ],
      ],
      ['a row has "a/b" twice, also as a value within an object: the last one is kept'],
    ]);
  });
});

describe('MLflow’s own folder', () => {
  const run = `mlruns/0/${'a'.repeat(32)}`;
  it('keeps infinities and NaN as they are, and takes name and tags', async () => {
    const { runs } = await readFiles(folder.path, {
      [`${run}/metrics/loss`]: '1700000000000 inf 0\n1700000000001 -inf 1\n1700000000002 nan 2\n1700000000003 0.5 3\n',
      [`${run}/params/lr`]: '0.1',
      [`${run}/tags/mlflow.runName`]: 'quick-fox-1',
      [`mlruns/0/models/m-${'b'.repeat(32)}/metrics/loss`]: '1700000000000 1 0 x\n',
    });
    expect(runs.map(({ name, config, series }) => [name, config, series.get('loss')!.map(([, , v]) => v)])).toEqual([
      [
        'quick-fox-1',
        { lr: '0.1', 'mlflow.tags': { 'mlflow.runName': 'quick-fox-1' } },
        [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, 0.5],
      ],
    ]);
  });

  it('leaves out runs that were deleted in it, and says so', async () => {
    const about = (stage: string) => `artifact_uri: x\nlifecycle_stage: ${stage}\nrun_name: quick-fox-1\n`;
    const gone = `mlruns/0/${'d'.repeat(32)}`;
    const { runs, refused, leftOut } = await readFiles(folder.path, {
      'mlruns/0/meta.yaml': 'lifecycle_stage: active\nname: Default\n',
      [`${run}/meta.yaml`]: about('active'),
      [`${run}/metrics/loss`]: '1700000000000 1 0\n',
      [`${gone}/metrics/loss`]: '1700000000000 2 0\n',
      [`${gone}/meta.yaml`]: about('deleted'),
    });
    expect([runs.map((r) => r.name), refused, leftOut]).toEqual([
      [run],
      [],
      ['files *.yaml: 1 (mlruns/0/meta.yaml)', `runs that were deleted in MLflow: 1 (${gone})`],
    ]);
  });

  it('a run ends as it ended there: failed, stopped, or finished, also when it was still running', async () => {
    const files: Record<string, string> = {};
    const at = (status: number) => `mlruns/0/${String(status).repeat(32)}`;
    for (const status of [1, 3, 4, 5]) {
      files[`${at(status)}/meta.yaml`] = `lifecycle_stage: active\nrun_id: x\nstatus: ${status}\n`;
      files[`${at(status)}/metrics/loss`] = '1700000000000 1 0\n';
    }
    const { runs } = await readFiles(folder.path, files);
    expect(runs.map((r) => [r.name, r.status])).toEqual([
      [at(1), 'finished'],
      [at(3), 'finished'],
      [at(4), 'failed'],
      [at(5), 'stopped'],
    ]);
  });

  it('a time that no calendar has is refused', async () => {
    for (const time of ['1e300', '8640000000000001', '-8640000000000001'])
      expect((await readFiles(folder.path, { [`${run}/metrics/loss`]: `0 1 0\n${time} 1 1\n` })).refused).toEqual([
        `${run}/metrics/loss, line 2: "${time}" is not a time; give ms since 1970, from -8.64e15 to 8.64e15`,
      ]);
  });

  it('a value that is no number is refused, not read as NaN', async () => {
    expect((await readFiles(folder.path, { [`${run}/metrics/loss`]: '1700000000000 abc 0\n' })).refused).toEqual([
      `${run}/metrics/loss, line 1: "time value step" is expected, not "1700000000000 abc 0"`,
    ]);
  });
});

it('an offline run of W&B is named, with the command that sends it, and its list of packages is no table', async () => {
  const own = 'wandb/offline-run-20261128_092049-78afy33e';
  const { runs, refused, leftOut } = await readFiles(folder.path, {
    [`${own}/run-78afy33e.wandb`]: Buffer.concat([Buffer.from(':W&B'), Buffer.alloc(64, 1)]),
    [`${own}/files/requirements.txt`]: 'urllib3==2.8.0\nidna==3.20\n',
  });
  expect([runs, refused, leftOut.map((words) => words.split(': line 1: ')[0])]).toEqual([
    [],
    [
      'this is an offline run of W&B, which its own program sends: WANDB_BASE_URL=<this server> WANDB_API_KEY=<token> wandb sync FOLDER',
    ],
    [`${own}/files/requirements.txt`],
  ]);
});

it("tables of embeddings beside TensorBoard's projector are left out, and said; other tables are runs", async () => {
  const { runs, refused, leftOut } = await readFiles(folder.path, {
    'run/projector_config.pbtxt': 'embeddings { tensor_path: "00000/words/tensors.tsv" }\n',
    'run/00000/words/tensors.tsv': '0.5\t0.25\n0.125\t1\n',
    'run/00000/words/metadata.tsv': 'a\nb\n',
    'run/metrics.tsv': 'step\tloss\n0\t1\n',
  });
  expect([runs.map((r) => r.name), refused, leftOut]).toEqual([
    ['run'],
    [],
    ['files *.pbtxt: 1 (run/projector_config.pbtxt)', 'files *.tsv: 2'],
  ]);
});

it('whole numbers that a double does not hold are counted, with the first one', async () => {
  const run = `mlruns/0/${'a'.repeat(32)}`;
  const { runs } = await readFiles(folder.path, {
    'tokens.csv': 'step,tokens\n0,9007199254740992\n1,9007199254740993\n2,-18014398509481985\n3,1e300\n',
    [`${run}/metrics/tokens`]: '1700000000000 9007199254740993 0\n',
  });
  const words = (count: string) => `${count} above 2^53 became the nearest 64-bit floating-point number, e.g. 9007199254740993`;
  expect(runs.map((r) => [r.series.get('tokens')!.map(([, , value]) => value), r.leftOut])).toEqual([
    [[9007199254740992], [words('1 whole number')]],
    [[9007199254740992, 9007199254740992, -18014398509481984, 1e300], [words('2 whole numbers')]],
  ]);
});
