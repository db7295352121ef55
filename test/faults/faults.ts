/** Faults on purpose, drawn from a seed: `npm run bench -- faults` does many, faults.test.ts a few. Each throws an Error that names the seed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, rmSync } from 'node:fs';
import path from 'node:path';
import { type Checked, checked, placeOf } from '~/server/store/sqlite/checksums';
import { Sqlite } from '~/server/store/sqlite/driver';
import { openSqliteStore } from '~/server/store/sqlite/open';
import { databaseFile } from '~/server/store/sqlite/schema';
import { verifyFolder } from '~/server/store/verify';
import { fillRun } from '~/test/bench/rows';
import { startApp } from '~/test/support/app';
import { ownFolder } from '~/test/support/folder';
import { openMemoryStore } from '~/test/support/memoryStore';
import { freePort } from '~/test/support/product';
import { root } from '~/test/support/root';
import { publishedSetup } from '~/test/support/setups';
import { row, runStarted, startValues, steps } from '~/test/support/synthetic';
import { TrainerClient } from '~/test/support/trainerClient';
import { TestViewer } from '~/test/support/viewer';

export type Draw = (below: number) => number;

/** Repeatable whole numbers from 0 to below `below`. */
export function drawing(seed: number): Draw {
  let state = (seed ^ 0x9e3779b9) >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const fail = (seed: number, what: string): never => {
  throw new Error(`seed ${seed}: ${what}`);
};

/** Kills a server in the middle of its work, again and again. @returns rows acknowledged: all are in the log, each once, with its numbers */
export async function killServers(seed: number, kills: number): Promise<{ kills: number; rows: number }> {
  const draw = drawing(seed);
  const folder = ownFolder();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const begin = async (): Promise<{ child: ChildProcess; token: string }> => {
    const child = spawn(process.execPath, ['--import', 'tsx', 'test/faults/server.ts', folder.path, String(port)], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(child.stdout!, 'data')) as [Buffer];
    return { child, token: line.toString().trim() };
  };
  const values = startValues(publishedSetup('reverse'));
  let server = await begin();
  try {
    const { connect } = await import('~/server/mcp/client');
    let trainer = await TrainerClient.connect({ url, token: server.token });
    const { runId } = await connect({ url }).runs.create.mutate({ setup: publishedSetup('reverse') });
    trainer.ready();
    const { attempt } = await trainer.assigned();
    const { trainerId } = trainer.registration;
    await trainer.send(runStarted(0, values), { type: 'status', status: 'running', step: 0, message: 'go' });
    // Events 0 and 1 are those; row s is event s + 2.
    let acknowledged = 0;
    for (let kill = 0; kill < kills; kill++) {
      // The first kill may come before any row is acknowledged. The later ones wait for rows, on however slow a machine.
      const { child } = server;
      const afterMs = 5 + draw(400);
      let started = false;
      const startTimer = (): void => {
        if (!started) setTimeout(() => child.kill('SIGKILL'), afterMs);
        started = true;
      };
      if (kill === 0) startTimer();
      const gone = once(child, 'exit');
      const lost = new Promise<null>((resolve) => trainer.socket.once('disconnect', () => resolve(null)));
      let sent = acknowledged;
      for (;;) {
        const count = 1 + draw(300);
        const answer = await Promise.race([trainer.batch(sent + 2, [steps(sent, count, values)]), lost]);
        if (!answer) break;
        if (!answer.ok) fail(seed, `rows ${sent} to ${sent + count - 1} were not taken: ${answer.message}`);
        sent += count;
        acknowledged = sent;
        startTimer();
      }
      startTimer();
      await gone;
      trainer.close();
      server = await begin();
      const holding = [{ runId, attempt, lastCommandSeq: 0 }];
      const again = await TrainerClient.tryConnect({ url, token: server.token }, { trainerId, holding });
      const held = again.answer.ok ? again.answer.holding[0] : null;
      if (!held?.ok) return fail(seed, `after kill ${kill + 1} the run was not the trainer's any more`);
      if (held.nextEvent < acknowledged + 2)
        fail(seed, `${acknowledged} rows were acknowledged, ${held.nextEvent - 2} are there`);
      trainer = again.client;
      trainer.run = { runId, attempt, next: held.nextEvent };
      acknowledged = held.nextEvent - 2;
    }
    trainer.close();
    server.child.kill('SIGKILL');
    await once(server.child, 'exit');
    const store = await openSqliteStore(folder.path);
    const kept = await store.rows({ runId, stream: 'steps', fromStep: 0, toStep: null, limit: acknowledged + 1 });
    const width = kept.values.length / kept.steps.length;
    if (kept.steps.length !== acknowledged) fail(seed, `${acknowledged} rows were acknowledged, ${kept.steps.length} are kept`);
    for (const [i, step] of kept.steps.entries()) {
      if (step !== i) fail(seed, `row ${i} has step ${step}`);
      const expected = row(step, values);
      for (let c = 0; c < width; c++)
        if (!Object.is(kept.values[i * width + c], expected[c])) fail(seed, `row ${i} has another number`);
    }
    await store.close();
    const { damaged } = await verifyFolder(folder.path);
    if (damaged.length > 0) fail(seed, damaged.join('; '));
    return { kills, rows: acknowledged };
  } finally {
    server.child.kill('SIGKILL');
    folder.remove();
  }
}

/** Changes one bit in a store, again and again. @returns how many there were; each was an error for its reader, or changed no answer */
export async function changeBits(seed: number, flips: number): Promise<{ flips: number; found: number }> {
  const draw = drawing(seed);
  const folder = ownFolder();
  const sound = path.join(folder.path, 'sound');
  const changed = path.join(folder.path, 'changed');
  const ask = async (data: string): Promise<string[]> => {
    const store = await openSqliteStore(data);
    const asked = [
      store.range({ runId: 'bits01', series: null, fromStep: 0, toStep: null, buckets: 50 }),
      store.range({ runId: 'bits01', series: null, fromStep: 0, toStep: null, buckets: 4000 }),
      store.entries({ runId: 'bits01', fromSeq: 1, limit: 100_000, types: null }),
      store.runs(),
      store.streams('bits01'),
      store.setting('color'),
    ].map((answer) => answer.then((a) => JSON.stringify(a)).catch((error: Error) => `error: ${error.message}`));
    const answers = await Promise.all(asked);
    await store.close();
    return answers;
  };
  try {
    const store = await openSqliteStore(sound);
    await fillRun(store, 'bits01', 4_500, { width: 8, batch: 250, kind: 'f64', inFlight: 2 });
    await store.setSetting('color', 'blue');
    await store.close();
    const before = await ask(sound);
    let found = 0;
    let flipped = 0;
    for (let i = 0; i < flips; i++) {
      cpSync(sound, changed, { recursive: true });
      const db = new Sqlite(databaseFile(changed));
      const all = (Object.keys(checked) as Checked[]).filter((of) => !['items', 'views', 'runs.summaryCrc'].includes(of));
      const of = all[draw(all.length)]!;
      const { table } = placeOf(of);
      const contents = ['data', 'event', 'steps', 'times', 'firstSteps', 'lastSteps', 'lastTimes'];
      const own: readonly string[] = checked[of];
      const named = own.filter((f) => contents.includes(f));
      const keys = own.filter((f) => !contents.includes(f));
      // Of a table without contents any column but the number of the run or stream that the row belongs to.
      const free = own.filter((f) => !['run', 'stream', 'id'].includes(f));
      const field = named.length > 0 ? named[draw(named.length)]! : free[draw(free.length)]!;
      const rows = db
        .prepare(`SELECT ${keys.join(', ')}, ${field} AS before FROM ${table} WHERE ${field} IS NOT NULL`)
        .all() as Record<string, unknown>[];
      // A table that this run does not use, or a column without a value.
      if (rows.length === 0) {
        db.close();
        rmSync(changed, { recursive: true });
        continue;
      }
      const chosen = rows[draw(rows.length)]!;
      const { bit, value } = withOneBitChanged(chosen.before, draw);
      const { changes } = db
        .prepare(`UPDATE OR IGNORE ${table} SET ${field} = ? WHERE ${keys.map((k) => `${k} IS ?`).join(' AND ')}`)
        .run(value, ...keys.map((k) => chosen[k]));
      flipped += changes;
      if (changes > 1) fail(seed, `${table}.${field} was to change in one row, not in ${changes}`);
      db.close();
      // With that bit it would be the key of another row.
      if (changes === 0) {
        rmSync(changed, { recursive: true });
        continue;
      }
      const after = await ask(changed);
      const where = `bit ${bit} of ${table}.${field}`;
      for (const [k, answer] of after.entries())
        if (answer !== before[k] && !/^error: .* is damaged: what was read is not what was written/.test(answer))
          fail(seed, `${where} gives another answer: ${answer.slice(0, 200)}`);
      if ((await verifyFolder(changed)).damaged.length === 0) fail(seed, `${where} is not found by verify`);
      if (after.some((answer) => answer.startsWith('error: '))) found++;
      rmSync(changed, { recursive: true });
    }
    return { flips: flipped, found };
  } finally {
    folder.remove();
  }
}

/** A bit among the bytes of a text or a blob, or among the lower 31 bits of a whole number. */
function withOneBitChanged(before: unknown, draw: Draw): { bit: number; value: number | string | Buffer } {
  if (typeof before === 'number') {
    const bit = draw(31);
    const half = 2 ** bit;
    return { bit, value: Math.floor(before / half) % 2 === 0 ? before + half : before - half };
  }
  const bytes = typeof before === 'string' ? Buffer.from(before) : Buffer.from(before as Uint8Array);
  const bit = draw(bytes.length * 8);
  bytes[bit >> 3] = bytes[bit >> 3]! ^ (1 << (bit & 7));
  return { bit, value: typeof before === 'string' ? bytes.toString('latin1') : bytes };
}

/** Most binary parts that socket.io reads in a packet. */
const mostBinaryParts = 10;
const binaryParts = (of: unknown): number => {
  if (of instanceof Uint8Array) return 1;
  return of !== null && typeof of === 'object' ? Object.values(of).reduce((sum: number, part) => sum + binaryParts(part), 0) : 0;
};

/** Sends nonsense over viewers' sockets. @returns how many messages; each was refused by an answer, or by the end of its connection, and the server is as before */
export async function flood(seed: number, messages: number): Promise<{ messages: number; refused: number }> {
  const draw = drawing(seed);
  const app = await startApp({ store: openMemoryStore() });
  try {
    const { runId } = await app.hub.create({ id: 'x', name: 'X', role: 'admin' }, publishedSetup('reverse'));
    const nonsense = (depth = 0): unknown => {
      const kinds: (() => unknown)[] = [
        () => null,
        () => runId,
        () => draw(1e9) - 5e8,
        () => Number.NaN,
        () => 'x'.repeat(draw(500)),
        () => new Uint8Array(draw(300)),
        () => '__proto__',
        () => Array.from({ length: draw(5) }, () => (depth < 3 ? nonsense(depth + 1) : 1)),
        () =>
          Object.fromEntries(
            ['runId', 'kind', 'id', 'cursor', 'look', 'constructor'].map((k) => [k, depth < 3 ? nonsense(depth + 1) : 1]),
          ),
      ];
      return kinds[draw(kinds.length)]!();
    };
    const names = [
      'watch',
      'unwatch',
      'watchRuns',
      'unwatchRuns',
      'watchQuestions',
      'unwatchQuestions',
      'command',
      'look',
      'toString',
      'nothing',
    ];
    let refused = 0;
    let viewer = await TestViewer.connect(app.url);
    for (let i = 0; i < messages; i++) {
      if (i % 200 === 199) {
        viewer.close();
        viewer = await TestViewer.connect(app.url);
      }
      const name = names[draw(names.length)]!;
      const message = nonsense();
      const tooMany = binaryParts(message) > mostBinaryParts;
      const answer = await viewer
        .raw(name, message)
        .catch((error: Error) => (tooMany ? null : fail(seed, `message ${i} (${name}): ${error.message}`)));
      if (tooMany) {
        // Such a packet ends its connection, and only that.
        if (answer !== null) fail(seed, `message ${i} (${name}) of too many binary parts was read`);
        viewer = await TestViewer.connect(app.url);
      }
      if (answer === null || (answer as { ok?: boolean } | undefined)?.ok === false) refused++;
    }
    if (!(await viewer.watch(runId)).ok) fail(seed, 'afterwards a run cannot be watched');
    viewer.close();
    if (app.trouble.length > 0) fail(seed, `the server complained: ${app.trouble[0]}`);
    return { messages, refused };
  } finally {
    await app.close();
  }
}
