/** Many runs that have ended, written straight into a store: creating each through the hub would take hours. */
import { openSqliteStore } from '~/server/store/sqlite/open';
import type { RunEvent } from '~/shared/events';
import { summarize } from '~/shared/summary';
import { seeded } from '~/test/support/seeded';
import { configOf, publishedSetup } from '~/test/support/setups';
import { assigned, rows, writer } from '~/test/support/storeEntries';
import { runStarted, startValues } from '~/test/support/synthetic';

/** Appends that wait for one commit together. */
const atOnce = 200;
const steps = 60;
const projects = ['default', 'attention', 'ablation', 'nightly', 'paper'];
const words = ['wide', 'deep', 'clipped', 'warm', 'cosine', 'masked', 'learned', 'one-hot', 'shuffled', 'long'];

/** Fills the data folder with `count` ended runs of different names, projects, groups, tags, settings, losses and results. */
export async function writeRuns(folder: string, count: number): Promise<void> {
  const store = await openSqliteStore(folder);
  try {
    for (let first = 0; first < count; first += atOnce) {
      if (first % 1000 === 0) console.log(`${first} of ${count} runs are written`);
      await Promise.all(Array.from({ length: Math.min(atOnce, count - first) }, (_, i) => writeRun(first + i)));
    }
  } finally {
    await store.close();
  }

  async function writeRun(n: number): Promise<void> {
    const setup = setupOf(n);
    const log = writer(store, `run${String(n).padStart(7, '0')}`, true);
    // An hour between two runs, the last one an hour ago.
    log.at = Date.now() - (count - n) * 3_600_000;
    await log.append([
      {
        type: 'run.created',
        setup,
        actor: { id: `u${n % 4}`, name: ['Ada', 'Bo', 'Chen', 'Dia'][n % 4]!, role: 'operator' },
        parent: null,
      },
      assigned(1, 0),
      runStarted(0, startValues(setup)) as RunEvent,
      { type: 'status', status: 'running', step: 0, message: '' },
      rows(0, steps, 9, (step, column) => valueAt(n, step, column)),
      {
        type: 'evaluation',
        step: steps,
        split: 'validation',
        metrics: [{ name: 'accuracy', value: (n % 101) / 100, role: 'accuracy', better: 'higher', main: true }],
        trigger: 'end',
        commandId: null,
      },
      { type: 'status', status: n % 11 === 0 ? 'failed' : 'finished', step: steps, message: '' },
    ]);
    const view = log.view()!;
    await store.saveView(view, summarize(view, 0));
  }
}

function setupOf(n: number) {
  const setup = publishedSetup('reverse');
  const config = configOf(setup);
  const random = seeded(n);
  const pick = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)]!;
  return {
    ...setup,
    name: `${pick(words)} ${pick(words)} ${n}`,
    project: pick(projects),
    ...(n % 3 === 0 && { group: `group ${n % 40}` }),
    tags: Array.from({ length: n % 4 }, (_, k) => `tag${(n + k) % 12}`),
    config: {
      ...config,
      seed: n,
      batchSize: pick([32, 64, 128, 256]),
      optimizer: { ...config.optimizer, learningRate: pick([1e-4, 3e-4, 5e-4, 1e-3, 3e-3]) },
    },
  };
}

/** A falling curve with noise; every fourteenth run ends in NaN. */
function valueAt(n: number, step: number, column: number): number {
  if (column === 0 && n % 14 === 0 && step > 40) return Number.NaN;
  return (2.3 + column) * Math.exp((-step * (1 + (n % 7))) / 100) + 0.02 * Math.sin(n * 31 + step * 17);
}
