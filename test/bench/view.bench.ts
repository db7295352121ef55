/**
 * `npm run bench -- view`: the cost of the view of a long run. A run of 10,000,000 steps with snapshots, evaluations, checkpoints, alerts and 10,000 commands goes
 * through its room into a store on disk, in big batches; measured while it grows: a fold, packing the view for a new viewer, saving it (the server's own thread),
 * the view's size and the process's memory.
 */

import { loadavg } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { realClock } from '~/server/base/clock';
import { Rooms } from '~/server/runs/rooms';
import { openSqliteStore } from '~/server/store/sqlite/open';
import type { Entry, TrainerEvent } from '~/shared/events';
import { fold } from '~/shared/fold';
import type { Actor } from '~/shared/ids';
import { pack } from '~/shared/pack';
import { summarize } from '~/shared/summary';
import type { RunView } from '~/shared/view';
import { ownFolder } from '~/test/support/folder';
import { publishedSetup } from '~/test/support/setups';
import { controls, layersOf, startValues } from '~/test/support/synthetic';
import type { BenchResult } from './main';
import { machine, percentile, rowSource, seriesNames } from './rows';

const ada: Actor = { id: 'bench', name: 'Bench', role: 'admin' };
const runId = 'benchview1';
/** Number of events per 10,000,000 steps. */
const things = { snapshots: 20_000, evaluations: 20_000, checkpoints: 2_000, alerts: 500, commands: 10_000 };
const BATCH = 16_384;

export async function bench(args: string[]): Promise<BenchResult> {
  const { values } = parseArgs({
    args,
    options: { steps: { type: 'string', default: '10000000' }, series: { type: 'string', default: '8' } },
  });
  const [steps, width] = [count('steps', values.steps), count('series', values.series)];
  const before = loadavg()[0]!;
  const folder = ownFolder();
  const store = await openSqliteStore(folder.path);
  const folds: { steps: number; ms: number }[] = [];
  let shadow: RunView | null = null;
  const rooms = new Rooms({
    store,
    clock: realClock,
    room: { hasBlob: async () => true, hasTrainer: () => true, now: () => Date.now(), needsApproval: () => [] },
    frames: undefined,
    committed(entries: Entry[]) {
      // Folds the same entries once more and measures each fold.
      for (const entry of entries) {
        if (!shadow) continue;
        const at = performance.now();
        shadow = fold(shadow, entry);
        folds.push({ steps: shadow.step, ms: performance.now() - at });
      }
    },
    onError: (error) => {
      throw error;
    },
  });
  try {
    const setup = publishedSetup('reverse');
    const { room } = await rooms.create(runId, { type: 'run.created', setup, actor: ada, parent: null });
    shadow = room.view;
    const { attempt } = (await room.assign({ id: 'bench', name: 'bench', host: 'bench' }))!;
    let next = 0;
    const send = async (events: TrainerEvent[]) => {
      const answer = await room.events({ runId, attempt, from: next, events });
      if (!answer.ok) throw new Error(`bench: ${answer.message}`);
      next = answer.nextEvent;
    };
    await send([
      {
        type: 'started',
        step: 0,
        device: { backend: 'cpu', device: 'bench' },
        streams: [{ stream: 'steps', columns: seriesNames(width).map((name) => ({ name })) }],
        controls,
        values: startValues(setup),
      },
      { type: 'status', status: 'running', step: 0, message: '' },
    ]);
    const source = rowSource(width, 'f32');
    const rows: BenchResult['rows'] = [];
    const made = { snapshots: 0, evaluations: 0, checkpoints: 0, alerts: 0, commands: 0 };
    const due = (kind: keyof typeof things, step: number) => {
      const until = Math.floor((things[kind] * step) / 10_000_000);
      const n = until - made[kind];
      made[kind] = until;
      return Array.from({ length: n }, (_, i) => until - n + i);
    };
    const startedAt = performance.now();
    let tenth = 0;
    for (let step = 0; step < steps; ) {
      const n = Math.min(BATCH, steps - step);
      await send([{ type: 'rows', stream: 'steps', steps: { first: step, count: n }, values: source(step, n) }]);
      step += n;
      const answered: TrainerEvent[] = [];
      for (const i of due('commands', step)) {
        const id = `command-${String(i).padStart(6, '0')}`;
        const command = { kind: 'set' as const, id, runId, control: 'clipThreshold', value: 1 + (i % 7) };
        const given = await room.command(ada, command);
        if (!given.ok) throw new Error(`bench: ${given.message}`);
        answered.push({
          type: 'command.applied',
          commandId: id,
          seq: given.seq,
          step,
          before: 1,
          after: command.value,
          message: '',
        });
      }
      const happened: TrainerEvent[] = [
        ...answered,
        ...due('snapshots', step).map(
          (i): TrainerEvent => ({
            ...{
              type: 'snapshot',
              step,
              blob: blob(i),
              trigger: 'cadence',
              commandId: null,
              layers: layersOf(4, 4, 16),
              examples: 8,
            },
            signals: [{ name: 'entropy', values: new Array<number>(16).fill(0.5) }],
          }),
        ),
        ...due('evaluations', step).map(
          (i): TrainerEvent => ({
            ...{
              type: 'evaluation',
              step,
              split: i % 2 ? 'validation' : 'train',
              examples: 1000,
              elapsedMs: 5,
              trigger: 'cadence',
            },
            metrics: [
              { name: 'loss', value: 1 / (i + 1), role: 'loss' },
              { name: 'accuracy', value: (i % 1000) / 1000, role: 'accuracy', main: true, better: 'higher' },
            ],
            commandId: null,
          }),
        ),
        ...due('checkpoints', step).map(
          (i): TrainerEvent => ({
            ...{ type: 'checkpoint', step, blob: blob(1e9 + i), trigger: 'cadence', commandId: null },
            ...{ lastCommandSeq: room.view.seq, validationAccuracy: null },
          }),
        ),
        ...due('alerts', step).map(
          (i): TrainerEvent => ({ type: 'alert', step, level: 'info', kind: 'bench', message: `alert ${i}` }),
        ),
      ];
      if (happened.length > 0) await send(happened);
      if (step < (steps * (tenth + 1)) / 10) continue;
      tenth = Math.floor((10 * step) / steps);
      rows.push({ ...(await measure(store, room.view)), ...foldTimes(folds), elapsedS: (performance.now() - startedAt) / 1000 });
      folds.length = 0;
    }
    await rooms.close();
    const [first, last] = [rows[0]!, rows.at(-1)!];
    const grown = Number(last.heapMB) - Number(first.heapMB);
    return {
      title: `The view of a run of ${steps} steps x ${width} series: ${JSON.stringify(made)}`,
      rows,
      notes: [
        `targets: head <= 64 kB, fold p95 <= 0.02 ms, pack <= 2 ms, saving <= 2 ms of the server's thread; heap after the first tenth ${grown >= 0 ? '+' : ''}${grown.toFixed(1)} MB`,
        machine(before),
      ],
    };
  } finally {
    await store.close();
    folder.remove();
  }
}

