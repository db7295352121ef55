/**
 * The Python client against the real server, and with the real libraries that it joins: pytest in a virtual environment that is made here, once for all clones of one
 * machine. Where Python is not to be had, nothing is tested; where a package is not, the tests that need it are skipped; a line says so.
 */
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '~/test/support/root';

const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--retries', '0'];
/** What every test needs. */
const core = ['websocket-client>=1.6', 'pytest>=7'];
/** What some tests need; each line is installed by itself. */
const libraries = [
  // A wheel that lies beside the index is for the processor alone; what the index itself has may want gigabytes of GPU libraries.
  ['--no-index', '--no-deps', 'torch'],
  ['filelock', 'typing-extensions', 'sympy', 'networkx', 'jinja2', 'fsspec', 'numpy', 'setuptools>=77.0.3', 'matplotlib'],
  ['transformers>=5', 'accelerate'],
  ['lightning'],
  ['tensorboard'],
  ['keras', 'tensorflow-cpu'],
];
const name = createHash('sha256')
  .update(JSON.stringify([core, libraries]))
  .digest('hex')
  .slice(0, 12);
const folder = path.join(root, 'node_modules/.cache/python', name);
const python = path.join(folder, 'bin/python');

/** null, or why there is no environment. */
function environment(): string | null {
  if (existsSync(folder)) return null;
  const made = `${folder}.${process.pid}`;
  const run = (program: string, ...args: string[]) =>
    execFileSync(program, args, { stdio: 'pipe', timeout: 900_000, env: { ...process.env, PIP_NO_INPUT: '1' } });
  const own = path.join(made, 'bin/python');
  try {
    run('python3', '-c', 'import sys; assert sys.version_info >= (3, 10), sys.version');
    mkdirSync(path.dirname(folder), { recursive: true });
    run('python3', '-m', 'venv', made);
    run(own, ...pip, ...core);
  } catch (error) {
    rmSync(made, { recursive: true, force: true });
    return String((error as { stderr?: Buffer }).stderr ?? error)
      .trim()
      .slice(-300);
  }
  for (const some of libraries)
    try {
      run(own, ...pip, ...some);
    } catch {
      console.log(`test/python: ${some.at(-1)} is not to be had here: the tests that need it are skipped`);
    }
  renameSync(made, folder);
  return null;
}

const files = readdirSync(path.join(root, 'test/python')).filter((f) => f.startsWith('test_'));

describe('the Python client', () => {
  let missing: string | null | undefined;

  it.each(files)('%s', { timeout: 1_800_000 }, async (file) => {
    missing ??= environment();
    if (missing !== null) {
      console.log(`test/python: SKIPPED, there is no Python environment: ${missing}`);
      return;
    }
    const pytest = spawn(python, ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', '-rs', `test/python/${file}`], {
      cwd: root,
      env: {
        ...process.env,
        PYTHONPATH: path.join(root, 'trainer/python'),
        PYTHONDONTWRITEBYTECODE: '1',
        // Threads of torch that wait for each other are slow where other processes have the processors.
        OMP_NUM_THREADS: '1',
        TF_CPP_MIN_LOG_LEVEL: '3',
        NODE: process.execPath,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [pytest.stdout, pytest.stderr]) stream.on('data', (data) => (said += data));
    const code = await new Promise((resolve) => pytest.on('close', resolve));
    console.log(said.trim().split('\n').slice(-4).join('\n'));
    // 5: every test of the file was skipped.
    expect([code === 5 ? 0 : code, code === 0 || code === 5 ? '' : said]).toEqual([0, '']);
  });
});
