/**
 * The Python client against the real server: `log()`, its share of a step, the first point, stop, watch, finish without a server. PYTHON names the interpreter (else
 * python3); it needs the package websocket-client, and torch to measure `watch`.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { root } from '~/test/support/root';
import type { BenchResult } from './main';

export async function bench(args: string[]): Promise<BenchResult> {
  if (args.length > 0) throw new Error(`unknown flag ${args[0]}; this bench takes none`);
  const folder = mkdtempSync(path.join(tmpdir(), 'headroom-bench-'));
  const port = await freePort();
  const server = spawn(process.execPath, ['--import', 'tsx', 'test/python/server.ts', path.join(folder, 'data'), String(port)], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const rows: BenchResult['rows'] = [];
  try {
    const [first] = await once(createInterface(server.stdout));
    const { url, token } = JSON.parse(first) as { url: string; token: string };
    const script = spawn(process.env.PYTHON ?? 'python3', ['test/bench/python.py'], {
      cwd: root,
      env: {
        ...process.env,
        PYTHONPATH: path.join(root, 'trainer/python'),
        PYTHONDONTWRITEBYTECODE: '1',
        HEADROOM_SERVER: url,
        HEADROOM_TRAINER_TOKEN: token,
        HEADROOM_SPOOL: path.join(folder, 'spool'),
      },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    for await (const line of createInterface(script.stdout)) {
      if (line === 'KILL') {
        server.kill('SIGKILL');
        script.stdin.write('gone\n');
      } else rows.push(JSON.parse(line));
    }
    if (rows.length === 0)
      throw new Error('the Python script ended at once; set PYTHON to an interpreter that has websocket-client');
  } finally {
    server.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
  return { title: 'The Python client', rows };
}

const once = (lines: ReturnType<typeof createInterface>): Promise<[string]> =>
  new Promise((resolve) => lines.once('line', (line) => resolve([line])));

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
