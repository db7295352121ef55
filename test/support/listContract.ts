import { afterAll, beforeAll, expect, it } from 'vitest';
import { resumedAt } from '~/server/runs/resumed';
import type { Store } from '~/server/store';
import { listsOf } from '~/server/store/lists';
import { keysOf, subjectKeys } from '~/shared/listKeys';
import { changedSince } from '~/shared/resumed';
import { seqCount } from '~/shared/rows';
import { type ListKind, listKinds } from '~/shared/view';
import { RandomRun } from './randomRun';

/** The rules of every store for the lists that grow with a run, each with an id; results are compared with complete lists (naiveLists.ts). */
export function listContract(open: () => Promise<Store>): void {
  let store: Store;
  let runs = 0;
  beforeAll(async () => {
    store = await open();
  });
  afterAll(() => store.close());

  /** A run with `things` random events, written in appends of several entries. */
  async function stored(seed: number, things: number): Promise<RandomRun> {
    const run = new RandomRun(seed, `lists${100 + runs++}`);
    for (let i = 0; i < things; i++) run.next();
    await write(run, 0);
    return run;
  }

  async function write(run: RandomRun, from: number): Promise<void> {
    const size = 1 + run.below(9);
    for (let i = from; i < run.entries.length; ) {
      // An append contains at most one takeover, at its beginning.
      let to = i + 1;
      while (to < run.entries.length && to - i < size && run.entries[to]!.event.type !== 'run.assigned') to++;
      await append(run, i, to);
      i = to;
    }
  }

  async function append(run: RandomRun, from: number, to: number): Promise<void> {
    const entries = run.entries.slice(from, to);
    const first = entries[0]!;
    await store.append({
      runId: run.runId,
      after: first.seq - 1,
      attempt: entries.at(-1)!.attempt,
      nextEvent: 0,
      entries,
      changes: run.changes.slice(from, to).flat(),
    });
  }

  const seeds = [1, 2, 3, 4, 5];
  const whole = (run: RandomRun, kind: ListKind) => run.naive.lists[kind] as { seq: number }[];

  it('[L1] every list holds exactly the items in force, in the order of the log, read page by page from either end', async () => {
    for (const seed of seeds) {
      const run = await stored(seed, 500);
      const { runId } = run;
      for (const kind of listKinds) {
        const forward: unknown[] = [];
        for await (const page of listsOf(store, runId).pages(kind)) forward.push(...page);
        expect(forward, `seed ${seed}: ${kind}`).toEqual(whole(run, kind));
        const backward: { seq: number }[] = [];
        for (;;) {
          const page = await store.list({ runId, kind, limit: 7, before: backward[0]?.seq });
          if (page.length === 0) break;
          backward.unshift(...(page as { seq: number }[]));
        }
        expect(backward).toEqual(whole(run, kind));
      }
    }
  });

  it('[L2] an item is found by seq and by id however old it is; by what it is about the newest is given; one that is not in force is not', async () => {
    const run = await stored(11, 800);
    const { runId, naive } = run;
    const { commands, notes, checkpoints, evaluations } = naive.lists;
    expect(commands.length).toBeGreaterThan(60);
    for (const c of commands) expect(await store.item({ runId, kind: 'commands', id: c.command.id })).toEqual(c);
    for (const n of notes) expect(await store.item({ runId, kind: 'notes', id: n.id })).toEqual(n);
    for (const e of evaluations.slice(0, 5)) expect(await store.item({ runId, kind: 'evaluations', seq: e.seq })).toEqual(e);
    for (const c of checkpoints) expect(await store.item({ runId, kind: 'checkpoints', ref: c.blob.hash })).toEqual(c);
    const gone = run.entries.find(({ seq, event }) => event.type === 'checkpoint' && !checkpoints.some((c) => c.seq === seq));
    expect(gone).toBeDefined();
    expect(await store.item({ runId, kind: 'checkpoints', seq: gone!.seq })).toBeNull();
    expect(await store.item({ runId, kind: 'commands', id: 'nosuch-id' })).toBeNull();
    expect(await store.item({ runId: 'nosuch', kind: 'notes', id: 'nosuch-id' })).toBeNull();
  });

  it('[L3] lists are narrowed by steps, by what the items are about, and by their kind', async () => {
    const run = await stored(21, 600);
    const { runId } = run;
    const top = run.view.step;
    for (const kind of listKinds) {
      const keyed = whole(run, kind).map((item) => ({ item, ...keysOf(kind, item as never) }));
      const some = keyed[run.below(keyed.length)];
      const [fromStep, toStep] = [Math.floor(top / 4), Math.floor(top / 2)];
      const all = { runId, kind, after: 0, limit: 10_000 };
      expect(await store.list({ ...all, fromStep, toStep })).toEqual(
        keyed.filter((k) => k.step !== null && k.step >= fromStep && k.step < toStep).map((k) => k.item),
      );
      if (some?.ref)
        expect(await store.list({ ...all, ref: some.ref })).toEqual(keyed.filter((k) => k.ref === some.ref).map((k) => k.item));
      if (some?.tag)
        expect(await store.list({ ...all, tag: some.tag })).toEqual(keyed.filter((k) => k.tag === some.tag).map((k) => k.item));
    }
  });

  it('[L4] the items around a step, and the marks of a range, are those of the whole lists', async () => {
    for (const seed of seeds) {
      const run = await stored(30 + seed, 400);
      const { runId } = run;
      for (const kind of listKinds) {
        const keyed = whole(run, kind)
          .map((item) => ({ item, step: keysOf(kind, item as never).step }))
          .filter((k) => k.step !== null)
          .sort((a, b) => a.step! - b.step! || a.item.seq - b.item.seq);
        // Notes and activity may be at steps that were rewound.
        const top = Math.max(0, ...keyed.map((k) => k.step!)) + 1;
        const step = run.below(top);
        expect(await store.near({ runId, kind, step, limit: 3 })).toEqual({
          before: keyed
            .filter((k) => k.step! <= step)
            .slice(-3)
            .map((k) => k.item),
          after: keyed
            .filter((k) => k.step! > step)
            .slice(0, 3)
            .map((k) => k.item),
        });
        const marks = await store.marks({ runId, kinds: [kind], fromStep: 0, toStep: top, buckets: 8 });
        expect(marks.reduce((n, m) => n + m.count, 0)).toBe(keyed.length);
        const subjectOf = (item: object) => (subjectKeys[kind] ?? []).map((key) => keysOf(kind, item as never)[key]).join(' ');
        expect(marks.length).toBeLessThanOrEqual(8 * Math.max(1, new Set(keyed.map((k) => subjectOf(k.item))).size));
        for (const mark of marks) {
          const inside = keyed.filter(
            (k) => k.step! >= mark.step && k.step! <= mark.lastStep && subjectOf(k.item) === subjectOf(mark.item),
          );
          expect(inside.length).toBe(mark.count);
          expect(mark.item.seq).toBe(Math.max(...inside.map((k) => k.item.seq)));
        }
        // Parts are of the steps that have items: a run may begin far from 0, on either side.
        const anywhere = { fromStep: Number.MIN_SAFE_INTEGER, toStep: Number.MAX_SAFE_INTEGER };
        expect(await store.marks({ runId, kinds: [kind], ...anywhere, buckets: 8 })).toEqual(marks);
      }
    }
  });

  it('[L5] what an entry that takes the run back says of the lists is what the whole lists say', async () => {
    for (const seed of seeds) {
      const run = await stored(50 + seed, 500);
      const { runId, naive, view } = run;
      const { checkpoints } = naive.lists;
      const checkpoint = checkpoints[run.below(checkpoints.length)];
      const at = { fromStep: checkpoint?.step ?? 0, keepSeq: checkpoint?.seq ?? 0 };
      const controls = changedSince(view, { seq: 0, ...at });
      expect(await resumedAt(listsOf(store, runId), store, view, at)).toEqual(naive.resumed(at.fromStep, at.keepSeq, controls));
    }
  });

  it('[L6] a write that is refused changes no list; a run that is removed leaves none', async () => {
    const run = await stored(61, 100);
    const { runId } = run;
    const from = run.entries.length;
    while (run.changes.slice(from).flat().length === 0) run.next();
    const last = run.entries.at(-1)!;
    const changes = run.changes.slice(from).flat();
    const write = { runId, after: 3, attempt: 99, nextEvent: 0, entries: [last], changes, seriesNames: [] };
    const before = await Promise.all(listKinds.map((kind) => store.list({ runId, kind, limit: 1000 })));
    await expect(store.append(write)).rejects.toThrow();
    expect(await Promise.all(listKinds.map((kind) => store.list({ runId, kind, limit: 1000 })))).toEqual(before);
    expect(seqCount(last.event)).toBeGreaterThan(0);
    await store.remove(runId);
    for (const kind of listKinds) expect(await store.list({ runId, kind, limit: 10 })).toEqual([]);
  });
}
