import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TrainerEvent } from '~/shared/events';
import type { RunSetup } from '~/shared/setup';
import { ScriptedServer } from '~/test/support/scriptedServer';
import { publishedConfig, publishedSetup } from '~/test/support/setups';
import { readSettings } from '~/trainer/run/settings';

const root = fileURLToPath(new URL('../../..', import.meta.url));

describe('the trainer process', () => {
  let folder: string;
  let server: ScriptedServer;
  let child: ChildProcess;
  let said: string;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'headroom-main-'));
    server = await new ScriptedServer().start();
    said = '';
  });
  afterEach(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const start = (env: Record<string, string> = {}) => {
    child = spawn(process.execPath, ['--import', 'tsx', 'trainer/process/main.ts'], {
      cwd: root,
      env: {
        ...process.env,
        HEADROOM_SERVER: server.url,
        HEADROOM_TRAINER_TOKEN: server.token,
        HEADROOM_BACKEND: 'wasm',
        HEADROOM_THREADS: '1',
        HEADROOM_DATA: folder,
        ...env,
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  };

  const tiny = (epochs: number): RunSetup => {
    const { task, model } = publishedConfig('reverse');
    return publishedSetup('reverse', {
      task: { ...task, seqLen: 4, trainSize: 64, validationSize: 8, testSize: 8 },
      model: { ...model, modelDim: 8 },
      batchSize: 8,
      epochs,
    });
  };

  it('trains through a server that goes away and comes back, takes a command, loses nothing, and ends on SIGTERM with code 0', async () => {
    start();
    await server.until(() => server.readyCount === 1);
    server.assign({ runId: 'run00001', attempt: 1, setup: tiny(1_000_000), resume: null, commands: [] });
    await server.until(() => server.log.nextEvent > 20);
    await server.stop();
    const before = server.log.nextEvent;
    await server.start();
    await server.until(() => server.log.nextEvent > before + 20);
    server.command({
      seq: 5,
      actor: { id: 'ada', name: 'Ada', role: 'operator' },
      command: { kind: 'act', id: 'command-5', runId: 'run00001', action: 'stop', args: {} },
    });
    await server.until(() => server.readyCount === 2);

    const log = server.log.flat as (TrainerEvent | { type: 'row'; step: number })[];
    const steps = log.flatMap((e) => (e.type === 'row' ? [e.step] : []));
    expect(steps).toEqual(steps.map((_, i) => i));
    expect(log.filter((e) => e.type === 'command.applied')).toMatchObject([
      { commandId: 'command-5', seq: 5, step: steps.length },
    ]);
    expect(log.at(-1)).toMatchObject({ type: 'status', status: 'stopped', step: steps.length });
    const named = log.flatMap((e) => (e.type === 'snapshot' || e.type === 'checkpoint' ? [e.blob] : []));
    expect(named.length).toBeGreaterThan(0);
    for (const blob of named) expect(server.blobs.get(blob.hash)!.length).toBe(blob.bytes);

    server.assign({ runId: 'run00002', attempt: 1, setup: tiny(1_000_000), resume: null, commands: [] });
    server.log.nextEvent = 0;
    await server.until(() => server.log.nextEvent > 20);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(readdirSync(join(folder, 'spool'))).toEqual([]);
    expect(said).not.toContain('could not be sent');
  });

  describe('whose server is killed with -9', () => {
    /** A process in the server's place: it starts the trainer, reads its output, and is then killed. */
    const startBelow = async (): Promise<{ parent: ChildProcess; pid: number }> => {
      const code = `
        const trainer = require('node:child_process').spawn(process.execPath, ['--import', 'tsx', 'trainer/process/main.ts'], {
          env: { ...process.env, HEADROOM_PARENT: String(process.pid) }, stdio: ['ignore', 'pipe', 'pipe'] });
        console.log(trainer.pid);
        trainer.stderr.resume();`;
      child = spawn(process.execPath, ['-e', code], {
        cwd: root,
        env: {
          ...process.env,
          HEADROOM_SERVER: server.url,
          HEADROOM_TRAINER_TOKEN: server.token,
          HEADROOM_BACKEND: 'wasm',
          HEADROOM_THREADS: '1',
          HEADROOM_DATA: folder,
        },
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      const [line] = await once(child.stdout!.setEncoding('utf8'), 'data');
      return { parent: child, pid: Number(line) };
    };
    const alive = (pid: number): boolean => {
      try {
        process.kill(pid, 0);
        return true;
      } catch {
        return false;
      }
    };
    const gone = (pid: number) => expect.poll(() => alive(pid), { timeout: 60_000 }).toBe(false);

    it('leaves at once when it holds no run', async () => {
      const { parent, pid } = await startBelow();
      await server.until(() => server.readyCount === 1);
      parent.kill('SIGKILL');
      await gone(pid);
    });

    it('goes on with the run that it holds although nobody reads its output, and leaves when the run has ended', async () => {
      const { parent, pid } = await startBelow();
      await server.until(() => server.readyCount === 1);
      server.assign({ runId: 'run00001', attempt: 1, setup: tiny(1_000_000), resume: null, commands: [] });
      await server.until(() => server.log.nextEvent > 20);
      parent.kill('SIGKILL');
      await once(parent, 'exit');
      // Each lost connection is a line of output to nobody.
      await server.stop();
      await server.start();
      const before = server.log.nextEvent;
      await server.until(() => server.log.nextEvent > before + 20);
      server.command({
        seq: 5,
        actor: { id: 'ada', name: 'Ada', role: 'operator' },
        command: { kind: 'act', id: 'command-5', runId: 'run00001', action: 'stop', args: {} },
      });
      await gone(pid);
      expect(server.log.flat.at(-1)).toMatchObject({ type: 'status', status: 'stopped' });
    });
  });

  it('a setting that does not fit ends it with code 1 and a line that names it', async () => {
    start({ HEADROOM_SERVER: 'localhost:3000', HEADROOM_THREADS: '0' });
    expect(await once(child, 'exit')).toEqual([1, null]);
    expect(said).toBe(
      'trainer: HEADROOM_SERVER is "localhost:3000": an address like http://127.0.0.1:3000 or https://lab.example/headroom is needed, without a user\n' +
        'HEADROOM_THREADS is "0": a whole number from 1 to 1024 is needed\n',
    );
  });
});

describe('readSettings', () => {
  const token = 'a-token-for-tests';

  it('fills in what is left out, and counts an empty variable as left out', () => {
    const settings = readSettings({ HEADROOM_TRAINER_TOKEN: token, HEADROOM_BACKEND: '', PATH: '/bin' });
    expect({ ...settings, name: 'x' }).toEqual({
      server: 'http://127.0.0.1:3000',
      token,
      name: 'x',
      backend: 'auto',
      dataFolder: resolve('.headroom'),
      threads: null,
      spoolBytes: 2 ** 30,
      recipes: '',
    });
    expect(settings.name.length).toBeGreaterThan(0);
  });

  it('takes the whole address of a server that is below a path', () => {
    const at = (address: string) => readSettings({ HEADROOM_TRAINER_TOKEN: token, HEADROOM_SERVER: address }).server;
    expect(['http://lab:3000/', 'https://lab.example/headroom/'].map(at)).toEqual([
      'http://lab:3000',
      'https://lab.example/headroom',
    ]);
  });

  it.each([
    [{ HEADROOM_TRAINER_TOKEN: '' }, /^HEADROOM_TRAINER_TOKEN: missing; a server sets it/],
    [{ HEADROOM_TRAINER_TOKEN: 'short' }, /^HEADROOM_TRAINER_TOKEN: a token of 8 to 512 visible characters is needed$/],
    [{ HEADROOM_BACKEND: 'cuda' }, /^HEADROOM_BACKEND is "cuda": one of auto, tensorflow, webgpu, onnx, wasm, cpu is needed$/],
    [{ HEADROOM_SERVER: 'http://ada@127.0.0.1:3000' }, /^HEADROOM_SERVER is "http:\/\/ada@127.0.0.1:3000": an address like/],
    [{ HEADROOM_THREADS: '1.5' }, /^HEADROOM_THREADS is "1.5": a whole number from 1 to 1024 is needed$/],
    [{ HEADROOM_SPOOL_BYTES: '1000' }, /^HEADROOM_SPOOL_BYTES is "1000": a whole number from 1048576 to/],
    [{ HEADROOM_TRAINER_NAME: 'n'.repeat(81) }, /^HEADROOM_TRAINER_NAME is "n+": at most 80 characters$/],
  ])('%o is an error that names the variable and what would fit', (env, message) => {
    expect(() => readSettings({ HEADROOM_TRAINER_TOKEN: token, ...env })).toThrow(message);
  });
});
