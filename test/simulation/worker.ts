/** Lives a range of seeds for the bench, in a process of its own: `worker.ts FIRST COUNT EVERY`; sends its counts to its parent now and then. */
import { simulate } from './simulate';

const [first = 1, count = 1, every = 1] = process.argv.slice(2).map(Number);
const tellEvery = 50;
let sum: Record<string, number> = {};
let failed: string[] = [];
for (let i = 0; i < count; i++) {
  try {
    const { events, simulatedMs, counts } = await simulate(first + i * every);
    for (const [key, n] of Object.entries({ lives: 1, events, simulatedMs, ...counts })) sum[key] = (sum[key] ?? 0) + n;
  } catch (error) {
    failed.push(error instanceof Error ? error.message : String(error));
  }
  if (i % tellEvery < tellEvery - 1 && i < count - 1) continue;
  process.send!({ sum, failed, cpuSeconds: process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6 });
  sum = {};
  failed = [];
}
process.disconnect();
