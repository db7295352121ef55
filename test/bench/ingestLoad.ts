/** The load of the ingest bench, in a separate process: one trainer that sends as fast as the server answers, and viewers that watch the run. */
import { once } from 'node:events';
import { runStarted, startValues } from '~/test/support/synthetic';
import { TrainerClient } from '~/test/support/trainerClient';
import { TestViewer } from '~/test/support/viewer';
import type { LoadOrder, LoadReport } from './ingest.bench';
import { rowSource, seriesNames } from './rows';

const { url, token, batch, window, steps, width, viewers } = JSON.parse(process.argv[2]!) as LoadOrder;
const trainer = await TrainerClient.connect({ url, token });
trainer.ready();
const assignment = await trainer.assigned();
const watching = await Promise.all(Array.from({ length: viewers }, () => TestViewer.connect(url)));
for (const viewer of watching) await viewer.watch(assignment.runId);

const started = runStarted(0, startValues(assignment.setup));
if (started.type !== 'started') throw new Error('unreachable');
await trainer.send({
  ...started,
  streams: [{ stream: 'steps', columns: seriesNames(width).map((name) => ({ name, group: 'bench' })) }],
});

const source = rowSource(width, 'f32');
process.send?.('ready');
await once(process, 'message');

const ackMs: number[] = [];
const waiting: Promise<void>[] = [];
const startedAt = performance.now();
let number = trainer.run!.next;
for (let step = 0; step < steps; step += batch) {
  const count = Math.min(batch, steps - step);
  const sentAt = performance.now();
  const answered = trainer
    .batch(number, [{ type: 'rows', stream: 'steps', steps: { first: step, count }, values: source(step, count) }])
    .then((answer) => {
      if (!answer.ok) throw new Error(`${answer.reason}: ${answer.message}`);
      ackMs.push(performance.now() - sentAt);
    });
  number += count;
  waiting.push(answered);
  if (waiting.length >= window) await waiting.shift();
}
await Promise.all(waiting);
const elapsedMs = performance.now() - startedAt;
await Promise.all(watching.map((v) => v.until((view) => view.step === steps)));
const report: LoadReport = { elapsedMs, ackMs, viewerSteps: watching.map((v) => v.view!.step) };
process.send?.(report, () => process.exit(0));
