import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));

describe('a process that ends in order', () => {
  let folder: string;
  let npm: ChildProcess;
  let pid = 0;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'headroom-shutdown-'));
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
    const entry = join(folder, 'entry.ts');
    writeFileSync(
      entry,
      `import { endInOrder } from ${JSON.stringify(join(root, 'server/process/shutdown.ts'))};
       endInOrder(async () => console.log('closed'), { withinMs: 5000, onError: (error) => console.log(String(error)) });
       setInterval(() => {}, 1000);
       console.log(process.pid);`,
    );
    writeFileSync(
      join(folder, 'package.json'),
      JSON.stringify({ type: 'module', scripts: { start: 'node --import tsx entry.ts' } }),
    );
  });
  afterEach(() => {
    npm.kill('SIGKILL');
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended, as it should.
    }
    rmSync(folder, { recursive: true, force: true });
  });

  it.skipIf(process.platform === 'win32')('closes when `npm start` gets SIGTERM, though npm does not pass it on', async () => {
    npm = spawn('npm', ['start', '--silent'], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
    const said: string[] = [];
    npm.stdout!.setEncoding('utf8').on('data', (text: string) => said.push(text));
    await expect.poll(() => said.join(''), { timeout: 60_000 }).toMatch(/^\d+\n$/);
    pid = Number(said.join(''));
    npm.kill('SIGTERM');
    // Ends of file: the last process that could write has ended.
    await once(npm.stdout!, 'close');
    expect(said.join('')).toBe(`${pid}\nclosed\n`);
  });
});
