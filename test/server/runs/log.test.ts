import { describe, expect, it } from 'vitest';
import { lastSeq, RunLog, startingAt } from '~/server/runs/log';
import type { Entry, RunEvent } from '~/shared/events';
import { fold } from '~/shared/fold';
import type { Actor } from '~/shared/ids';
import { fakeClock } from '~/test/support/fakeClock';
import { openMemoryStore } from '~/test/support/memoryStore';
import { publishedSetup } from '~/test/support/setups';
import { foldAll } from '~/test/support/views';

const ada: Actor = { id: 'u1', name: 'Ada', role: 'operator' };
const created: RunEvent = { type: 'run.created', setup: publishedSetup('reverse'), actor: ada, parent: null };
const label = (name: string): RunEvent => ({ type: 'run.labelled', actor: ada, name });
const declared: RunEvent = { type: 'series', stream: 's', columns: [{ name: 'loss' }] };
const rows = (first: number, ...values: number[]): RunEvent => ({
  ...{ type: 'rows', stream: 's', steps: { first, count: values.length } },
  values: Float64Array.from(values),
});

function started() {
  const store = openMemoryStore();
  const published: [seqs: number[], before: number, after: number][] = [];
  const publish = (entries: Entry[], view: { seq: number }, before: { seq: number }) =>
    void published.push([entries.map((e) => e.seq), before.seq, view.seq]);
  const deps = { store, clock: fakeClock() };
  return { store, published, publish, deps };
}

describe("a run's log", () => {
  it('begins with its creation and what follows it in one write, and is read back the same', async () => {
    const { store, published, publish, deps } = started();
    const log = await RunLog.create(deps, 'run001', created, publish, [label('second'), label('third')]);
    expect([log.view.setup.name, log.view.seq, published]).toEqual(['third', 3, [[[1, 2, 3], 1, 3]]]);
    await log.append([declared, rows(0, 1, 2, 3), label('fourth')], { nextEvent: 5 });
    expect(published.at(-1)).toEqual([[4, 5, 8], 3, 8]);
    // Page by page, and from a saved view whose last entry is half a block of rows.
    const page = store.entries;
    store.entries = (query) => page.call(store, { ...query, limit: 2 });
    const again = await RunLog.open(deps, { runId: 'run001', nextEvent: 5 }, publish);
    expect([again.view, again.nextEvent]).toEqual([log.view, 5]);
    const entries = await page.call(store, { runId: 'run001', fromSeq: 1, limit: 100, types: null });
    expect(again.view).toEqual(foldAll('run001', entries));
    expect((await again.lists.list('activity', { limit: 10 } as never)).length).toBe(3);
    const half = fold(foldAll('run001', entries.slice(0, 4)), { seq: 5, attempt: 0, at: 0, event: rows(0, 1, 2) });
    store.view = async () => half;
    const { view } = await RunLog.open(deps, { runId: 'run001', nextEvent: 5 }, publish);
    expect({ ...view, updatedAt: 0 }).toEqual({ ...log.view, updatedAt: 0 });
  });

  it('is there when the write that began it took effect though it failed, and is not when it did not', async () => {
    const { store, publish, deps } = started();
    const { append } = store;
    const broken = (effect: boolean) => {
      store.append = async (change) => {
        if (effect) await append.call(store, change);
        throw new Error('the connection broke');
      };
    };
    broken(true);
    expect((await RunLog.create(deps, 'run001', created, publish, [label('second')])).view.setup.name).toBe('second');
    broken(false);
    await expect(RunLog.create(deps, 'run002', created, publish)).rejects.toThrow('the connection broke');
  });

  it('writes the attempt that comes with the entries', async () => {
    const { store, publish, deps } = started();
    const log = await RunLog.create(deps, 'run001', created, publish);
    const written: unknown[] = [];
    const { append } = store;
    store.append = (change) => {
      written.push([change.attempt, change.entries[0]!.attempt]);
      return append.call(store, change);
    };
    await log.append([declared], { attempt: 3 });
    expect(written).toEqual([[3, 3]]);
    expect([log.streams.declared({ stream: 's', columns: [{ name: 'loss' }] }), log.rows]).toEqual([true, store]);
  });

  it('takes up what a write with an unknown outcome left behind, once, and nothing where there was none', async () => {
    const { store, published, publish, deps } = started();
    await store.append({
      ...{ runId: 'run000', after: 0, attempt: 0, nextEvent: 7, changes: [] },
      entries: [{ seq: 1, attempt: 0, at: 0, event: created }],
    });
    const log = await RunLog.create(deps, 'run001', created, publish);
    await log.append([declared]);
    const { append } = store;
    store.append = async (change) => {
      await append.call(store, change);
      throw new Error('the connection broke');
    };
    await expect(log.append([rows(0, 1, 2)], { nextEvent: 3 })).rejects.toThrow('the connection broke');
    expect([log.view.seq, log.nextEvent]).toEqual([2, 0]);
    store.append = append;
    await log.sync();
    expect([log.view.seq, log.nextEvent, log.view.step]).toEqual([4, 3, 2]);
    const told = published.length;
    expect(published.at(-1)).toEqual([[3], 2, 4]);
    store.runs = async () => expect.unreachable('nothing is open');
    await log.sync();
    expect(published.length).toBe(told);
  });

  it('that is gone from the store says so', async () => {
    const { store, publish, deps } = started();
    const log = await RunLog.create(deps, 'run001', created, publish);
    store.append = () => Promise.reject(new Error('no'));
    await expect(log.append([declared])).rejects.toThrow('no');
    store.runs = async () => [];
    await expect(log.sync()).rejects.toThrow('run run001 is no longer in the store');
    await expect(RunLog.open(deps, { runId: 'run009', nextEvent: 0 }, publish)).rejects.toThrow(
      'run run009: an empty log has no view',
    );
  });
});

describe('an entry', () => {
  const entry: Entry = { seq: 5, attempt: 1, at: 9, event: rows(10, 1, 2, 3) };
  it('is cut where a reader goes on; only rows can be', () => {
    expect(startingAt(entry, 6)).toEqual({ ...entry, seq: 6, event: rows(11, 2, 3) });
    expect([startingAt(entry, 5), startingAt(entry, 4)]).toEqual([entry, entry]);
    expect(startingAt(entry, 5)).toBe(entry);
    const other: Entry = { seq: 5, attempt: 1, at: 9, event: label('x') };
    expect(startingAt(other, 7)).toBe(other);
  });

  it('ends with the number of its last row', () => {
    expect([lastSeq(entry), lastSeq({ ...entry, event: label('x') })]).toEqual([7, 5]);
  });
});
