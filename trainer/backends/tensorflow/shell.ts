/** Runs the programs that the set-up needs; its errors say what to do when one is missing or fails. */
import { spawn } from 'node:child_process';

/** The set-up cannot continue; the message says what is missing and how to get it. */
export class SetupError extends Error {
  override name = 'SetupError';
}

/**
 * Runs a program and shows its output as it arrives.
 *
 * @param explain turns the program's stderr into the sentence that the user should read
 * @returns its stdout
 * @throws SetupError when it is not installed (`missing` says how to get it) or its exit code is not 0
 */
export function run(
  command: string,
  args: string[],
  { missing, explain, quiet = false }: { missing: string; explain: (stderr: string) => string; quiet?: boolean },
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk;
      if (!quiet) process.stdout.write(chunk);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk;
      if (!quiet) process.stderr.write(chunk);
    });
    child.on('error', (error: NodeJS.ErrnoException) => {
      reject(new SetupError(error.code === 'ENOENT' ? missing : `${command}: ${error.message}`));
    });
    child.on('close', (code, signal) => {
      if (code === 0) resolve(stdout);
      else reject(new SetupError(`${command} failed (${signal ?? `exit code ${code}`}): ${explain(stderr)}`));
    });
  });
}

/** The last line that is not empty: most programs write the cause there. */
export function lastLine(text: string): string {
  return text.trim().split('\n').at(-1)?.trim() ?? '';
}
