/** A run with every kind of entry, blobs, a rewind and non-finite numbers, written into a folder that a server can use. */

import { openBlobs } from '~/server/store/blobs';
import { openSqliteStore } from '~/server/store/sqlite/open';
import type { Entry, RunEvent } from '~/shared/events';
import { seqCount } from '~/shared/rows';
import { publishedConfig, publishedSetup } from './setups';
import { ada, writer } from './storeEntries';
import { blobOf, refOf, row, runStarted, snapshot, startValues } from './synthetic';

export const recordedSetup = publishedSetup(
  'reverse',
  { model: { ...publishedConfig('reverse').model, layers: 2, heads: 2 }, probeSize: 1 },
  { name: 'Recorded run' },
);
const values = startValues(recordedSetup);

/** Number of steps at the end of the run, and first step of its second attempt. */
export const recordedSteps = 3000;
const resumedAt = 2000;

/** The valid row of a step, not rewound; a few numbers are not finite. */
export function recordedRow(step: number): number[] {
  const numbers = row(step, values);
  if (step === 700) numbers[0] = Number.NaN;
  if (step === 2500) numbers[3] = Number.POSITIVE_INFINITY;
  if (step === 2501) numbers[3] = Number.NEGATIVE_INFINITY;
  if (step === 2502) numbers[3] = -0;
  return numbers;
}

const rows = (firstStep: number, count: number, scale = 1): RunEvent => ({
  type: 'rows',
  stream: 'steps',
  steps: { first: firstStep, count },
  values: Float64Array.from(Array.from({ length: count }, (_, i) => recordedRow(firstStep + i).map((v) => v * scale)).flat()),
});

/** The event as the server logs it when the streams are already known. */
function declaredBefore(event: RunEvent): RunEvent {
  if (event.type !== 'started') return event;
  const { streams: _streams, ...rest } = event;
  return rest;
}

export async function recordRun(folder: string, runId = 'record1', finish = true): Promise<{ log: Entry[]; blobs: string[] }> {
  const store = await openSqliteStore(folder);
  const blobs = await openBlobs(folder, store);
  const run = writer(store, runId, true);
  const kept: string[] = [];
  const keep = async (blob: { hash: string; bytes: Uint8Array }) => {
    await blobs.put(blob.hash, blob.bytes);
    kept.push(blob.hash);
    return refOf(blob);
  };
  const shot = async (step: number) => {
    const made = snapshot(step, recordedSetup, 'cadence');
    await keep(made.blob);
    return made.event;
  };
  const take = (
    attempt: number,
    fromStep: number,
    checkpoint: { hash: string; bytes: number } | null,
    keepSeq = 0,
  ): RunEvent => ({
    type: 'run.assigned',
    attempt,
    trainer: { id: 'trainer01', name: 'local', host: 'h' },
    fromStep,
    checkpoint,
    keepSeq,
  });
  const state = await keep(blobOf(Uint8Array.from({ length: 40_000 }, (_, i) => i % 251)));

  await run.append([{ type: 'run.created', setup: recordedSetup, actor: ada, parent: null }]);
  await run.append([take(1, 0, null)]);
  await run.append([runStarted(0, values), await shot(0), rows(0, resumedAt)]);
  // Time passes during the run, because a replay uses the run's own pace.
  run.at += 60_000;
  const command = { kind: 'set' as const, id: 'command-0001', runId, control: 'clipThreshold', value: 1 };
  const asked = run.head + 1;
  await run.append([{ type: 'command.requested', actor: ada, command }]);
  await run.append([
    { type: 'command.applied', commandId: command.id, seq: asked, step: resumedAt, before: 5, after: 1, message: '' },
    await shot(resumedAt),
    {
      type: 'checkpoint',
      step: resumedAt,
      blob: state,
      trigger: 'cadence',
      commandId: null,
      lastCommandSeq: asked,
      main: { split: 'validation', metric: { name: 'accuracy', value: Number.NaN, main: true } },
    },
  ]);
  const kept2 = run.head;
  await run.append([rows(resumedAt, 500, -1), await shot(2400)]);
  await run.append([{ type: 'trainer.lost', message: 'its process ended' }]);
  await run.append([take(2, resumedAt, state, kept2)]);
  await run.append([
    declaredBefore(runStarted(resumedAt, values)),
    rows(resumedAt, recordedSteps - resumedAt),
    await shot(recordedSteps),
  ]);
  await run.append([
    {
      type: 'evaluation',
      step: recordedSteps,
      split: 'test',
      metrics: [
        { name: 'loss', value: 0.01, role: 'loss' },
        { name: 'accuracy', value: 0.99, role: 'accuracy' },
      ],
      examples: 100,
      elapsedMs: 5,
      trigger: 'end',
      commandId: null,
      parametersStep: recordedSteps,
    },
  ]);
  if (finish) await run.append([{ type: 'status', status: 'finished', step: recordedSteps, message: 'done' }]);
  await store.close();
  return { log: run.log, blobs: kept };
}

/** The whole log of a run, read in pages. */
export async function readLog(
  store: { entries(query: { runId: string; fromSeq: number; limit: number; types: null }): Promise<Entry[]> },
  runId: string,
): Promise<Entry[]> {
  const log: Entry[] = [];
  for (let from = 1; ; ) {
    const page = await store.entries({ runId, fromSeq: from, limit: 1000, types: null });
    const last = page.at(-1);
    if (!last) return log;
    log.push(...page);
    from = last.seq + seqCount(last.event);
  }
}
