import { expect, it } from 'vitest';
import type { RunEvent } from '~/shared/events';
import type { ConsoleQuery } from '~/shared/media';
import { summarize } from '~/shared/summary';
import type { RunView } from '~/shared/view';
import { foldAll } from '~/test/support/views';
import type { WithStore } from './storeEntries';
import { all, assigned, created, declared, everything, known, named, rows, snapshot, status, writer } from './storeEntries';

/** Views, settings, blobs, console output, and the removal of runs. */
export function storeKeptRules(withStore: WithStore): void {
  it(
    '[S9] a saved view is the newest one, and the list of runs carries its summary',
    withStore(async (store, runId) => {
      const run = writer(store, runId);
      await run.append([created, status(0)]);
      const early = foldAll(runId, run.log.slice(0, 1));
      const late: RunView = {
        ...foldAll(runId, run.log),
        streams: [
          { name: 's', width: 2, columns: [], at: null, latest: { step: 1, at: 2, values: Float64Array.of(Number.NaN, 1) } },
        ],
      };
      await store.saveView(late, summarize(late, 0));
      await store.saveView(early, summarize(early, 0));
      expect(await store.view(runId)).toEqual(late);
      expect(await known(store, runId)).toEqual([
        { runId, head: 2, attempt: 0, nextEvent: 2, summary: { seq: 2, summary: summarize(late, 0) } },
      ]);
      await expect(store.saveView({ ...late, runId: 'nosuch' }, summarize(late, 0))).rejects.toThrow(
        'run nosuch: there is no log for this view',
      );
    }),
  );

  it(
    '[S10] settings and small blobs are kept; what is put again replaces what was there',
    withStore(async (store) => {
      expect([await store.setting('a'), await store.smallBlob('b')]).toEqual([null, null]);
      await store.setSetting('a', '1');
      await store.setSetting('a', '2');
      await store.putSmallBlob('b', Uint8Array.of(1, 2));
      await store.putSmallBlob('b', Uint8Array.of(3));
      expect([await store.setting('a'), [...(await store.smallBlob('b'))!]]).toEqual(['2', [3]]);
      await store.removeSmallBlob('b');
      expect(await store.smallBlob('b')).toBeNull();
    }),
  );

  it(
    '[S14] the runs that name a blob are known, and no longer once removed',
    withStore(async (store, runId) => {
      const hash = 'a'.repeat(64);
      const mine = async () => (await store.blobUsers(hash)).filter((id) => id.startsWith(runId)).sort();
      const run = writer(store, runId);
      const other = writer(store, `${runId}b`);
      await run.append([created, assigned(1, 0), snapshot(0, { entropy: [1, 2] }), snapshot(0, { entropy: [1, 2] })]);
      await other.append([created, assigned(1, 0), snapshot(0, { entropy: [1, 2] })]);
      expect([await mine(), await store.blobUsers('b'.repeat(64))]).toEqual([[runId, `${runId}b`], []]);
      await store.remove(runId);
      expect(await mine()).toEqual([`${runId}b`]);
    }),
  );

  it(
    '[S13] a removed run is gone whole and its name may be used again; others stay',
    withStore(async (store, runId) => {
      const other = writer(store, `${runId}other`);
      await other.append([created, assigned(1, 0), declared(), rows(0, 3000, 2, (s) => s)]);
      const run = writer(store, runId);
      await run.append([created, assigned(1, 0), declared(), rows(0, 9000, 2, (s) => s), snapshot(9000, { entropy: [1, 2] })]);
      await store.saveView(foldAll(runId, run.log.slice(0, 1)), summarize(foldAll(runId, run.log.slice(0, 1)), 0));
      await store.remove(runId);
      await store.remove(runId);
      expect([await known(store, runId), await store.entries({ runId, ...all }), await store.view(runId)]).toEqual([
        [],
        [],
        null,
      ]);
      const again = writer(store, runId);
      await again.append([created, assigned(1, 0), declared(['loss']), rows(0, 2, 1, () => 7)]);
      expect(await store.entries({ runId, ...all })).toEqual(again.log);
      expect(named(await store.range({ runId, ...everything }), 'loss').rows).toEqual(Int32Array.of(1, 1));
      expect(await store.entries({ runId: `${runId}other`, ...all })).toEqual(other.log);
    }),
  );

  it(
    '[S21] the newest 2 MB of what a run prints are kept and searched; older texts are emptied, their entries stay',
    withStore(async (store, runId) => {
      const print = (text: string, stream: 'out' | 'err' = 'out'): RunEvent => ({ type: 'console', stream, text });
      const run = writer(store, runId);
      await run.append([created, print('Loading DATA'), print('oops', 'err'), status(0), print('step 1')]);
      const ask = (more: Partial<ConsoleQuery> = {}) =>
        store.console({ runId, before: null, after: null, search: '', limit: 10, ...more });
      const seqs = async (more?: Partial<ConsoleQuery>) => {
        const { parts, more: others } = await ask(more);
        return [...parts.map((p) => p.seq), others];
      };
      expect(await ask({ search: 'data' })).toEqual({
        parts: [{ seq: 2, at: 1_001, stream: 'out', text: 'Loading DATA' }],
        more: false,
      });
      expect([await seqs({ limit: 2 }), await seqs({ before: 5 }), await seqs({ after: 2, limit: 1 })]).toEqual([
        [3, 5, true],
        [2, 3, false],
        [3, true],
      ]);
      // A part of 2^14 characters counts as 2^14 + 32 bytes: 127 of them fit into 2^21 bytes, 128 do not.
      const long = (i: number) => print(String(i).padEnd(2 ** 14, '.'));
      await run.append(Array.from({ length: 127 }, (_, i) => long(i)));
      expect((await seqs({ limit: 1000 })).length - 1).toBe(127 + 3);
      await run.append([long(127)]);
      const kept = await ask({ limit: 1000 });
      expect([kept.parts.length, kept.parts[0]!.seq]).toEqual([127, 7]);
      const entries = await store.entries({ runId, ...all });
      expect(entries.map((e) => e.seq)).toEqual(run.log.map((e) => e.seq));
      expect(entries[1]!.event).toEqual(print(''));
      expect(entries.at(-1)).toEqual(run.log.at(-1));
      await store.remove(runId);
      expect(await ask()).toEqual({ parts: [], more: false });
    }),
  );
}
