import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { parquetReadObjects } from 'hyparquet';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from '~/shared/json';
import { unpack } from '~/shared/pack';
import { parseSafetensors } from '~/shared/safetensors';
import type { RunView } from '~/shared/view';
import { startApp, type TestApp } from '~/test/support/app';
import {
  app,
  begin,
  bytesOf,
  end,
  exported,
  folder,
  imported,
  inForce,
  inside,
  names,
  recorded,
  rowsOf,
} from '~/test/support/exportedRun';
import { readFiles } from '~/test/support/importing';
import { readLog, recordedSteps, recordRun } from '~/test/support/recordedRun';
import { ada } from '~/test/support/storeEntries';
import { membersOf } from '~/test/support/tar';

beforeAll(begin);
afterAll(end);

describe('a run as one file', () => {
  it('comes in elsewhere with nothing lost: log, view, rows in force, blobs', async () => {
    const file = await bytesOf('format=headroom');
    const other = await startApp({ dataFolder: inside('to') });
    try {
      expect(await imported(other, file)).toEqual({ status: 201, body: { runId: 'record1', leftOut: null } });
      expect(await readLog(other.hub.store, 'record1')).toEqual(recorded.log);
      expect(await other.hub.view('record1')).toEqual(await app.hub.view('record1'));
      expect(await rowsOf(other, 'record1')).toEqual(inForce);
      expect(await other.hub.store.signals('record1')).toEqual(await app.hub.store.signals('record1'));
      for (const hash of recorded.blobs) {
        const [here, there] = await Promise.all(
          [app, other].map(async (a) => (await fetch(`${a.url}/api/blobs/${hash}`)).arrayBuffer()),
        );
        expect(Buffer.compare(Buffer.from(here!), Buffer.from(there!))).toBe(0);
      }
      expect(other.hub.summaries().map((s) => [s.runId, s.name, s.status])).toEqual([['record1', 'Recorded run', 'finished']]);
      const places = recorded.log.at(-1)!.seq;
      expect(await imported(other, file)).toEqual({
        status: 409,
        body: {
          error: `run record1 is already here, and the file holds exactly the same ${places} entries: there is nothing to import`,
          runId: 'record1',
          nothingNew: true,
        },
      });
      const again = Buffer.from(await (await exported('format=headroom', other)).arrayBuffer());
      const members = async (bytes: Buffer) => {
        const all: Record<string, unknown> = {};
        for (const { name, bytes: whole } of await membersOf(gunzipSync(bytes))) {
          if (name !== 'manifest.json') all[name] = name.startsWith('log/') ? unpack(whole) : whole.length;
        }
        return all;
      };
      expect(await members(again)).toEqual(await members(file));
    } finally {
      await other.close();
    }
  });

  it('opens with tar, and its parts are named as documented', async () => {
    writeFileSync(inside('run.headroom'), await bytesOf('format=headroom'));
    const listed = execFileSync('tar', ['tzf', inside('run.headroom')])
      .toString()
      .trim()
      .split('\n');
    expect(listed).toEqual(
      ['manifest.json', 'log/000001.pack', ...new Set(recorded.blobs.map((h) => h)).values(), 'end.json'].map((n) =>
        /^[0-9a-f]{64}$/.test(n) ? expect.stringMatching(/^blobs\//) : n,
      ),
    );
    expect((await exported('format=headroom')).headers.get('content-disposition')).toBe(
      'attachment; filename="Recorded-run.headroom"',
    );
  });

  it('of a run that was still going on is closed where it stood, so that no trainer takes it', async () => {
    await recordRun(inside('open'), 'record1', false);
    const source = await startApp({ dataFolder: inside('open') });
    const other = await startApp({ dataFolder: inside('closed') });
    try {
      const file = Buffer.from(await (await exported('format=headroom', source)).arrayBuffer());
      const before = await readLog(source.hub.store, 'record1');
      expect((await imported(other, file)).status).toBe(201);
      const log = await readLog(other.hub.store, 'record1');
      expect(log.slice(0, -1)).toEqual(before);
      const message = `imported as it stood at step ${recordedSteps}; branch from a checkpoint to go on`;
      expect(log.at(-1)!.event).toEqual({ type: 'status', status: 'stopped', step: recordedSteps, message });
    } finally {
      await source.close();
      await other.close();
    }
  });

  it('of a run that waited for a trainer to go back to a checkpoint is closed at that checkpoint', async () => {
    await recordRun(inside('waiting'), 'record1', false);
    const source = await startApp({ dataFolder: inside('waiting') });
    const other = await startApp({ dataFolder: inside('wentBack') });
    try {
      const { lastCheckpoint } = (await source.hub.view('record1'))!;
      expect(await source.hub.revert(ada, { runId: 'record1', checkpoint: lastCheckpoint!.blob.hash })).toMatchObject({
        ok: true,
      });
      const file = Buffer.from(await (await exported('format=headroom', source)).arrayBuffer());
      expect((await imported(other, file)).status).toBe(201);
      const { step } = lastCheckpoint!;
      expect(await other.hub.view('record1')).toMatchObject({
        ...{ status: 'stopped', step, pendingRevert: null, lastCheckpoint, best: null, openCommands: [] },
        statusMessage: `imported as it stood at step ${step}; branch from a checkpoint to go on`,
      });
      const kept = await rowsOf(other, 'record1');
      expect([kept.slice(0, step), kept[step]?.[0]]).toEqual([inForce.slice(0, step), undefined]);
    } finally {
      await source.close();
      await other.close();
    }
  });
});

describe('a run that is here already', () => {
  const copy = async (to: TestApp, file: Buffer) => {
    const answer = await fetch(`${to.url}/api/import?name=x&as=copy`, { method: 'POST', body: file as never });
    return { status: answer.status, body: (await answer.json()) as { runId: string; leftOut: null } };
  };

  it('comes in as a copy: a run of another id that says of which it is one, and differs in nothing else', async () => {
    const file = await bytesOf('format=headroom');
    const { status, body } = await copy(app, file);
    expect([status, body]).toEqual([201, { runId: expect.stringMatching(/^[0-9a-z]{10}$/), leftOut: null }]);
    const id = body.runId;
    expect(id).not.toBe('record1');
    const inItsPlace = (value: unknown) => parse(stringify(value).replaceAll(`"runId":"record1"`, `"runId":"${id}"`));
    const [created, ...rest] = recorded.log;
    expect(await readLog(app.hub.store, id)).toEqual([
      { ...created!, event: { ...created!.event, copyOf: 'record1' } },
      ...(inItsPlace(rest) as unknown[]),
    ]);
    expect(await app.hub.view(id)).toEqual({ ...(inItsPlace(await app.hub.view('record1')) as object), copyOf: 'record1' });
    expect(await rowsOf(app, id)).toEqual(inForce);
    expect(await app.hub.store.signals(id)).toEqual(await app.hub.store.signals('record1'));
    expect(app.hub.summaries().find((s) => s.runId === id)).toMatchObject({ name: 'Recorded run', copyOf: 'record1' });
    const input = encodeURIComponent(JSON.stringify({ fromSeq: 1, limit: 100, actorId: null, runId: id, kinds: null }));
    const audit = (await (await fetch(`${app.url}/api/trpc/team.audit?input=${input}`)).json()) as {
      result: { data: { rows: { event: object }[] } };
    };
    expect(audit.result.data.rows.map((r) => r.event)).toEqual([{ type: 'run.changed', runId: id, what: 'imported from x' }]);
    // And the copy travels like any run.
    const again = Buffer.from(await (await fetch(`${app.url}/api/runs/${id}/export?format=headroom`)).arrayBuffer());
    expect((await imported(app, again)).body).toMatchObject({ runId: id, nothingNew: true });
  });

  it('says where it went another way, and how much more there is here or there', async () => {
    const [shorter, longer] = await Promise.all(['shorter', 'longer'].map((name) => startApp({ dataFolder: inside(name) })));
    try {
      const before = await bytesOf('format=headroom');
      for (const to of [shorter!, longer!]) await imported(to, before);
      const head = recorded.log.at(-1)!.seq;
      const note = (id: string) =>
        ({
          type: 'note',
          actor: { id: 'ada', name: 'Ada', role: 'admin' },
          note: { kind: 'add', id, anchor: { step: 1, chart: null, head: null }, text: id, replyTo: null },
        }) as const;
      await longer!.hub.decide('record1', () => [note('note-here')]);
      const after = Buffer.from(await (await exported('format=headroom', longer)).arrayBuffer());
      expect((await imported(longer!, before)).body).toEqual({
        error: `run record1 is already here with all ${head} entries of the file and 1 more: there is nothing to import`,
        runId: 'record1',
        nothingNew: true,
      });
      expect((await imported(shorter!, after)).body).toEqual({
        error: `run record1 is already here, but only up to entry ${head}: the file goes on from there; import it as a copy to keep both`,
        runId: 'record1',
        nothingNew: false,
      });
      await shorter!.hub.decide('record1', () => [note('note-there')]);
      expect((await imported(shorter!, after)).body).toEqual({
        error: `run record1 is already here and went another way: the two differ from entry ${head + 1} on; import the file as a copy to keep both`,
        runId: 'record1',
        nothingNew: false,
      });
    } finally {
      await Promise.all([shorter!.close(), longer!.close()]);
    }
  });

  it('comes in once when it is sent twice at the same time', async () => {
    const file = await bytesOf('format=headroom');
    const both = await startApp({ dataFolder: inside('both') });
    try {
      const answers = await Promise.all([imported(both, file), imported(both, file)]);
      expect(answers.map((a) => a.status).sort()).toEqual([201, expect.toSatisfy((s) => s === 400 || s === 409)]);
      expect((await readLog(both.hub.store, 'record1')).length).toBe((await readLog(app.hub.store, 'record1')).length);
    } finally {
      await both.close();
    }
  });
});

describe('tables', () => {
  it('CSV: every row in force once, every number reads back; imported, it gives the same rows', async () => {
    const text = (await bytesOf('format=csv')).toString();
    const [head, ...lines] = text
      .trimEnd()
      .split('\r\n')
      .map((l) => l.split(','));
    expect(head).toEqual(['step', 'timeMs', ...names]);
    expect(lines.map((l) => l.slice(2).map(Number))).toEqual(inForce);
    expect(lines.map((l) => Number(l[0]))).toEqual(inForce.map((_, i) => i));

    const { status, body } = await imported(app, Buffer.from(text), 'my table.csv');
    expect(status).toBe(201);
    expect(await rowsOf(app, body.runId!)).toEqual(inForce);
    const view = (await app.hub.view(body.runId!)) as RunView;
    expect([view.setup.name, view.status, view.statusMessage]).toEqual([
      'my table',
      'finished',
      'imported from my table.csv (CSV)',
    ]);
    const { times } = await app.hub.store.rows({ runId: body.runId!, stream: 'steps', fromStep: 0, toStep: null, limit: 10_000 });
    expect([...times]).toEqual(lines.map((l) => Number(l[1])));
  });

  it('JSON: view, rows and all other entries, every number reads back', async () => {
    const text = (await bytesOf('format=json')).toString();
    const document = JSON.parse(text) as { columns: string[]; rows: (number | string)[][] };
    expect(document.columns).toEqual(['step', 'timeMs', ...names]);
    expect(document.rows.map((r) => r.slice(2).map(Number))).toEqual(inForce);
    const { run, events } = parse(text) as { run: unknown; events: unknown[] };
    expect(run).toEqual(await app.hub.view('record1'));
    expect(events).toEqual(recorded.log.filter((e) => e.event.type !== 'rows'));
  });

  it('Parquet: read back by hyparquet, row for row', async () => {
    const bytes = await bytesOf('format=parquet');
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;
    const read = await parquetReadObjects({ file });
    expect(read.map((r) => Number(r.step))).toEqual(inForce.map((_, i) => i));
    expect(read.map((r) => names.map((n) => r[n]))).toEqual(inForce);
  });

  it('TensorBoard: every scalar as f32 under its tag, evaluations too; imported, it gives the same rows', async () => {
    const answer = await exported('format=tensorboard');
    expect(answer.headers.get('content-disposition')).toMatch(
      /^attachment; filename="events\.out\.tfevents\.\d+\.Recorded-run"$/,
    );
    const bytes = Buffer.from(await answer.arrayBuffer());
    const single = inForce.map((r) => r.map(Math.fround));
    const { runs } = await readFiles(folder.path, { 'events.out.tfevents.1.x': bytes });
    const values = new Map([...runs[0]!.series].map(([name, points]) => [name, points.map(([step, , value]) => [step, value])]));
    expect([...values.keys()]).toEqual([...names, 'evaluation/test/loss', 'evaluation/test/accuracy']);
    expect(names.map((name) => values.get(name))).toEqual(names.map((_, c) => single.map((row, step) => [step, row[c]])));
    expect(values.get('evaluation/test/accuracy')).toEqual([[recordedSteps, Math.fround(0.99)]]);
    const { status, body } = await imported(app, bytes, 'events.out.tfevents.1.x');
    expect(status).toBe(201);
    expect((await rowsOf(app, body.runId!)).map((r) => r.slice(0, names.length))).toEqual(single);
  });
});

describe('snapshots', () => {
  it('safetensors: the bytes as the trainer made them; npy: one tensor of them, as NumPy lays it out', async () => {
    const hash = (await app.hub.view('record1'))!.recent.snapshots.items.find((s) => s.step === 2000)!.blob.hash;
    const blob = Buffer.from(await (await fetch(`${app.url}/api/blobs/${hash}`)).arrayBuffer());
    expect(Buffer.compare(await bytesOf('format=safetensors&step=2100'), blob)).toBe(0);
    const npy = await bytesOf('format=npy&step=2000&tensor=attention');
    const headerBytes = npy.readUInt16LE(8);
    expect(npy.subarray(0, 8).toString('latin1')).toBe('\x93NUMPY\x01\x00');
    expect((10 + headerBytes) % 64).toBe(0);
    expect(
      npy
        .subarray(10, 10 + headerBytes)
        .toString()
        .trimEnd(),
    ).toBe("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2, 2, 16, 16), }");
    const tensor = parseSafetensors(blob).tensors.get('attention')!;
    expect(Buffer.compare(npy.subarray(10 + headerBytes), Buffer.from((tensor.data as Float32Array).slice().buffer))).toBe(0);
  });

  it('npy of a signal: [snapshots, layers, heads], and the steps beside it', async () => {
    const npy = await bytesOf('format=npy&signal=entropy');
    expect(npy.subarray(10, npy.readUInt16LE(8)).toString()).toContain("'shape': (3, 2, 2)");
    const steps = await bytesOf('format=npy&signal=steps');
    expect(steps.subarray(10, 10 + steps.readUInt16LE(8)).toString()).toContain("'descr': '<i8'");
    expect([0, 8, 16].map((at) => steps.subarray(10 + steps.readUInt16LE(8)).readBigInt64LE(at))).toEqual([0n, 2000n, 3000n]);
  });
});

describe('requests', () => {
  it.each([
    ['format=xls', 400, /^format: /],
    ['format=npy', 400, 'step: format npy is of one snapshot; say of which step'],
    ['format=npy&step=0&tensor=nosuch', 400, /^tensor: the snapshot has no "nosuch"; it has attention, inputs, /],
    [
      'format=npy&signal=nosuch',
      400,
      'signal: run record1 has no "nosuch"; it has steps, entropy, confidence, drift, antiDiagonal',
    ],
    [
      'format=csv&color=red',
      400,
      'there is no field "color"; known are runId, step, tensor, signal, snapshots, series, from, to, format',
    ],
    ['format=safetensors&step=-1', 400, /^step: /],
    ['format=csv&from=abc', 400, 'from: give a whole number, e.g. 1000'],
    ['format=csv&to=1.5', 400, 'to: give a whole number, e.g. 1000'],
    ['format=csv&from=', 400, 'from: give a whole number, e.g. 1000'],
  ])('?%s is refused with the field', async (query, status, message) => {
    const answer = await exported(query);
    expect([answer.status, await answer.json()]).toEqual([
      status,
      { error: typeof message === 'string' ? message : expect.stringMatching(message) },
    ]);
  });

  it('an unknown run is 404, another method 405', async () => {
    const unknown = await fetch(`${app.url}/api/runs/nosuch1/export?format=csv`);
    expect([unknown.status, await unknown.json()]).toEqual([404, { error: 'runId: there is no run nosuch1' }]);
    const wrong = await fetch(`${app.url}/api/import`);
    expect([wrong.status, await wrong.json(), wrong.headers.get('allow')]).toEqual([
      405,
      { error: '/api/import answers POST, not GET' },
      'POST',
    ]);
  });

  it('a reader that goes away ends the export and nothing else', async () => {
    const control = new AbortController();
    const answer = await fetch(`${app.url}/api/runs/record1/export?format=json`, { signal: control.signal });
    await answer.body!.getReader().read();
    control.abort();
    expect((await bytesOf('format=csv')).length).toBeGreaterThan(100_000);
    expect(app.trouble).toEqual([]);
  });
});
