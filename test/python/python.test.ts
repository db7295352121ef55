/**
 * The Python client against the real server, and with the real libraries that it joins: pytest in a virtual environment that is made here, once for all clones of one
 * machine. Where Python is not to be had, nothing is tested; where a package is not, the tests that need it are skipped; a line says so.
 */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { type PythonEnvironment, pythonEnvironment } from '~/test/support/pythonEnvironment';
import { root } from '~/test/support/root';

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
  ['mypy>=2.1'],
];
const files = readdirSync(path.join(root, 'test/python')).filter((f) => f.startsWith('test_'));

// Two files at a time: they mostly wait for processes, and share nothing.
describe.concurrent('the Python client', () => {
  let environment: PythonEnvironment | string | undefined;

  it.for(files)('%s', { timeout: 1_800_000 }, async (file, { skip }) => {
    environment ??= pythonEnvironment(core, libraries);
    if (typeof environment === 'string') {
      console.log(`SKIPPED: test/python/${file} needs Python 3.10 with venv and pip: ${environment}`);
      return skip(environment);
    }
    const pytest = spawn(environment.python, ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', '-rs', `test/python/${file}`], {
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
