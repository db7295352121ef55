/** `npm start`: builds what is out of date, then runs it. `npm run dev` (--dev): runs the sources, compiling pages on request. */
import { needWritable } from '~/server/base/writableFolder';
import { needPort } from '~/server/web/listen';
import { build } from './build';
import { buildReplayPage } from './buildReplay';
import { readEnv } from './env';

async function start(): Promise<void> {
  const shell = process.ppid;
  // Report problems that would stop the server before a build that takes a minute.
  const { host, port, dataFolder, basePath } = readEnv(process.env);
  needWritable(dataFolder, 'HEADROOM_DATA');
  await needPort(host, port);
  if (process.argv.includes('--dev')) {
    await buildReplayPage();
    return void (await import('./main'));
  }
  await build((line) => console.log(line), basePath);
  // npm was ended during the build (shutdown.ts).
  if (process.env.npm_lifecycle_event !== undefined && process.ppid !== shell) return;
  await import(new URL('../../.build/server/main.js', import.meta.url).href);
}

start().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
