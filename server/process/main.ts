/** Entry of the server process: reads the environment, prints one line with the address, stops cleanly on SIGINT and SIGTERM. */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { StartError } from '~/server/base/startError';
import { version } from '~/server/base/version';
import { createApp } from './app';
import { readEnv } from './env';
import { endInOrder } from './shutdown';

const fromSource = import.meta.url.endsWith('.ts');
const root = fileURLToPath(new URL('../..', import.meta.url));
const dev = process.argv.includes('--dev');
Object.assign(process.env, { NODE_ENV: process.env.NODE_ENV ?? (dev ? 'development' : 'production') });

try {
  const env = readEnv(process.env);
  // The trainer runs in the program's folder; relative paths are meant from the present folder.
  if (process.env.HEADROOM_RECIPES)
    process.env.HEADROOM_RECIPES = process.env.HEADROOM_RECIPES.split(',')
      .map((file) => resolve(file.trim()))
      .join(',');
  const log = pino({ level: env.logLevel }, pino.destination(2));
  const args = fromSource ? ['--import', 'tsx', 'trainer/process/main.ts'] : ['--enable-source-maps', '.build/trainer/main.js'];
  const trainer = env.trainers === 0 ? null : { args, folder: root, backend: env.backend };
  const app = await createApp({ ...env, version, pages: { dev, root }, trainer, firstRuns: true, log });
  console.log(`Headroom is running on ${app.url}${app.adminLink ?? ''} (data in ${env.dataFolder}; Ctrl-C ends it)`);
  endInOrder(app.close, { withinMs: 10_000, onError: (error) => log.fatal({ err: error }, String(error)) });
} catch (error) {
  console.error(error instanceof StartError ? error.message : error);
  process.exit(1);
}
