/** Nothing of version 0.1 is lost: its data folder, its `.headroom` files and its checkpoints open, and a trainer of today goes on with its runs. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readRows } from '~/server/audit/auditFile';
import { firstBroken } from '~/server/audit/chain';
import { backup, main } from '~/server/store/backup';
import { Sqlite } from '~/server/store/sqlite/driver';
import { databaseFile } from '~/server/store/sqlite/schema';
import { verifyFolder } from '~/server/store/verify';
import { actionWithRole, controlWithRole } from '~/shared/controlValues';
import { type RunEvent, serverEvent, trainerEvent } from '~/shared/events';
import { firstStepOf } from '~/shared/rows';
import { latestOf, seriesWithRole } from '~/shared/streams';
import type { ListItems, ListKind, RunView } from '~/shared/view';
import { startApp, type TestApp } from '~/test/support/app';
import { ownFolder } from '~/test/support/folder';
import { readLog } from '~/test/support/recordedRun';
import { root } from '~/test/support/root';
import { type Cell, expected01, folder01, inWordsOfToday, type Run01, type RunKey, unpack01 } from '~/test/support/version01';

const folder = ownFolder();
afterAll(folder.remove);
const inside = (name: string) => {
  const made = path.join(folder.path, name);
  mkdirSync(made, { recursive: true });
  return made;
};
const { ids, runs, resumed } = expected01;
const keys = Object.keys(ids) as RunKey[];
const ofTypes = [...trainerEvent.options, ...serverEvent.options].map((schema) => [schema.shape.type.value, schema] as const);
const schemas = new Map<string, (typeof ofTypes)[number][1]>(ofTypes);

async function viewOf(app: TestApp, runId: string): Promise<RunView> {
  const view = await app.hub.view(runId);
  if (!view) throw new Error(`there is no run ${runId}`);
  return view;
}

async function listOf<K extends ListKind>(app: TestApp, runId: string, kind: K): Promise<ListItems[K][]> {
  return app.hub.store.list({ runId, kind, after: 0, limit: 100_000 });
}

/** Columns and rows as the export gives them. */
async function tableOf(app: TestApp, runId: string): Promise<{ columns: string[]; rows: Cell[][] }> {
  const answer = await fetch(`${app.url}/api/runs/${runId}/export?format=json`);
  expect(answer.status).toBe(200);
  return (await answer.json()) as { columns: string[]; rows: Cell[][] };
}

/** Where an event of 0.1 stands in the steps. */
const stepOf = (event: RunEvent): number | null =>
  event.type === 'rows' ? firstStepOf(event) : ((event as { step?: number | null }).step ?? null);

const typesOfToday: Record<string, string> = {
  wheel: 'control.locked',
  'wheel.asked': 'control.requested',
  'run.started': 'started',
  steps: 'rows',
};
const withBlob = <T extends { blob?: { hash: string; bytes: number } | null }>({ blob, ...rest }: T) => ({
  ...rest,
  hash: blob?.hash ?? null,
  bytes: blob?.bytes ?? null,
});

const withoutShape = ({ layers: _l, heads: _h, queries: _q, keys: _k, ...rest }: Record<string, unknown>) => rest;

