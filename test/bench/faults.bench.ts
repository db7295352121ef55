/** `npm run bench -- faults [--seed N] [--rounds 3] [--kills 20] [--flips 100] [--messages 5000]`: kills, floods and file damage, with printed seeds. */
import { parseArgs } from 'node:util';
import { changeBits, flood, killServers } from '~/test/faults/faults';
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
    },
  });
  const rows: BenchResult['rows'] = [];
  for (let round = 0; round < Number(values.rounds); round++) {
    const seed = Number(values.seed) + round;
    console.log(`seed ${seed}`);
    const killed = await killServers(seed, Number(values.kills));
    const { flips, found } = await changeBits(seed, Number(values.flips));
    const { refused } = await flood(seed, Number(values.messages));
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
    });
  }
  return {
    title: 'faults: killed servers, changed bits, nonsense',
    rows,
    notes: ['A row lost, another answer or a message without one ends the bench with its seed.'],
  };
}
