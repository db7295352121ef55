import { expect, it } from 'vitest';
import { withoutPostgres } from '~/test/support/postgres';
import { changeBits, flood, killServers } from './faults';
import { disturbNodes, nodeFaults } from './nodes';

const seed = Number(process.env.FAULT_SEED ?? Math.floor(Math.random() * 1e6));

it(`rows that were acknowledged survive a killed server, each once (seed ${seed})`, async () => {
  const { rows } = await killServers(seed, 2);
  expect(rows).toBeGreaterThan(0);
});

it(`no changed bit gives another answer (seed ${seed})`, async () => {
  expect((await changeBits(seed, 6)).found).toBeGreaterThan(0);
});

it(`nonsense over a socket is refused and harms nothing (seed ${seed})`, async () => {
  expect((await flood(seed, 400)).refused).toBeGreaterThan(200);
});

it.skipIf(withoutPostgres)(
  `several nodes: killed, stopped, cut off, PostgreSQL restarted; no row is lost or doubled (seed ${seed})${withoutPostgres ? `: skipped, ${withoutPostgres}` : ''}`,
  async () => {
    const { faults, rows } = await disturbNodes(seed, 1);
    expect(faults).toBe(nodeFaults.length);
    expect(rows).toBeGreaterThan(500);
  },
  600_000,
);
