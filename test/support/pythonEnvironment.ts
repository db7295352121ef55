/** A virtual environment of Python for tests that need real programs; made once for all clones on a machine, and kept. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { root } from './root';

const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--retries', '0'];

export interface PythonEnvironment {
  python: string;
  /** Runs Python source text. @returns its output, parsed as JSON */
  run(text: string, ...args: string[]): unknown;
  /** Whether a module is installed. */
  has(module: string): boolean;
}

/**
 * @param core packages without which nothing can be tested
 * @param more each line is installed separately, and may be missing
 * @returns the environment, or why there is none
 */
export function pythonEnvironment(
  core: readonly string[],
  more: readonly (readonly string[])[] = [],
): PythonEnvironment | string {
  const name = createHash('sha256')
    .update(JSON.stringify([core, more]))
    .digest('hex')
    .slice(0, 12);
  const folder = path.join(root, 'node_modules/.cache/python', name);
  const python = path.join(folder, 'bin/python');
  const made = `${folder}.${process.pid}`;
  const start = (program: string, ...args: string[]) =>
    execFileSync(program, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: 900_000, maxBuffer: 2 ** 28 });
  if (!existsSync(folder)) {
    const own = path.join(made, 'bin/python');
    try {
      start('python3', '-c', 'import sys; assert sys.version_info >= (3, 10), sys.version');
      mkdirSync(path.dirname(folder), { recursive: true });
      start('python3', '-m', 'venv', made);
      start(own, ...pip, ...core);
    } catch (error) {
      rmSync(made, { recursive: true, force: true });
      return String((error as { stderr?: Buffer }).stderr ?? error)
        .trim()
        .slice(-300);
    }
    for (const some of more)
      try {
        start(own, ...pip, ...some);
      } catch {
        // The tests that need it report that they are skipped.
      }
    try {
      renameSync(made, folder);
    } catch (error) {
      // Another test file made the same one meanwhile.
      rmSync(made, { recursive: true, force: true });
      if (!existsSync(folder)) throw error;
    }
  }
  return {
    python,
    run: (text, ...args) => JSON.parse(start(python, '-c', text, ...args).toString()),
    has(module) {
      try {
        start(python, '-c', `import ${module}`);
        return true;
      } catch {
        return false;
      }
    },
  };
}

/** The environment of the tests that need real programs and torch; one for all of them. @returns why there is none */
export const realTools = (): PythonEnvironment | string =>
  pythonEnvironment(
    ['numpy', 'pandas', 'pyarrow', 'polars', 'duckdb', 'safetensors', 'tensorboard', 'pillow'],
    [
      // A wheel that lies beside the index is for the processor alone.
      ['--no-index', '--no-deps', 'torch'],
      ['filelock', 'typing-extensions', 'sympy', 'networkx', 'jinja2', 'fsspec', 'setuptools>=77.0.3'],
    ],
  );

/** The same, where torch is there. */
export function pythonWithTorch(): PythonEnvironment | string {
  const environment = realTools();
  return typeof environment === 'string' || environment.has('torch') ? environment : 'torch is not to be had here';
}
