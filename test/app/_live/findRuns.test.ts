import { expect, it, vi } from 'vitest';
import { findRuns } from '~/app/_live/findRuns';
import { RunTable } from '~/server/runs/runTable';
import { runLine } from '~/test/support/runLines';
import { server } from '~/test/support/stubServer';

vi.mock('~/app/_trpc/links', () => import('~/test/support/stubServer'));

it('a run is found by its name, however many newer ones hold its words elsewhere', async () => {
  const newer = Array.from({ length: 20 }, (_, i) => runLine(`newer${i}`, { name: `run ${i}`, createdAt: i + 2 }));
  const table = new RunTable({
    runs: () => [runLine('wanted', { name: 'Reverse', createdAt: 1 }), ...newer],
    recipes: () => [],
    store: { range: () => Promise.reject(new Error('not here')) },
    elapsed: () => 0,
  });
  server.answers.set('runs.table', (query) => table.page(query));
  const { rows, runs } = await findRuns('reverse', { limit: 3 });
  expect(rows.map((row) => row.run.name)).toEqual(['Reverse', 'run 19', 'run 18']);
  expect(runs).toBe(21);
});
