/**
 * A process for the crash test: writes to run001 of the store in argv[2] forever and prints `<head> <step>` after each acknowledged append.
 * It continues from the end of the log as a new attempt, and rewinds up to 300 steps as a resumed trainer does.
 */
import { openSqliteStore } from '~/server/store/sqlite/open';
import { assigned, created, declared, rows, writer } from './storeEntries';

const store = await openSqliteStore(process.argv[2]!);
const [known] = await store.runs();
const run = writer(store, 'run001');
let step = 0;
if (!known) await run.append([created, declared()]);
else {
  const { headStep } = await store.range({ runId: 'run001', series: [], fromStep: 0, toStep: null, buckets: 1 });
  run.head = known.head;
  run.attempt = known.attempt;
  step = Math.max(0, headStep - 300);
}
await run.append([assigned(run.attempt + 1, step, run.head)]);
console.log(`${run.head} ${step}`);
for (let count = 1; ; count = (count % 700) + 37) {
  await run.append([rows(step, count, 2, (s, c) => s + c / 4)]);
  step += count;
  console.log(`${run.head} ${step}`);
}