/** Holds one run against what 0.1 said about it. */
async function expectSame(app: TestApp, key: RunKey): Promise<void> {
  const was: Run01 = runs[key];
  const { runId } = was;
  const view = await viewOf(app, runId);
  expect({
    name: view.setup.name,
    status: view.status,
    message: view.statusMessage,
    step: view.step,
    seq: view.seq,
    attempt: view.attempt,
    createdAt: view.createdAt,
    createdBy: view.createdBy,
    parent: view.parent,
    branchChange: view.branchChange,
    tags: view.tags,
    archived: view.archived,
    values: view.values,
    stepsPerEpoch: view.stepsPerEpoch,
    totalSteps: view.totalSteps,
  }).toEqual({
    name: was.name,
    status: was.status,
    message: was.statusMessage,
    step: was.step,
    seq: was.seq,
    attempt: was.tenure,
    createdAt: was.createdAt,
    createdBy: was.createdBy,
    parent: was.parent,
    branchChange: was.branchChange,
    tags: was.tags,
    archived: was.archived,
    values: was.values,
    stepsPerEpoch: was.stepsPerEpoch,
    totalSteps: was.totalSteps,
  });
  if (key === 'csv') expect(view.setup).toMatchObject({ recipe: null, config: {} });
  else {
    const { name: _name, task, ...config } = was.config;
    const { kind, ...own } = task as Record<string, unknown>;
    expect(view.setup).toEqual({
      name: was.name,
      project: 'default',
      tags: [],
      recipe: { name: kind, trainer: null },
      config: { ...config, task: own },
    });
  }

  const list = <K extends ListKind>(kind: K) => listOf(app, runId, kind);
  expect(await list('evaluations')).toEqual(was.evaluations.map(inWordsOfToday));
  expect((await list('checkpoints')).map(withBlob)).toEqual(was.checkpoints.map(inWordsOfToday));
  // Layers have their own shapes now, which stand in the blob and in the signals.
  const oneByOne = was.snapshots.map(inWordsOfToday).map(withoutShape);
  expect((await list('snapshots')).map(withBlob)).toEqual(oneByOne);
  // 0.1 did not say of a question that the run had ended before, nor of a command that it takes the run back.
  const commands = await list('commands');
  expect(commands.map(({ afterEnd: _a, takesBack: _b, ...record }) => record)).toEqual(was.commands.map(inWordsOfToday));
  for (const { takesBack, command } of commands)
    expect(takesBack).toBe(command.kind === 'act' && command.action === 'revert' ? true : undefined);
  expect(await list('alerts')).toEqual(was.alerts);
  // The words are made by the view: a run without a recipe is one that somebody opened.
  const takenOver = was.statuses.map((s) => ({
    ...s,
    message: String(s.message).replace('import takes over from', 'import opened it at'),
  }));
  expect(await list('statuses')).toEqual(takenOver);
  expect((await list('notes')).map(({ seq: _seq, ...note }) => note)).toEqual(was.notes);
  const analyses = (await list('analyses')).map(({ checkpointSeq: _added, ...analysis }) => withBlob(analysis));
  expect(analyses).toEqual(was.analyses);
  expect((await list('activity')).map(({ seq, step, event }) => ({ seq, step, type: event.type }))).toEqual(
    was.deeds.map(({ seq, step, type }) => ({ seq, step, type: typesOfToday[type] ?? type })),
  );
  const signals = await app.hub.store.signals(runId);
  expect({
    steps: [...signals.steps],
    names: signals.signals.map((s) => s.name),
    layers: signals.shapes[0]?.length ?? 0,
    heads: signals.shapes[0]?.[0]?.heads ?? 0,
  }).toEqual(was.signals);
  expect(signals.shapes.length).toBeLessThanOrEqual(1);

  const log = await readLog(app.hub.store, runId);
  expect(log.map(({ seq, attempt, event }) => [seq, attempt, event.type, stepOf(event)])).toEqual(
    was.log.map(([seq, , attempt, type, step]) => [seq, attempt, typesOfToday[type] ?? type, step]),
  );
  // Every entry is one of today, not only one that happens to be read.
  for (const { event } of log) expect(schemas.get(event.type)?.safeParse(event).error).toBeUndefined();

  const table = await tableOf(app, runId);
  expect(table.columns).toEqual(was.columns);
  expect(table.rows).toEqual(was.rows);
}

