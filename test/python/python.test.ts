/**
 * The Python client against the real server: pytest in a virtual environment that is made here, once. Where Python, or a package that the tests need, is not to be had,
 * nothing is tested and a line says so.
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '~/test/support/root';

const folder = path.join(root, '.build/python');
const python = path.join(folder, 'bin/python');
const options = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--retries', '0'];

/** null, or why there is no environment. */
function environment(): string | null {
  if (existsSync(path.join(folder, 'ready'))) return null;
  const run = (program: string, ...args: string[]) => execFileSync(program, args, { stdio: 'pipe', timeout: 500_000 });
  try {
    run('python3', '-c', 'import sys; assert sys.version_info >= (3, 10), sys.version');
    mkdirSync(path.dirname(folder), { recursive: true });
    run('python3', '-m', 'venv', folder);
    run(python, ...options, 'websocket-client>=1.6', 'pytest>=7');
  } catch (error) {
    return String((error as { stderr?: Buffer }).stderr ?? error)
      .trim()
      .slice(-300);
  }
  try {
    // A wheel that lies beside the index is for the processor alone; what the index itself has may want gigabytes of GPU libraries.
    run(python, ...options, '--no-index', '--no-deps', 'torch');
    run(python, ...options, 'filelock', 'typing-extensions', 'sympy', 'networkx', 'jinja2', 'fsspec', 'numpy');
  } catch {
    console.log('test/python: torch is not to be had here as a wheel: the tests that need it are skipped');
  }
  writeFileSync(path.join(folder, 'ready'), '');
  return null;
}

describe('the Python client', () => {
  it('pytest', { timeout: 900_000 }, async () => {
    const missing = environment();
    if (missing !== null) {
      console.log(`test/python: SKIPPED, there is no Python environment: ${missing}`);
      return;
    }
    const pytest = spawn(python, ['-m', 'pytest', '-q', '-x', '-p', 'no:cacheprovider', '-rs', 'test/python'], {
      cwd: root,
      env: {
        ...process.env,
        PYTHONPATH: path.join(root, 'trainer/python'),
        PYTHONDONTWRITEBYTECODE: '1',
        NODE: process.execPath,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [pytest.stdout, pytest.stderr]) stream.on('data', (data) => (said += data));
    const code = await new Promise((resolve) => pytest.on('close', resolve));
    console.log(said.trim().split('\n').slice(-8).join('\n'));
    expect([code, code === 0 ? '' : said]).toEqual([0, '']);
  });
});
