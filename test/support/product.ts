import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { TRPCClient } from '@trpc/client';
import type { AppRouter } from '~/server/trpc';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** The product as a user starts it: `npm start` on a data folder and a port. */
export interface Product {
  url: string;
  /** All output of the product so far. */
  output(): string;
  /** Ends the product like Ctrl-C, and waits until the process has ended. */
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

/**
 * Pauses the run `name` of a server as soon as it trains, and says which it is. The first demonstration takes half a minute, less than a browser may need
 * on a loaded machine to open its page.
 */
export async function pauseEarly({ runs }: Pick<TRPCClient<AppRouter>, 'runs'>, name: string): Promise<string> {
  for (;;) {
    const run = (await runs.list.query()).find((r) => r.name === name);
    const id = `pause-${run?.runId}`;
    if (
      run?.status === 'running' &&
      (await runs.command.mutate({ kind: 'act', id, runId: run.runId, action: 'pause', args: {} })).ok
    )
      return run.runId;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** @throws Error with the product's output when it ends within `withinMs` or does not answer /healthz by then */
export async function startProduct(options: {
  dataFolder: string;
  port: number;
  env?: Record<string, string>;
  withinMs?: number;
  /** Default: npm start in this repository. */
  program?: { command: string; args: string[]; folder: string };
}): Promise<Product> {
  const program = options.program ?? { command: 'npm', args: ['start'], folder: root };
  // Without the NODE_ENV of the test runner, which a user does not have.
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
    // A separate process group, so that stop() reaches only npm and its child processes.
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