describe('a data folder of version 0.1', () => {
  let app: TestApp;
  let data: string;
  const said: string[] = [];
  beforeAll(async () => {
    data = unpack01(inside('folder'));
    const note = (_details: object, message: string) => void said.push(message);
    app = await startApp({ dataFolder: data, log: { info: note, warn: note, error: note } });
  });
  afterAll(() => app?.close());

  it('opens, and the console says what is done to it', () => {
    const file = databaseFile(data);
    expect(said.slice(0, 2)).toEqual([
      expect.stringMatching(/: bringing format 2 up to \d+; an older Headroom cannot open it afterwards$/),
      expect.stringMatching(/ has format \d+ now$/),
    ]);
    expect(said.slice(0, 2).every((line) => line.startsWith(file))).toBe(true);
  });

  it.each(keys)('run %s is what it was: head, lists, every entry, every row', async (key) => {
    await expectSame(app, key);
  });

  it('the blobs that its runs name are there', async () => {
    for (const key of keys)
      for (const { hash, bytes } of [...runs[key].checkpoints, ...runs[key].snapshots]) {
        const answer = await fetch(`${app.url}/api/blobs/${hash}`);
        expect([hash, answer.status, (await answer.arrayBuffer()).byteLength]).toEqual([hash, 200, bytes]);
      }
  });

  it('series, controls and actions have the roles that views and rules go by today', async () => {
    const view = await viewOf(app, ids.unfinished);
    const now = (latest: number | null) => latest ?? Number.NaN;
    const last = runs.unfinished.rows.at(-1)!;
    const was = (name: string) => last[runs.unfinished.columns.indexOf(name)];
    for (const [role, name] of [
      ['loss', 'loss'],
      ['learningRate', 'learningRate'],
      ['gradNorm', 'gradNorm'],
    ] as const) {
      const series = seriesWithRole(view, role)!;
      expect([series.name, now(latestOf(view, series.name))]).toEqual([name, was(name)]);
    }
    expect(controlWithRole(view.controls, 'clipThreshold')?.name).toBe('clipThreshold');
    for (const role of ['pause', 'resume', 'step', 'stop', 'evaluate', 'cancel'] as const)
      expect(actionWithRole(view.controls, role)?.name).toBe(role);
  });

  it('the list of runs, the queue and the question that waits are what they were', () => {
    const summaries = app.hub.summaries();
    const about = ({ runId, name, status, step, tags, archived }: Record<string, unknown>) => ({
      runId,
      name,
      status,
      step,
      tags,
      archived,
    });
    const byId = (a: { runId: unknown }, b: { runId: unknown }) => (String(a.runId) < String(b.runId) ? -1 : 1);
    expect(summaries.map((s) => about({ ...s })).sort(byId)).toEqual(expected01.list.map(about).sort(byId));
    const queued = expected01.list.find((r) => r.runId === ids.queued)!;
    expect(summaries.find((s) => s.runId === ids.queued)).toMatchObject({ queuePosition: queued.queuePlace });
    expect(app.hub.questions.list().map(({ runId, commandId, action }) => ({ runId, commandId, action }))).toEqual(
      expected01.openQuestions.map(({ runId, commandId, action }) => ({ runId, commandId, action })),
    );
  });

  it('the audit log verifies, its rows as they were written', () => {
    const { rows } = readRows(readFileSync(path.join(data, 'audit.jsonl')));
    expect(firstBroken(null, rows)).toBeNull();
    const { audit } = expected01;
    expect(rows.slice(0, audit.rows).map((r) => r.event.type)).toEqual(audit.types);
    expect(rows[audit.rows - 1]).toEqual(audit.last);
  });

  it('a second start finds nothing left to do', async () => {
    await app.close();
    said.length = 0;
    const note = (_details: object, message: string) => void said.push(message);
    app = await startApp({ dataFolder: data, log: { info: note, warn: note, error: note } });
    expect(said.filter((line) => line.includes('format'))).toEqual([]);
    await expectSame(app, 'reverse');
  });
});

describe('a `.headroom` file of version 0.1', () => {
  it.each(['reverse', 'anomaly'] as const)('%s comes in whole', async (key) => {
    const app = await startApp();
    try {
      const body = readFileSync(path.join(folder01, `${key}.headroom`));
      const answer = await fetch(`${app.url}/api/import?name=${key}.headroom`, { method: 'POST', body });
      expect([answer.status, await answer.json()]).toEqual([201, { runId: ids[key], leftOut: null }]);
      await expectSame(app, key);
    } finally {
      await app.close();
    }
  });
});

describe('an unfinished run of version 0.1', () => {
  it('is taken over by a trainer of today, which makes the very rows that 0.1 would have made', {
    timeout: 180_000,
  }, async () => {
    const data = unpack01(inside('resumed'));
    const app = await startApp({
      dataFolder: data,
      trainer: { args: ['--import', 'tsx', 'trainer/process/main.ts'], folder: root, backend: 'cpu' },
    });
    const runId = ids.unfinished;
    const until = async (what: string, reached: (view: RunView) => boolean) => {
      for (const end = Date.now() + 120_000; ; await pause(50)) {
        const view = await viewOf(app, runId);
        if (reached(view)) return view;
        if (Date.now() > end) throw new Error(`${what}: the run is ${view.status} at step ${view.step}: ${view.statusMessage}`);
      }
    };
    try {
      await until('the next attempt', (v) => v.attempt === 2 && v.status === 'paused');
      const answer = await app.hub.command(
        { id: 'local', name: 'You', role: 'admin' },
        { kind: 'act', id: 'resume-of-today', runId, action: 'resume', args: {} },
      );
      expect(answer).toMatchObject({ ok: true });
      const view = await until('the end', (v) => v.status === 'finished' || v.status === 'failed');
      // 0.1 wrote two decimals of a percentage, whatever they were.
      const today = resumed.statusMessage.replace(/\.?0+ %/g, ' %');
      expect([view.step, view.statusMessage]).toEqual([resumed.step, today]);

      const { columns, rows } = await tableOf(app, runId);
      const measured = new Set(['timeMs', ...expected01.measuredColumns]);
      const kept = (names: string[], table: Cell[][]) =>
        table.map((row) =>
          Object.fromEntries(names.map((name, c) => [name, row[c]]).filter(([name]) => !measured.has(String(name)))),
        );
      const from = runs.unfinished.rows.length;
      // Series that a trainer of today adds, such as the machine's, come behind those of 0.1.
      expect(columns.slice(0, resumed.columns.length)).toEqual(resumed.columns);
      expect(rows.slice(0, from).map((row) => row.slice(0, resumed.columns.length))).toEqual(runs.unfinished.rows);
      expect(kept(resumed.columns, rows.slice(from))).toEqual(kept(resumed.columns, resumed.rows));

      const outcomes = (commands: { id: string; outcome: Record<string, unknown> }[]) =>
        commands
          .filter(({ id }) => !id.startsWith('resume-'))
          .map(({ id, outcome: { status, step, before, after } }) => ({ id, status, step, before, after }));
      const commands = (await listOf(app, runId, 'commands')).map(({ command, outcome }) => ({ id: command.id, outcome }));
      expect(outcomes(commands)).toEqual(outcomes(resumed.commands));
      expect((await listOf(app, runId, 'checkpoints')).map((c) => c.step)).toEqual(resumed.checkpoints.map((c) => c.step));
      // Nothing that the trainer sent was set aside: it declares the rows of 0.1, and knows more about them.
      expect((await listOf(app, runId, 'alerts')).map((a) => a.message)).toEqual([]);
      expect(app.trouble.filter((line) => !line.includes('headroom.db'))).toEqual([]);
    } finally {
      await app.close();
    }
  });
});

