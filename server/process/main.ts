/** Entry of the server process: reads the environment, prints one line with the address, stops cleanly on SIGINT and SIGTERM. */
import { fileURLToPath } from 'node:url';
import { StartError } from '~/server/base/startError';
import { version } from '~/server/base/version';
import type { Target } from '~/server/cluster/forward';
import { type Shared, startNode } from '~/server/cluster/node';
import { startRelayNode } from '~/server/cluster/relayNode';
import { standInHealth } from '~/server/cluster/standIn';
import { LeaseLostError } from '~/server/store/postgres/database';
import { addressForOthers, isOpen } from '~/server/web/address';
import { needPort } from '~/server/web/listen';
import { unknownSettings } from '~/shared/settingNames';
import { createApp } from './app';
import { readEnv, recipeFiles } from './env';
import { type Checks, diskCheck, healthRoutes } from './health';
import { openLog } from './openLog';
import { endInOrder } from './shutdown';

const fromSource = import.meta.url.endsWith('.ts');
const root = fileURLToPath(new URL('../..', import.meta.url));
const dev = process.argv.includes('--dev');
Object.assign(process.env, { NODE_ENV: process.env.NODE_ENV ?? (dev ? 'development' : 'production') });

try {
  const env = readEnv(process.env);
  // The trainer runs in the program's folder; relative paths are meant from the present folder.
  if (process.env.HEADROOM_RECIPES) process.env.HEADROOM_RECIPES = recipeFiles(process.env.HEADROOM_RECIPES).join(',');
  const log = openLog(env.logLevel);
  for (const line of unknownSettings(process.env)) log.warn({}, line);
  // Before the data folder is opened, and brought up to date.
  await needPort(env.host, env.port);
  const args = fromSource ? ['--import', 'tsx', 'trainer/process/main.ts'] : ['--enable-source-maps', '.build/trainer/main.js'];
  const trainer = env.trainers === 0 ? null : { args, folder: root, backend: env.backend };
  const start = async (shared?: Shared) => {
    const app = await createApp({
      ...env,
      version,
      pages: { dev, root },
      trainer,
      firstRuns: true,
      log,
      ...(shared && { shared }),
    });
    console.log(`Headroom is running on ${app.url}${app.adminLink ?? ''} (data in ${env.dataFolder}; Ctrl-C ends it)`);
    return app;
  };
  const { host } = env;
  const urlOf = (port: number) => addressForOthers(host, port);
  const routes = (more: Checks) => (target: () => Target, trouble?: () => string | null) => {
    const { checks, about } = standInHealth(target, trouble);
    return healthRoutes(version, { ...checks, ...more }, about);
  };
  const relay = async (leader: string) => {
    const node = await startRelayNode({ ...env, leader, open: isOpen({ host }), routes: routes({}) });
    const problem = node.problem();
    console.log(`Headroom relays ${leader} on ${urlOf(node.port)}${problem ? `; now: ${problem}` : ''} (Ctrl-C ends it)`);
    return node;
  };
  const joinNodes = (databaseUrl: string) =>
    startNode({
      ...env,
      databaseUrl,
      address: (port) => env.address ?? urlOf(port),
      open: isOpen(env),
      log,
      routes: routes({ disk: diskCheck(env.dataFolder) }),
      lead: start,
      onLeader: (address) => console.log(`Headroom stands by: the leading node is at ${address} (Ctrl-C ends it)`),
      onEnd(error) {
        console.error(error instanceof LeaseLostError || error instanceof StartError ? error.message : error);
        process.exit(1);
      },
    });
  const server = await (env.relayOf !== null
    ? relay(env.relayOf)
    : env.databaseUrl !== null
      ? joinNodes(env.databaseUrl)
      : start());
  endInOrder(server.close, { withinMs: 10_000, onError: (error) => log.fatal({ err: error }, String(error)) });
} catch (error) {
  console.error(error instanceof StartError ? error.message : error);
  process.exit(1);
}
