/** Starts the trainer beside the server and keeps it running; ends only its own child process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface TrainerProcessOptions {
  /** Node arguments, the entry file last. */
  args: string[];
  /** Its working folder. */
  folder: string;
  env: Record<string, string>;
  log(line: string): void;
  /** The process ended without being asked to. `message` says how it ended, with its last output. */
  onDeath(pid: number, message: string): void;
  /** Delay before the first restart; doubles up to `most` with each death within a minute. */
  backoffMs?: { first: number; most: number };
}

export interface TrainerProcess {
  /** null while it is down. */
  pid(): number | null;
  /** Sends SIGTERM, then SIGKILL if the process has not ended within `withinMs`. */
  stop(withinMs?: number): Promise<void>;
}

const steadyAfterMs = 60_000;

export function startTrainerProcess(options: TrainerProcessOptions): TrainerProcess {
  const { first, most } = options.backoffMs ?? { first: 250, most: 30_000 };
  let child: ChildProcess | null = null;
  let stopping = false;
  let deaths = 0;
  let restart: NodeJS.Timeout | null = null;

  function start(): void {
    restart = null;
    const startedAt = performance.now();
    const said: string[] = [];
    const self = spawn(process.execPath, options.args, {
      cwd: options.folder,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child = self;
    for (const stream of [self.stdout, self.stderr])
      createInterface({ input: stream }).on('line', (line) => {
        said.push(line);
        if (said.length > 5) said.shift();
        options.log(line);
      });
    let failure = '';
    self.on('error', (error) => {
      failure = `could not be started: ${error.message}`;
    });
    // `close` follows the last output, even if the process could not be started.
    self.on('close', (code, signal) => {
      child = null;
      if (stopping) return;
      deaths = performance.now() - startedAt > steadyAfterMs ? 1 : deaths + 1;
      const waitMs = Math.min(most, first * 2 ** (deaths - 1));
      const how = failure || (signal ? `was ended by ${signal}` : `ended with code ${code}`);
      const last = code ? said.at(-1) : undefined;
      options.onDeath(
        self.pid ?? 0,
        `the trainer process ${how}${last ? ` ("${last.slice(0, 300)}")` : ''}; it is started again in ${waitMs / 1000} s`,
      );
      restart = setTimeout(start, waitMs);
    });
  }

  start();
  return {
    pid: () => child?.pid ?? null,
    async stop(withinMs = 8000) {
      stopping = true;
      if (restart) clearTimeout(restart);
      const self = child;
      if (!self) return;
      const gone = new Promise<void>((resolve) => self.once('close', () => resolve()));
      self.kill('SIGTERM');
      const hard = setTimeout(() => self.kill('SIGKILL'), withinMs);
      await gone;
      clearTimeout(hard);
    },
  };
}
