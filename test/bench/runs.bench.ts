/**
 * `npm run bench -- runs [--runs 10000]`: the list of runs. Server time for a page of the table (search, sort and group over all lines), and its size on the wire.
 */
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { RunTable } from '~/server/runs/runTable';
import { stringify } from '~/shared/json';
import type { KnownRecipe } from '~/shared/recipes';
import type { TableQuery } from '~/shared/runTable';
import { runLine } from '~/test/support/runLines';
import { configOf, publishedSetup, recipeNamed } from '~/test/support/setups';
import type { BenchResult } from './main';

export async function bench(args: string[]): Promise<BenchResult> {
  const { values } = parseArgs({ args, options: { runs: { type: 'string', default: '10000' } } });
  const runs = Number(values.runs);
  if (!Number.isSafeInteger(runs) || runs < 1) throw new Error(`--runs: ${values.runs} is no number of runs; give 10000`);
  const base = configOf(publishedSetup('reverse'));
  const lines = Array.from({ length: runs }, (_, i) =>
    runLine(
      `run${String(i).padStart(7, '0')}`,
      {
        name: `Reverse ${i % 97} ${i}`,
        createdAt: i,
        step: i,
        loss: i % 13 === 0 ? Number.NaN : 1 / (1 + i),
        tags: [`tag${i % 7}`],
        project: `project ${i % 5}`,
      },
      {
        config: { ...base, seed: i, optimizer: { ...base.optimizer, learningRate: 10 ** -(1 + (i % 5)) } } as never,
        series: Array.from({ length: 24 }, (_, k): [string, number] => [`series ${k}`, i + k]),
      },
    ),
  );
  const recipes: KnownRecipe[] = [{ ...recipeNamed('reverse').spec, trainers: [] }];
  const table = new RunTable({
    runs: () => lines,
    recipes: () => recipes,
    store: { range: () => Promise.reject(new Error('not measured')) },
    elapsed: () => performance.now(),
  });
  const all: TableQuery = { search: '', show: 'all', sort: 'createdAt', descending: true, group: 'none' };
  const queries: [string, Partial<TableQuery>][] = [
    ['newest first', {}],
    ['by name', { sort: 'name' }],
    ['by a setting', { sort: 'config.optimizer.learningRate' }],
    ['searched: lr>1e-4 tag:tag3 reverse', { search: 'lr>1e-4 tag:tag3 reverse' }],
    ['grouped by project', { group: 'project' }],
    ['grouped by family', { group: 'family' }],
  ];
  const rows = queries.map(([name, query]) => {
    const times: number[] = [];
    const work: number[] = [];
    let bytes = 0;
    for (let k = 0; k < 15; k++) {
      const [begun, cpu] = [performance.now(), process.cpuUsage()];
      const page = table.page({ ...all, ...query, columns: ['config.optimizer.learningRate'], folded: [], skip: 0, limit: 100 });
      const text = stringify(page);
      times.push(performance.now() - begun);
      work.push(process.cpuUsage(cpu).user / 1000);
      bytes = gzipSync(text).length;
    }
    for (const list of [times, work]) list.sort((a, b) => a - b);
    return { query: name, p50Ms: times[7]!, mostMs: times.at(-1)!, p50CpuMs: work[7]!, gzipKb: bytes / 1000 };
  });
  return { title: `A page of 100 lines out of ${runs} runs, on the server`, rows };
}
