/**
 * Unmodified scripts with the stock wandb client against the real server. The client is installed once, in a virtual environment; where that is not to be had, nothing is
 * tested and a line says so.
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readJson } from '~/server/intake/body';
import { localAdmin } from '~/server/team/people';
import { startApp, type TestApp } from '~/test/support/app';
import { ownFolder } from '~/test/support/folder';
import { root } from '~/test/support/root';

const folder = path.join(root, '.build/wandb');
const python = path.join(folder, 'bin/python');

/** null, or why there is no client. */
function environment(): string | null {
  if (existsSync(path.join(folder, 'ready'))) return null;
  const run = (program: string, ...args: string[]) => execFileSync(program, args, { stdio: 'pipe', timeout: 300_000 });
  const install = (...args: string[]) => run(python, '-m', 'pip', 'install', '--quiet', '--retries', '0', ...args);
  try {
    mkdirSync(path.dirname(folder), { recursive: true });
    run('python3', '-m', 'venv', folder);
    try {
      install('wandb==0.30.0', 'numpy', 'pillow');
    } catch {
      // Its telemetry asks for packages that not every index has (python/sitecustomize.py).
      install('--no-deps', 'wandb==0.30.0', 'opentelemetry-api', 'opentelemetry-sdk');
      install(
        'click',
        'packaging',
        'platformdirs',
        'protobuf<8',
        'pydantic<3',
        'pyyaml',
        'requests',
        'typing-extensions',
        'xxhash',
        'numpy',
        'pillow',
      );
    }
    execFileSync(python, ['-c', 'import wandb'], { stdio: 'pipe', env: { ...process.env, PYTHONPATH: scripts } });
  } catch (error) {
    return String((error as { stderr?: Buffer }).stderr ?? error)
      .trim()
      .slice(-300);
  }
  writeFileSync(path.join(folder, 'ready'), '');
  return null;
}

const scripts = path.join(root, 'test/server/intake/python');
const missing = environment();
if (missing !== null) console.log(`test/server/intake/wandb: SKIPPED, the wandb client is not to be had: ${missing}`);

let app: TestApp;
const files = ownFolder();
beforeAll(async () => {
  app = await startApp({ loginRequired: true });
});
afterAll(async () => {
  await app.close();
  files.remove();
});

