import { spawn } from 'node:child_process';

/** The interpreter in PYTHON, else python3. @throws Error that says what to set when torch is missing */
export async function pythonWithTorch(): Promise<string> {
  const python = process.env.PYTHON ?? 'python3';
  const child = spawn(python, ['-c', 'import torch'], { stdio: 'ignore' });
  const code = await new Promise<number | string>((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('exit', (exit) => resolve(exit ?? 1));
  });
  if (code !== 0)
    throw new Error(
      `--vs-pytorch: ${python} cannot import torch (${code}); set PYTHON to one that can, or pip install torch --index-url https://download.pytorch.org/whl/cpu`,
    );
  return python;
}
