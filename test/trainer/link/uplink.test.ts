/** The link's thread with a socket, a clock and a disk that the test holds. */
import { mkdirSync, symlinkSync, unlinkSync } from 'node:fs';
import path from 'node:path';
import type { Socket } from 'socket.io-client';
import { expect, it } from 'vitest';
import type { TrainerEvent } from '~/shared/events';
import { unpack } from '~/shared/pack';
import { type BatchAnswer, VERSION } from '~/shared/protocol';
import { seqCount } from '~/shared/rows';
import { ownFolder } from '~/test/support/folder';
import { publishedSetup } from '~/test/support/setups';
import { gauge } from '~/trainer/link/messages';
import { Uplink } from '~/trainer/link/uplink';

const row = (step: number): TrainerEvent => ({
  type: 'rows',
  stream: 'steps',
  steps: { first: step, count: 1 },
  values: Float64Array.of(step),
});
const blob = new Uint8Array([1, 2, 3]);
const checkpoint: TrainerEvent = {
  type: 'checkpoint',
  step: 2,
  blob: { hash: 'aa'.repeat(32), bytes: blob.length },
  trigger: 'cadence',
  commandId: null,
  lastCommandSeq: 0,
};
const finished: TrainerEvent = { type: 'status', status: 'finished', step: 2, message: '' };

it('a full disk under the spool makes training wait and says so; with room again every event is sent, once and in order', async () => {
  const folder = ownFolder();
  const spoolFolder = path.join(folder.path, 'spool');
  const own = path.join(spoolFolder, 'run00001-1');
  const gauges = new Int32Array(new SharedArrayBuffer(8));
  const lines: string[] = [];
  const timers = new Map<() => void, number>();
  const sent: TrainerEvent[] = [];
  const handlers = new Map<string, (message: unknown) => void>();
  let ready = () => {};
  const idle = new Promise<void>((resolve) => {
    let count = 0;
    ready = () => ++count === 2 && resolve();
  });
  const socket = {
    connected: true,
    on: (event: string, handler: (message: unknown) => void) => handlers.set(event, handler),
    emit: (event: string) => event === 'ready' && ready(),
    disconnect() {},
    timeout: () => ({
      async emitWithAck(event: string, packed: Uint8Array): Promise<unknown> {
        if (event === 'register') return { ok: true, holding: [] };
        const { from, events } = unpack(packed) as { from: number; events: TrainerEvent[] };
        sent.push(...events);
        return { ok: true, nextEvent: from + events.reduce((sum, e) => sum + seqCount(e), 0) } satisfies BatchAnswer;
      },
    }),
  };
  const registration = {
    version: VERSION,
    trainerId: 'trainer-1',
    name: 'test',
    host: 'here',
    pid: 1,
    recipes: [],
    memoryBytes: 1,
    answers: true,
  };
  const uploads: string[] = [];
  const uplink = new Uplink(
    { server: 'http://test', token: '', spoolFolder, spoolBytes: 2 ** 30, registration, gauge: gauges.buffer },
    () => {},
    (line) => lines.push(line),
    {
      connect: () => socket as unknown as Socket,
      putBlob: async (_at, hash) => void uploads.push(hash),
      elapsed: () => 0,
      after(ms, task) {
        timers.set(task, ms);
        return () => void timers.delete(task);
      },
      random: () => 0.5,
    },
  );
  const fire = (ms: number) => {
    for (const [task, after] of [...timers]) if (after === ms && timers.delete(task)) task();
  };
  const isFull = () => Atomics.load(gauges, gauge.spoolFull) === 1;
  const put = (event: TrainerEvent, blobs: { hash: string; bytes: Uint8Array }[] = []) =>
    uplink.handle({ type: 'output', run: 'run00001-1', event, blobs, kilobytes: 0 });
  handlers.get('connect')!(undefined);
  await Promise.resolve();
  handlers.get('assign')!({ runId: 'run00001', attempt: 1, setup: publishedSetup('reverse'), resume: null, commands: [] });
  // Whatever is written there finds the disk full.
  mkdirSync(own, { recursive: true });
  const taken = ['0000000000000000.events', `${'aa'.repeat(32)}.blob`].map((name) => path.join(own, name));
  for (const file of taken) symlinkSync('/dev/full', file);
  put(row(0));
  expect([isFull(), lines.at(-1)]).toEqual([
    true,
    `HEADROOM_DATA ${spoolFolder}: the disk is full; make space, or give another; training waits until it can be written`,
  ]);
  put(row(1));
  fire(1000);
  expect([isFull(), sent, lines.filter((line) => line.includes('full')).length]).toEqual([true, [], 1]);
  unlinkSync(taken[0]!);
  fire(1000);
  expect([isFull(), lines.at(-1)]).toEqual([false, 'the spool has room again: training goes on']);
  put(checkpoint, [{ hash: 'aa'.repeat(32), bytes: blob }]);
  put(finished);
  uplink.handle({ type: 'ended', run: 'run00001-1' });
  expect(isFull()).toBe(true);
  unlinkSync(taken[1]!);
  fire(1000);
  await idle;
  expect(isFull()).toBe(false);
  expect(sent.slice(-2)).toEqual([checkpoint, finished]);
  expect(sent.slice(0, -2).flatMap((e) => (e.type === 'rows' ? [...e.values] : []))).toEqual([0, 1]);
  expect(uploads).toEqual(['aa'.repeat(32)]);
  folder.remove();
});
