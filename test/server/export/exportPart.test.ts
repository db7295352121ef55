import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { mergedRows } from '~/server/export/mergedRows';
import type { RowsQuery, Store } from '~/server/store';
import { startApp, type TestApp } from '~/test/support/app';
import { ownFolder } from '~/test/support/folder';
import { recordedRow, recordedSteps, recordRun } from '~/test/support/recordedRun';
import { series } from '~/test/support/synthetic';

vi.mock(import('~/server/export/replay'), async (original) => ({ ...(await original()), replayPage: '/nosuch/replay.html' }));

const folder = ownFolder();
afterAll(folder.remove);
let app: TestApp;
beforeAll(async () => {
  await recordRun(folder.path);
  app = await startApp({ dataFolder: folder.path });
});
afterAll(() => app.close());

const names = series.map((s) => s.name);
const asked = async (query: string) => {
  const answer = await fetch(`${app.url}/api/runs/record1/export?${query}`);
  return { status: answer.status, text: await answer.text(), file: answer.headers.get('content-disposition') };
};
/** As String() writes numbers; -0 keeps its sign. */
const text = (v: number) => (Object.is(v, -0) ? '-0' : String(v));
/** The columns asked for without timeMs, which is the time of the commit. */
const cells = (csv: string) =>
  csv
    .trimEnd()
    .split('\r\n')
    .slice(1)
    .map((line) => line.split(','))
    .map(([step, , ...values]) => [step, ...values]);

it('a replay whose page is not built says what to do', async () => {
  const answer = await fetch(`${app.url}/api/runs/record1/export?format=html`);
  expect([answer.status, await answer.json()]).toEqual([
    503,
    {
      error:
        'format: the page that plays a replay is not built yet; run npm run build where the server is (npm start does it by itself), then export again',
    },
  ]);
});

describe('a part of a run as CSV', () => {
  it('has exactly the steps asked for, across a rewind, and only the series asked for', async () => {
    const { text: csv, file } = await asked('format=csv&series=gradNorm&series=loss&from=1990&to=2510');
    expect(csv.split('\r\n')[0]).toBe('step,timeMs,loss,gradNorm');
    const columns = ['loss', 'gradNorm'].map((n) => names.indexOf(n));
    // Step 2000 on is of the second attempt; NaN, infinities and -0 are at 2500 to 2502.
    expect(cells(csv)).toEqual(
      Array.from({ length: 520 }, (_, i) => [String(1990 + i), ...columns.map((c) => text(recordedRow(1990 + i)[c]!))]),
    );
    expect(file).toBe('attachment; filename="Recorded-run-steps1990-2510.csv"');
  });

  it('is saved under the names of the run and of its one series, whatever their script', async () => {
    const name = async (runName: string, query: string) => {
      await app.hub.decide('record1', () => [
        { type: 'run.labelled', actor: { id: 'a', name: 'A', role: 'admin' }, name: runName },
      ]);
      return (await asked(query)).file;
    };
    expect(await name('Ünï / 実験\u202e "1"', 'format=csv&series=loss&from=1&to=2')).toBe(
      `attachment; filename="record1-steps1-2.csv"; filename*=UTF-8''${encodeURIComponent('Ünï-実験-1-loss-steps1-2.csv')}`,
    );
    expect(await name('🚀', 'format=csv&series=loss')).toBe('attachment; filename="record1-loss.csv"');
    expect(await name('字'.repeat(80), 'format=csv')).toContain(`''${encodeURIComponent(`${'字'.repeat(50)}.csv`)}`);
    await name('Recorded run', 'format=csv');
  });

  it('at either end alone, beyond the end, and of one step', async () => {
    const steps = async (query: string) => cells((await asked(`format=csv&series=loss&${query}`)).text).map(([s]) => Number(s));
    const all = Array.from({ length: recordedSteps }, (_, s) => s);
    expect(await steps('from=2990&to=9999')).toEqual(all.slice(2990));
    expect(await steps('to=3')).toEqual([0, 1, 2]);
    expect(await steps('from=700&to=701')).toEqual([700]);
    expect(await steps('from=5000')).toEqual([]);
    expect(await steps('from=0')).toEqual(all);
  });

  it('what cannot be is refused with the field that is wrong', async () => {
    const refused = async (query: string) => {
      const { status, text: body } = await asked(query);
      return [status, JSON.parse(body).error];
    };
    expect(await refused('format=csv&from=9&to=9')).toEqual([400, 'to: 9 must be above from (9)']);
    expect(await refused('format=csv&series=nosuch')).toEqual([
      400,
      `series: run record1 has no "nosuch"; it has ${names.join(', ')}`,
    ]);
    expect(await refused('format=parquet&from=9')).toEqual([400, 'from: only format csv takes it, parquet is of the whole run']);
  });

  it('is found without reading the rest of the log', async () => {
    const store = app.hub.store as Store;
    let rows = 0;
    const source = {
      ...store,
      blobs: null as never,
      entries: async () => {
        throw new Error('the log is not needed');
      },
      async rows(query: RowsQuery) {
        const found = await store.rows(query);
        rows += found.steps.length;
        return found;
      },
    };
    const [stream] = await store.streams('record1');
    const found: number[] = [];
    for await (const { step } of mergedRows(source, 'record1', [{ stream: stream!, columns: [{ from: 0, to: 0 }] }], {
      from: 2900,
      to: 2910,
    }))
      found.push(step);
    expect([found, rows]).toEqual([Array.from({ length: 10 }, (_, i) => 2900 + i), 10]);
  });
});
