/**
 * Starts the product with a scripted run that streams into it, for work on the pages: `npx tsx test/support/demoServer.ts --port 3100 [--step-ms 50]`.
 * Pages come from Next's development server; the data folder is deleted at the end.
 */

import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startApp } from './app';
import { ownFolder } from './folder';
import { startScriptedTrainer } from './scriptedTrainer';
import { configOf, publishedSetup, withConfig } from './setups';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '3100' },
    'step-ms': { type: 'string', default: '50' },
    'no-pages': { type: 'boolean' },
  },
});
const folder = ownFolder();
const root = fileURLToPath(new URL('../../', import.meta.url));
const say = (_details: object, message: string) => console.error(message);
const app = await startApp({
  dataFolder: folder.path,
  port: Number(values.port),
  pages: values['no-pages'] ? null : { dev: true, root },
  log: { info: () => {}, warn: say, error: say },
});
const you = { id: 'local', name: 'You', role: 'admin' } as const;
const setup = publishedSetup('reverse');
const { runId } = await app.hub.create(you, {
  ...withConfig(setup, { model: { ...configOf(setup).model, layers: 2, heads: 2 } }),
  name: 'Scripted',
});
const trainer = await startScriptedTrainer(app.address, { stepMs: Number(values['step-ms']) });
console.log(`${app.url}/runs/${runId}`);
process.once('SIGINT', async () => {
  trainer.close();
  await app.close();
  folder.remove();
  process.exit(0);
});