async function measure(store: Awaited<ReturnType<typeof openSqliteStore>>, view: RunView): Promise<Record<string, number>> {
  const packMs: number[] = [];
  const saveMs: number[] = [];
  let bytes = 0;
  for (let i = 0; i < 20; i++) {
    await setImmediate();
    let at = performance.now();
    bytes = pack(view).length;
    packMs.push(performance.now() - at);
    at = performance.now();
    const saved = store.saveView(view, summarize(view, 0));
    saveMs.push(performance.now() - at);
    await saved;
  }
  collect();
  const { heapUsed, external, rss } = process.memoryUsage();
  return {
    step: view.step,
    headKB: bytes / 1024,
    packP50ms: percentile(packMs, 0.5),
    packP95ms: percentile(packMs, 0.95),
    saveP50ms: percentile(saveMs, 0.5),
    saveP95ms: percentile(saveMs, 0.95),
    heapMB: (heapUsed + external) / 2 ** 20,
    rssMB: rss / 2 ** 20,
  };
}

function foldTimes(folds: readonly { ms: number }[]): Record<string, number> {
  const ms = folds.map((f) => f.ms);
  return { folds: ms.length, foldP50ms: percentile(ms, 0.5), foldP95ms: percentile(ms, 0.95) };
}

/** Collects garbage, so that memory can be compared. */
function collect(): void {
  setFlagsFromString('--expose_gc');
  (runInNewContext('gc') as () => void)();
}

const blob = (n: number) => ({ hash: n.toString(16).padStart(64, '0'), bytes: 10_000 });

function count(name: string, text: string): number {
  const n = Number(text);
  if (!Number.isSafeInteger(n) || n < 1) throw new Error(`--${name} must be a whole number of at least 1, got "${text}"`);
  return n;
}
