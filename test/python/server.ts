/** The real server as a process of its own, for the tests of the Python client: `node --import tsx test/python/server.ts FOLDER PORT`. */
import { createApp } from '~/server/process/app';

const [dataFolder, port] = process.argv.slice(2);
const note = (_details: object, message: string) => console.error(message);
const app = await createApp({
  dataFolder: dataFolder!,
  host: '127.0.0.1',
  port: Number(port),
  version: 'test',
  pages: null,
  trainer: null,
  firstRuns: false,
  log: { info: () => {}, warn: note, error: note },
});
console.log(JSON.stringify({ url: app.url, token: app.trainerToken }));
process.on('SIGTERM', () => void app.close().then(() => process.exit(0)));
