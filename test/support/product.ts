import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** The product as a user starts it: `npm start` on a data folder and a port. */
export interface Product {
  url: string;
  /** Everything it printed so far. */
  output(): string;
  /** Ends it as Ctrl-C does, and waits until it is gone. */
  stop(): Promise<void>;
}

/** A port nobody listens on at this moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}

/** @throws Error with what it printed when it ends, or has not answered /healthz, within `withinMs` */
export async function startProduct(options: {
  dataFolder: string;
  port: number;
  env?: Record<string, string>;
  withinMs?: number;
  /** Left out: npm start in this repository. */
  program?: { command: string; args: string[]; folder: string };
}): Promise<Product> {
  const program = options.program ?? { command: 'npm', args: ['start'], folder: root };
  // The test runner's NODE_ENV is not the user's.
  const { NODE_ENV: _test, ...inherited } = process.env;
  const env: Record<string, string | undefined> = {
    ...inherited,
    PORT: String(options.port),
    HOST: '127.0.0.1',
    HEADROOM_DATA: options.dataFolder,
    NEXT_TELEMETRY_DISABLED: '1',
    ...options.env,
  };
  const child = spawn(program.command, program.args, {
    cwd: program.folder,
    env: env as NodeJS.ProcessEnv,
    // A group of its own, so that stop() reaches npm and all below it and nothing else.
    detached: true,
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const url = `http://127.0.0.1:${options.port}`;
  const stop = async () => {
    signal(child, 'SIGINT');
    await gone;
  };
  const deadline = Date.now() + (options.withinMs ?? 300_000);
  for (;;) {
    if (child.exitCode !== null) throw new Error(`${program.command} ended with ${child.exitCode}:\n${printed}`);
    if (await answers(`${url}/healthz`)) return { url, output: () => printed, stop };
    if (Date.now() > deadline) {
      signal(child, 'SIGKILL');
      throw new Error(`${program.command} did not answer in time:\n${printed}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    (response) => response.ok,
    () => false,
  );
}

function signal(child: ChildProcess, name: NodeJS.Signals): void {
  if (child.exitCode === null && child.pid) process.kill(-child.pid, name);
}
