/** A server for the fault harness, to be killed: `server.ts FOLDER PORT`. Prints its trainers' token once it listens. */
import { startApp } from '~/test/support/app';

const [, , dataFolder, port] = process.argv;
const app = await startApp({ dataFolder: dataFolder!, port: Number(port), graceMs: 60_000 });
console.log(app.trainerToken);
