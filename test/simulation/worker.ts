/** Lives a range of seeds for the bench, in a process of its own: `worker.ts FIRST COUNT EVERY`; sends its counts to its parent. */
import { simulate } from './simulate';

const [first = 1, count = 1, every = 1] = process.argv.slice(2).map(Number);
const sum = { lives: 0, events: 0, simulatedMs: 0, entries: 0, acknowledged: 0, frames: 0, commands: 0, takeovers: 0 };
const failed: string[] = [];
for (let i = 0; i < count; i++)
  try {
    const { events, simulatedMs, counts } = await simulate(first + i * every);
    sum.lives++;
    for (const [key, n] of Object.entries({ events, simulatedMs, ...counts })) sum[key as keyof typeof sum] += n;
  } catch (error) {
    failed.push(error instanceof Error ? error.message : String(error));
  }
process.send!({ sum, failed });