function start(script: string, ...args: string[]) {
  const child = spawn(python, [path.join(scripts, script), ...args], {
    env: {
      ...process.env,
      PYTHONPATH: scripts,
      PYTHONDONTWRITEBYTECODE: '1',
      WANDB_BASE_URL: app.url,
      WANDB_API_KEY: app.trainerToken,
      WANDB_DIR: files.path,
      WANDB_CONFIG_DIR: files.path,
      WANDB_CACHE_DIR: files.path,
      WANDB_ERROR_REPORTING: 'false',
      WANDB_X_FILE_STREAM_TRANSMIT_INTERVAL: '1',
    },
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (data) => (out += data));
  child.stderr.on('data', (data) => (err += data));
  return new Promise<{ code: number | null; out: string; err: string }>((resolve) =>
    child.on('close', (code) => resolve({ code, out, err })),
  );
}

async function finished(script: string, ...args: string[]): Promise<string> {
  const { code, out, err } = await start(script, ...args);
  expect([code, code === 0 ? '' : err]).toEqual([0, '']);
  return out;
}

const runOf = (id: string): string => app.hub.registry.opened.runOf(`wandb/lm/${id}`)!;

/** [step, value] of every series that the script logged, by name. */
async function recorded(runId: string): Promise<Map<string, [number, number][]>> {
  const streams = await app.hub.store.series({ runId, search: null, skip: 0, limit: 1000 });
  const all = new Map<string, [number, number][]>();
  for (const { name, stream } of streams.series) {
    if (name.startsWith('system/')) continue;
    const { steps, values } = await app.hub.store.rows({ runId, stream, fromStep: -1e9, toStep: null, limit: 10_000 });
    all.set(
      name,
      [...steps].map((step, i) => [step, values[i]!]),
    );
  }
  return all;
}

/** The same of the client's own record. */
async function ownRecord(id: string): Promise<Map<string, [number, number][]>> {
  const all = new Map<string, [number, number][]>();
  for (const name of readdirSync(path.join(files.path, 'wandb')).toSorted()) {
    if (!name.startsWith('run-') || !name.endsWith(id)) continue;
    const rows = readJson(await finished('history.py', path.join(files.path, 'wandb', name, `run-${id}.wandb`))) as [
      string[],
      unknown,
    ][][];
    for (const row of rows) {
      const step = row.find(([key]) => key[0] === '_step')![1] as number;
      for (const [key, told] of row) {
        const value =
          typeof told === 'boolean'
            ? Number(told)
            : typeof told === 'string' && told.startsWith('\u0000')
              ? Number(told.slice(1))
              : told;
        // Samples are compared below.
        if (key[0] === '_step' || key[0] === '_timestamp' || typeof value !== 'number' || sampleKeys.has(key[0]!)) continue;
        const series = all.get(key.join('.')) ?? [];
        all.set(key.join('.'), [...series, [step, value]]);
      }
    }
  }
  return all;
}
const sampleKeys = new Set(['picture', 'pictures', 'spread', 'table', 'words']);
const byName = (map: Map<string, unknown>) => [...map].toSorted(([a], [b]) => (a < b ? -1 : 1));

describe.skipIf(missing !== null)('the stock wandb client', () => {
  it.concurrent('a script that is not changed has every value of its own record here, once, and its samples, config and console', {
    timeout: 300_000,
  }, async () => {
    await finished('everything.py');
    const runId = runOf('everything1');
    const own = await ownRecord('everything1');
    expect([...own.keys()].toSorted()).toEqual(
      ['__proto__', '_runtime', 'deep.er.value', 'epoch', 'flag', 'late', 'loss', 'other', 'part', 'val/loss'].toSorted(),
    );
    expect(own.get('loss')).toHaveLength(200);
    expect(byName(await recorded(runId))).toEqual(byName(own));

    const view = (await app.hub.view(runId))!;
    expect(view).toMatchObject({
      status: 'finished',
      tags: ['a', 'b'.repeat(40)],
      device: { device: expect.stringMatching(/^\d+ CPU cores$/), software: expect.stringContaining('wandb 0.30') },
    });
    expect(view.setup).toEqual({
      name: 'everything',
      project: 'lm',
      group: 'g',
      jobType: 'train',
      tags: ['a', 'b'.repeat(40)],
      notes: 'a note',
      recipe: null,
      config: { lr: 1e-5, model: { layers: 2 }, 'left out': ['labels'], added: 5 },
    });
    const media = await app.hub.store.list({ runId, kind: 'media', limit: 100 } as never);
    // A saved file arrives when the client gets to it: before or after the lines of the same time.
    const stepOf = (name: string, step: number) => (name === 'notes.txt' ? undefined : step);
    const short = (media as { name: string; kind: string; step: number; caption?: string; text?: string }[]).map(
      ({ name, kind, step, caption, text }) =>
        [name, kind, stepOf(name, step), caption, kind === 'histogram' ? 'bins' : text].filter((v) => v !== undefined).join(' '),
    );
    expect(short.toSorted()).toEqual([
      'notes.txt text how it went',
      'picture image 5 black',
      'pictures/0 image 5',
      'pictures/1 image 5',
      'spread histogram 5 bins',
      'summary table 311 {"columns":["name","value"],"rows":[["best",0.5],["words","some words"]]}',
      'table table 5',
      'words text 5 some words',
    ]);
    const { blob } = (media as unknown as { name: string; blob?: { hash: string } }[]).find((m) => m.name === 'table')!;
    const table = await fetch(`${app.url}/api/blobs/${blob!.hash}`, { headers: { authorization: `Bearer ${app.trainerToken}` } });
    expect(await table.text()).toBe('{"columns":["a","b"],"rows":[[1,"x"],[2.5,null]]}');
    const printed = await app.hub.store.console({ runId, before: null, after: null, search: '', limit: 100 });
    expect(printed.parts.map((p) => p.text).join('')).toContain('printed by the script\n');
    // Which kinds of files and which artifacts are not kept is said; those that the client makes by itself are nobody's loss.
    expect(view.recent.alerts.items.map((a) => a.message.replace(/^(weights|later)\.bin/, 'either')).toSorted()).toEqual([
      "either (2 bytes) is not kept: of a program's files, pictures and texts are",
      'look here: a text',
      'the artifact weights is not kept here',
    ]);
    expect((await app.hub.store.series({ runId, search: 'system/', skip: 0, limit: 100 })).total).toBeGreaterThan(3);

    // The address that the client prints leads to the run's page.
    const shown = await fetch(`${app.url}/headroom/lm/runs/everything1`, {
      redirect: 'manual',
      headers: { authorization: `Bearer ${app.trainerToken}` },
    });
    expect([shown.status, shown.headers.get('location')]).toEqual([302, `../../../runs/${runId}`]);

    // A second process goes on with the run.
    await finished('resumed.py');
    expect((await app.hub.view(runId))!).toMatchObject({ status: 'finished', attempt: 2 });
    const both = await ownRecord('everything1');
    expect(both.get('loss')!.slice(200)).toEqual([311, 312, 313, 314, 315].map((step, i) => [step, 10 - i]));
    expect(byName(await recorded(runId))).toEqual(byName(both));
    expect(app.trouble).toEqual([]);
  });

  it.concurrent('a script that raises has failed, with its traceback', { timeout: 300_000 }, async () => {
    expect((await start('failing.py')).code).toBe(1);
    const view = (await app.hub.view(runOf('failing01')))!;
    expect([view.status, view.statusMessage]).toEqual(['failed', 'exit code 1']);
    expect(view.traceback).toContain('RuntimeError: out of memory');
  });

  it.concurrent('a script that people stop is interrupted, and its run has stopped', { timeout: 300_000 }, async () => {
    const logging = new Promise<string>((resolve) => {
      app.hub.onEntries((runId, _entries, view) => {
        if (view.setup.name === 'endless01' && view.step > 1) resolve(runId);
      });
    });
    const script = start('endless.py');
    const runId = await logging;
    const command = { kind: 'act', id: 'stop-wandb', runId, action: 'stop', args: {} } as const;
    expect(await app.hub.command(localAdmin, command)).toMatchObject({ ok: true });
    const { out } = await script;
    expect(out).toContain('told to stop');
    const view = (await app.hub.view(runId))!;
    expect([view.status, view.statusMessage]).toEqual(['stopped', 'stopped by You']);
    expect(view.openCommands).toEqual([]);
    expect(byName(await recorded(runId))).toEqual(byName(await ownRecord('endless01')));
  });
});
