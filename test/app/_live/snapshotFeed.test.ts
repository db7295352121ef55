import { expect, it, vi } from 'vitest';
import { inStepOrder, nearestIndex, type Recorded } from '~/app/_live/recorded';
import { SignalTable } from '~/app/_live/signalTable';
import { SnapshotFeed } from '~/app/_live/snapshotFeed';
import { serializeSafetensors } from '~/shared/safetensors';
import { snapshotBytes, uniform } from '~/test/support/attentionMaps';
import { seeded } from '~/test/support/seeded';

const hashOf = (step: number) => String(step).padStart(64, '0');
const recorded = (step: number, seq = step + 1, bytes = 100): Recorded => ({
  step,
  seq,
  blob: { hash: hashOf(step), bytes },
  examples: 1,
});
const bytesAt = (step: number, extra = {}) =>
  snapshotBytes({ step, layers: 1, heads: 1, keys: 4, examples: [uniform(4)], ...extra });

/** A server whose answers come when the test says so. */
function heldServer() {
  const asked: string[] = [];
  const gates = new Map<string, { answer: (bytes: Uint8Array) => void; refuse: (e: Error) => void }>();
  return {
    asked,
    fetchBlob: (hash: string) => {
      asked.push(hash);
      return new Promise<Uint8Array>((answer, refuse) => gates.set(hash, { answer, refuse }));
    },
    async answer(step: number, extra = {}) {
      gates.get(hashOf(step))!.answer(bytesAt(step, extra));
      await settled();
    },
    async refuse(step: number, message: string) {
      gates.get(hashOf(step))!.refuse(new Error(message));
      await settled();
    },
  };
}
/** Goes to a step as a page does. */
function go(feed: SnapshotFeed, step: number) {
  feed.aim(step);
  return feed.look(step);
}

const need = { example: 0, exact: false };
const settled = async () => {
  for (let i = 0; i < 40; i++) await Promise.resolve();
};

it('nearest is by steps, of two equally near the earlier; against a linear search for 500 random lists', () => {
  for (let seed = 0; seed < 500; seed++) {
    const random = seeded(seed);
    const steps = [...new Set(Array.from({ length: Math.floor(random() * 9) }, () => Math.floor(random() * 30)))].sort(
      (a, b) => a - b,
    );
    const step = Math.floor(random() * 34);
    const best = steps.reduce((b, s, i) => (b < 0 || Math.abs(s - step) < Math.abs(steps[b]! - step) ? i : b), -1);
    expect(
      nearestIndex(
        steps.map((s) => ({ step: s })),
        step,
      ),
      `seed ${seed}`,
    ).toBe(best);
  }
});

it('of several snapshots of one step the newest counts', () => {
  expect(inStepOrder([recorded(20, 9), recorded(0, 1), recorded(20, 12), recorded(20, 10)]).map((r) => [r.step, r.seq])).toEqual([
    [0, 1],
    [20, 12],
  ]);
});

it('shows the nearest recorded snapshot once it is there, and until then the nearest one at hand, naming both', async () => {
  const server = heldServer();
  const feed = new SnapshotFeed({ fetchBlob: server.fetchBlob, parallel: 1 });
  expect(go(feed, 7)).toEqual({ step: 7, nearest: null, shown: null, error: null });
  feed.setRecorded([recorded(0), recorded(20), recorded(40)]);
  expect(go(feed, 3)).toMatchObject({ nearest: { step: 0 }, shown: null });
  await server.answer(0);
  expect(go(feed, 37)).toMatchObject({
    step: 37,
    nearest: { step: 40 },
    shown: { recorded: { step: 0 }, snapshot: { step: 0 } },
    error: null,
  });
  // One at a time: 20 was under way, ahead of the first look; then what is looked at.
  await server.answer(20);
  expect(server.asked.map(Number)).toEqual([0, 20, 40]);
  expect(go(feed, 37).shown?.recorded.step).toBe(20);
  await server.answer(40);
  expect(go(feed, 37).shown?.recorded.step).toBe(40);
});

it('each blob is fetched once, however often and fast one looks', async () => {
  const server = heldServer();
  const feed = new SnapshotFeed({ fetchBlob: server.fetchBlob });
  feed.setRecorded(Array.from({ length: 10 }, (_, i) => recorded(i * 10)));
  for (let n = 0; n < 200; n++) go(feed, n % 100);
  for (let round = 0; round < 10; round++) for (const h of [...server.asked]) await server.answer(Number(h));
  expect([...server.asked].map(Number).sort((a, b) => a - b)).toEqual([0, 10, 20, 30, 40, 50, 60, 70, 80, 90]);
});

it('a blob that cannot be fetched says why, leaves the nearest at hand on screen, and is asked for again only after a while', async () => {
  let now = 0;
  const server = heldServer();
  const feed = new SnapshotFeed({ fetchBlob: server.fetchBlob, parallel: 1, now: () => now });
  feed.setRecorded([recorded(0), recorded(20)]);
  go(feed, 0);
  await server.answer(0);
  await server.refuse(20, 'blob: 404');
  expect(go(feed, 20)).toMatchObject({ nearest: { step: 20 }, shown: { recorded: { step: 0 } }, error: 'blob: 404' });
  expect(server.asked).toHaveLength(2);
  now = 2_000;
  go(feed, 20);
  expect(server.asked).toHaveLength(3);
  await server.answer(20);
  expect(go(feed, 20)).toMatchObject({ shown: { recorded: { step: 20 } }, error: null });
});

