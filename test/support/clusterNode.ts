/** A node for tests, to be killed: `clusterNode.ts DATABASE_URL FOLDER PORT`. Prints one line when it stands by, and one when it leads. */
import { startNode } from '~/server/cluster/node';
import { standInHealth } from '~/server/cluster/standIn';
import { createApp } from '~/server/process/app';
import { healthRoutes } from '~/server/process/health';

const [, , databaseUrl = '', dataFolder = '', port] = process.argv;
const log = {
  info() {},
  warn: (_details: object, message: string) => console.log(`warning: ${message}`),
  error: (_details: object, message: string) => console.log(`error: ${message}`),
};
const node = await startNode({
  databaseUrl,
  blobUrl: process.env.BLOB_URL || null,
  dataFolder,
  host: '127.0.0.1',
  port: Number(port),
  address: (at) => `http://127.0.0.1:${at}`,
  open: true,
  basePath: '',
  log,
  routes(target, trouble) {
    const { checks, about } = standInHealth(target, trouble);
    return healthRoutes('test', checks, about);
  },
  async lead(shared) {
    const options = { dataFolder, host: '127.0.0.1', port: 0, version: 'test', pages: null, trainer: null, firstRuns: false };
    const app = await createApp({ ...options, graceMs: 60_000, log, shared });
    console.log(`leads ${app.trainerToken}`);
    return app;
  },
  onLeader: (address) => console.log(`stands by ${address}`),
  onEnd(error) {
    console.log(`ends: ${(error as Error).message}`);
    process.exit(1);
  },
});
process.on('SIGTERM', () => void node.close().then(() => process.exit(0)));
console.log('listens');
