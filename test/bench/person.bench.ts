/**
 * `npm run bench -- person [--seed 1] [--seeds 10] [--actions 120]`: people who use the pages at random in Chromium (test/support/randomPerson.ts), while a
 * run goes on. A fault ends the bench with its seed and with what was done before.
 */
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { main as headroomImport } from '~/server/import/cli';
import { build } from '~/server/process/build';
import { startApp } from '~/test/support/app';
import { chromiumPath, openBrowser } from '~/test/support/browser';
import { RandomPerson } from '~/test/support/randomPerson';
import { root } from '~/test/support/root';
import { type ScriptedTrainer, startScriptedTrainer } from '~/test/support/scriptedTrainer';
import { publishedSetup } from '~/test/support/setups';
import type { BenchResult } from './main';
import { machine } from './rows';

export async function bench(args: string[]): Promise<BenchResult> {
  const { values } = parseArgs({
    args,
    options: {
      seed: { type: 'string', default: '1' },
      seeds: { type: 'string', default: '10' },
      actions: { type: 'string', default: '120' },
    },
  });
  const [first, seeds, actions] = [Number(values.seed), Number(values.seeds), Number(values.actions)];
  if (![first, seeds, actions].every((n) => Number.isInteger(n) && n > 0))
    throw new Error('--seed, --seeds and --actions: whole numbers above 0');
  if (!chromiumPath) throw new Error('Chromium is needed: install it, or name it in CHROMIUM');
  const load = loadavg()[0]!;
  await build((line) => console.log(line));
  Object.assign(process.env, { NODE_ENV: 'production' });
  const app = await startApp({ pages: { dev: false, root } });
  const files = ['reverse', 'anomaly'].map((name) => join(root, `test/fixtures/v01/${name}.headroom`));
  if ((await headroomImport([...files, '--server', app.url], { out: () => {}, err: console.error })) !== 0)
    throw new Error('the recorded runs could not be imported');
  const you = { id: 'local', name: 'You', role: 'admin' } as const;
  await app.hub.create(you, publishedSetup('reverse', {}, { name: 'Scripted' }));
  await app.hub.create(you, publishedSetup('anomaly', {}, { name: 'Waits' }));
  // The person may take its run from the trainer, which then ends: the next one comes.
  let trainer: ScriptedTrainer = await startScriptedTrainer(app.address, { stepMs: 100 });
  process.on('unhandledRejection', (error) => {
    if (!/fenced/.test(String(error))) throw error;
    trainer.close();
    void startScriptedTrainer(app.address, { stepMs: 100 }).then((next) => {
      trainer = next;
    });
  });
  const ids = app.hub.summaries().map((run) => run.runId);
  const compared = [ids.slice(0, 2), ids].map((some) => `/compare?runs=${some.join()}`);
  const paths = ['/', '/team', '/runs/nothere', ...compared, ...ids.map((id) => `/runs/${id}`)];
  const { browser, close } = await openBrowser();
  const faults = new Set<string>();
  try {
    for (let seed = first; seed < first + seeds; seed++) {
      const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, hasTouch: seed % 4 === 0 });
      const person = new RandomPerson(seed, context, app.url, paths, (fault) => {
        if (faults.has(fault)) return;
        faults.add(fault);
        console.log(`seed ${seed}, action ${person.done.length}: ${fault}\n  after: ${person.done.slice(-6).join(' | ')}`);
      });
      await person.live(actions);
      await context.close();
      for (const trouble of app.trouble.splice(0)) {
        faults.add(trouble);
        console.log(`seed ${seed}: the server logged: ${trouble}`);
      }
      console.log(`seed ${seed}: done`);
    }
  } finally {
    await close();
    trainer.close();
    await app.close();
  }
  if (faults.size > 0) throw new Error(`${faults.size} faults; the first: ${[...faults][0]}`);
  return {
    title: `person: seeds ${first} to ${first + seeds - 1}`,
    rows: [{ lives: seeds, actions: seeds * actions, faults: faults.size }],
    notes: [machine(load)],
  };
}
