/**
 * `npm run bench -- faults [--seed N] [--rounds 3] [--kills 20] [--flips 100] [--messages 5000] [--nodes 1]`: kills, floods, file damage, and
 * faults of several nodes, with printed seeds.
 */
import { parseArgs } from 'node:util';
import { changeBits, flood, killServers } from '~/test/faults/faults';
import { disturbNodes } from '~/test/faults/nodes';
import { withoutPostgres } from '~/test/support/postgres';
import type { BenchResult } from './main';

export async function bench(args: string[]): Promise<BenchResult> {
  const { values } = parseArgs({
    args,
    options: {
      seed: { type: 'string', default: String(Math.floor(Math.random() * 1e6)) },
      rounds: { type: 'string', default: '3' },
      kills: { type: 'string', default: '20' },
      flips: { type: 'string', default: '100' },
      messages: { type: 'string', default: '5000' },
      nodes: { type: 'string', default: '1' },
    },
  });
  const rows: BenchResult['rows'] = [];
  for (let round = 0; round < Number(values.rounds); round++) {
    const seed = Number(values.seed) + round;
    console.log(`seed ${seed}`);
    const killed = await killServers(seed, Number(values.kills));
    const { flips, found } = await changeBits(seed, Number(values.flips));
    const { refused } = await flood(seed, Number(values.messages));
    const nodes = withoutPostgres ? null : await disturbNodes(seed, Number(values.nodes));
    rows.push({
      seed,
      kills: killed.kills,
      rowsKept: killed.rows,
      rowsLost: 0,
      bitsChanged: flips,
      foundByReaders: found,
      otherAnswers: 0,
      messages: Number(values.messages),
      refused,
      ...(nodes && { faultsOfNodes: nodes.faults, rowsOfNodesKept: nodes.rows, rowsOfNodesLost: 0 }),
    });
  }
  return {
    title: 'faults: killed servers, changed bits, nonsense, several nodes',
    rows,
    notes: [
      'A row lost, another answer or a message without one ends the bench with its seed.',
      ...(withoutPostgres ? [`Several nodes: skipped, ${withoutPostgres}.`] : []),
    ],
  };
}