it('whoever shows a blob that could not be fetched is told when it may be asked for again: later after each failure', async () => {
  vi.useFakeTimers();
  try {
    const server = heldServer();
    const feed = new SnapshotFeed({ fetchBlob: server.fetchBlob });
    feed.setRecorded([recorded(0)]);
    feed.subscribe(() => void go(feed, 0));
    go(feed, 0);
    const asked = [];
    for (const ms of [2_000, 4_000, 8_000]) {
      await server.refuse(0, 'away');
      await vi.advanceTimersByTimeAsync(ms - 1);
      asked.push(server.asked.length);
      await vi.advanceTimersByTimeAsync(1);
      asked.push(server.asked.length);
    }
    expect(asked).toEqual([1, 2, 2, 3, 3, 4]);
    await server.answer(0);
    expect(go(feed, 0)).toMatchObject({ shown: { recorded: { step: 0 } }, error: null });
  } finally {
    vi.useRealTimers();
  }
});

it('a corrupt blob is an error with the reason, not an empty map', async () => {
  const feed = new SnapshotFeed({ fetchBlob: async () => bytesAt(0).subarray(0, 90) });
  feed.setRecorded([recorded(0)]);
  go(feed, 0);
  await settled();
  expect(go(feed, 0).error).toMatch(/truncated/);
});

it('one snapshot can be waited for; while it is under way it is not asked for twice, and a failure is told', async () => {
  const server = heldServer();
  const feed = new SnapshotFeed({ fetchBlob: server.fetchBlob, parallel: 1 });
  feed.setRecorded([recorded(0), recorded(20)]);
  feed.aim(0);
  const [first, second] = [feed.load(recorded(0), need), feed.load(recorded(20), need)];
  await server.answer(0);
  expect((await first).step).toBe(0);
  const reported = expect(second).rejects.toThrow('step 20: gone');
  await server.refuse(20, 'gone');
  await reported;
  expect(server.asked.map(Number)).toEqual([0, 20]);
});

it('a rewind takes superseded snapshots out and a new one of the same step takes their place', async () => {
  const feed = new SnapshotFeed({ fetchBlob: async (hash) => bytesAt(Number(hash) % 1000) });
  feed.setRecorded([recorded(0, 2), recorded(20, 30), recorded(40, 50)]);
  go(feed, 40);
  await settled();
  const version = feed.version;
  const again: Recorded = { step: 20, seq: 60, blob: { hash: hashOf(1020), bytes: 100 }, examples: 1 };
  feed.setRecorded([recorded(0, 2), again]);
  expect(feed.version).toBeGreaterThan(version);
  expect(go(feed, 40)).toMatchObject({ nearest: again });
  await settled();
  expect(go(feed, 40).shown?.recorded).toEqual(again);
});

it('asked for all steps, fetches evenly spread ones first and no more than fit', async () => {
  const asked: number[] = [];
  const feed = new SnapshotFeed({
    fetchBlob: async (hash) => {
      asked.push(Number(hash));
      return bytesAt(Number(hash));
    },
    parallel: 1,
    maxBytes: 5 * 140_000,
  });
  feed.setRecorded(Array.from({ length: 8 }, (_, i) => recorded(i, i + 1, 100_000)));
  feed.wantEverything(true);
  for (let n = 0; n < 20; n++) await settled();
  expect(asked).toEqual([0, 4, 2, 6, 1]);
});

it('the same pictures are kept once', async () => {
  const pictures = { data: Uint8Array.from({ length: 4 * 8 * 8 * 3 }, (_, i) => i), count: 4, side: 8 };
  const feed = new SnapshotFeed({
    fetchBlob: async (hash) => bytesAt(Number(hash), { task: 'anomaly', pictures, inputs: [[0, 1, 2, 3]] }),
  });
  feed.setRecorded([recorded(0), recorded(20)]);
  go(feed, 0);
  for (let n = 0; n < 10; n++) await settled();
  const [a, b] = [go(feed, 0).shown!.snapshot, go(feed, 20).shown!.snapshot];
  expect(b.pictures).toBe(a.pictures);
});

it('pictures in a file of their own are fetched once for all snapshots that name it', async () => {
  const pictures = { data: Uint8Array.from({ length: 4 * 8 * 8 * 3 }, (_, i) => i), count: 4, side: 8 };
  const file = serializeSafetensors([['pictures', { shape: [4, 8, 8, 3], data: pictures.data }]], {});
  const asked: string[] = [];
  const feed = new SnapshotFeed({
    fetchBlob: async (hash) => {
      asked.push(hash);
      if (hash === 'the pictures') return file;
      return bytesAt(Number(hash), { task: 'anomaly', inputs: [[0, 1, 2, 3]], picturesFile: 'the pictures' });
    },
  });
  feed.setRecorded([recorded(0), recorded(20)]);
  go(feed, 0);
  for (let n = 0; n < 20; n++) await settled();
  const [a, b] = [go(feed, 0).shown!.snapshot, go(feed, 20).shown!.snapshot];
  expect(a.pictures).toEqual(pictures);
  expect(b.pictures).toBe(a.pictures);
  expect(asked.filter((hash) => hash === 'the pictures').length).toBe(1);
});