describe('a checkpoint of version 0.1', () => {
  it('`npm run train -- --resume` goes on from it', { timeout: 120_000 }, () => {
    const file = path.join(folder01, 'checkpoint.safetensors');
    const { step } = expected01.checkpointFile;
    const said = execFileSync(process.execPath, ['--import', 'tsx', 'trainer/process/cli.ts', '--resume', file, '--json'], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const last = said.trim().split('\n').at(-1)!;
    expect(JSON.parse(last)).toMatchObject({ status: 'finished', steps: resumed.step, stepsHere: resumed.step - step });
  });
});

it('a folder that no server has brought up to date is copied as it is, and verify says what to do before', async () => {
  const data = unpack01(inside('not yet'));
  const copy = path.join(inside('copies'), 'copy');
  expect((await backup(data, copy)).copied).toBeGreaterThan(0);
  await expect(verifyFolder(copy)).rejects.toThrow(
    `${databaseFile(copy)} was written by an older Headroom (format 2, this one reads 8): start this one on a copy of the folder, which brings it up to date, or use the older one`,
  );
  const said = vi.spyOn(console, 'log').mockImplementation(() => {});
  expect(await main([copy, '--from', data])).toBe(0);
  expect(said.mock.lastCall).toEqual([
    `the copy is not read back: ${databaseFile(copy)} was written by an older Headroom (format 2, this one reads 8): start this one on a copy of the folder, which brings it up to date, or use the older one`,
  ]);
  said.mockRestore();
  await (await startApp({ dataFolder: copy })).close();
  expect(await verifyFolder(copy)).toMatchObject({ damaged: [], unread: [] });
});

describe('data of a newer program', () => {
  it('a database is refused by file and format', async () => {
    const data = inside('newer');
    await (await startApp({ dataFolder: data })).close();
    const db = new Sqlite(databaseFile(data));
    db.pragma('user_version = 99');
    db.close();
    await expect(startApp({ dataFolder: data })).rejects.toThrow(
      /headroom\.db was written by a newer Headroom \(format 99, this one knows \d+\); update Headroom or choose another folder$/,
    );
  });

  it('a checkpoint is refused by file and version', { timeout: 60_000 }, () => {
    const bytes = readFileSync(path.join(folder01, 'checkpoint.safetensors'));
    // The header is text in front of the tensors; the same length keeps every offset.
    const newer = Buffer.from(bytes.toString('latin1').replace('"version":"1"', '"version":"9"'), 'latin1');
    const file = path.join(inside('checkpoints'), 'newer.safetensors');
    writeFileSync(file, newer);
    const run = spawnSync(process.execPath, ['--import', 'tsx', 'trainer/process/cli.ts', '--resume', file], {
      cwd: root,
      encoding: 'utf8',
    });
    expect([run.status, run.stderr.trim()]).toEqual([
      2,
      `--resume: ${file}: checkpoint version 9: this trainer reads versions 1 and 2; update Headroom to use it`,
    ]);
  });
});