it('memory lets the longest unused go, and never what was just put in', async () => {
  const fetchBlob = async (hash: string) => bytesAt(Number(hash));
  const all = { example: null, exact: false };
  const { maps } = await new SnapshotFeed({ fetchBlob }).load(recorded(0), all);
  const bytes = maps.flatMap((m) => m!.layers).reduce((n, l) => n + l.byteLength, 16_384);
  const feed = new SnapshotFeed({ fetchBlob, maxBytes: Math.floor(2.5 * bytes) });
  const held = () => [0, 20, 40].filter((step) => feed.peek(recorded(step), null));
  await feed.load(recorded(0), all);
  await feed.load(recorded(20), all);
  feed.at(recorded(0), null);
  await feed.load(recorded(40), all);
  expect(held()).toEqual([0, 40]);
  const small = new SnapshotFeed({ fetchBlob, maxBytes: 100 });
  for (const step of [0, 20]) expect((await small.load(recorded(step), all)).step).toBe(step);
  expect([0, 20].filter((step) => small.peek(recorded(step), null))).toEqual([20]);
});

it('signals: history and live rows make one series; a snapshot without the signal is a gap; rewound rows are gone', () => {
  const table = new SignalTable();
  const layers = [{ name: 'layer 1', heads: 2, queries: 2, keys: 2 }];
  const history = {
    steps: Float64Array.of(0, 20),
    seqs: Float64Array.of(2, 23),
    shapes: [layers],
    shape: Int32Array.of(0, 0),
    signals: [
      { name: 'entropy', values: Float64Array.of(1, 0.9, 0.8, 0.7) },
      { name: 'drift', values: Float64Array.of(Number.NaN, Number.NaN, 0.1, 0.2) },
    ],
  };
  const list = [recorded(0, 2), recorded(20, 23), recorded(40, 44)];
  table.load(history);
  expect(table.missing(list)).toEqual([44]);
  table.add(44, layers, [{ name: 'entropy', values: [0.6, 0.5] }]);
  expect(table.missing(list)).toEqual([]);
  expect(table.names(list)).toEqual(['entropy', 'drift']);
  expect(table.series('entropy', list, layers)).toEqual({
    steps: Float64Array.of(0, 20, 40),
    values: Float64Array.of(1, 0.9, 0.8, 0.7, 0.6, 0.5),
    width: 2,
  });
  expect([...table.series('drift', list, layers).values]).toEqual([Number.NaN, Number.NaN, 0.1, 0.2, Number.NaN, Number.NaN]);
  expect([...table.series('entropy', [recorded(0, 2), recorded(20, 60)], layers).values]).toEqual([
    1,
    0.9,
    Number.NaN,
    Number.NaN,
  ]);
});

it('signals of snapshots that the list does not hold any more are forgotten once they are many; those of its own stay', () => {
  const table = new SignalTable();
  const layers = [{ heads: 1 }];
  const list = Array.from({ length: 400 }, (_, i) => recorded(i * 10));
  for (let seq = 1; seq <= 1299; seq++) table.add(seq, layers, [{ name: 'entropy', values: [seq] }]);
  const others = () => table.missing(Array.from({ length: 1400 }, (_, i) => recorded(0, i + 1)));
  table.keep(list);
  expect(others().length).toBe(101);
  table.add(1300, layers, [{ name: 'entropy', values: [1300] }]);
  table.keep(list);
  expect(1400 - others().length).toBe(130);
  expect(table.series('entropy', list.slice(0, 130), layers).values).toEqual(Float64Array.from(list.slice(0, 130), (r) => r.seq));
});

it('a page that follows a run keeps the newest 400 snapshots; while a view draws all steps, every one that fits into memory', async () => {
  const list = Array.from({ length: 900 }, (_, i) => recorded(i));
  const feed = new SnapshotFeed({ fetchBlob: async (hash) => bytesAt(Number(hash)) });
  const inMemory = () => list.filter((r) => feed.peek(r, 0)).map((r) => r.step);
  for (let n = 1; n <= 600; n++) {
    feed.setRecorded(list.slice(0, n));
    await feed.load(list[n - 1]!, need);
  }
  expect(inMemory()).toEqual(list.slice(200, 600).map((r) => r.step));
  feed.wantEverything(true);
  feed.setRecorded(list);
  await Promise.all(list.map((r) => feed.load(r, need)));
  expect(inMemory().length).toBe(900);
  feed.wantEverything(false);
  feed.setRecorded([...list, recorded(900)]);
  await feed.load(recorded(900), need);
  expect(inMemory().length).toBe(399);
});
