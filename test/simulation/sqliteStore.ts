import type { Store } from '~/server/store';
import { openReads, type Reads } from '~/server/store/sqlite/read';
import { openForWriting } from '~/server/store/sqlite/schema';
import { finish, type Work } from '~/server/store/sqlite/work';
import { openWrites, type Writes } from '~/server/store/sqlite/write';

/**
 * The SQL of the product on a database in `folder`, without the threads of sqlite/open.ts, whose timing no seed repeats: each call is
 * one transaction.
 */
export function openSqliteHere(folder: string): Store {
  const { db, unlock } = openForWriting(folder);
  const writes = openWrites(db);
  const reads = openReads(db);
  const write = <M extends keyof Writes>(method: M) => {
    const call = db.transaction((...args: unknown[]) => (writes[method] as (...args: unknown[]) => void)(...args));
    return async (...args: Parameters<Writes[M]>): Promise<void> => call.immediate(...args);
  };
  type Answer<M extends keyof Reads> = ReturnType<Reads[M]> extends Work<infer T> ? T : ReturnType<Reads[M]>;
  const read = <M extends keyof Reads>(method: M) => {
    const call = reads[method] as (...args: unknown[]) => unknown;
    return async (...args: Parameters<Reads[M]>): Promise<Answer<M>> => {
      const answer = call(...args);
      return (isWork(answer) ? finish(answer) : answer) as Answer<M>;
    };
  };
  return {
    runs: read('runs'),
    entries: read('entries'),
    range: (query) => read('range')(query),
    rows: (query) => read('rows')(query),
    streams: read('streams'),
    series: read('series'),
    list: read('list') as Store['list'],
    item: read('item') as Store['item'],
    near: read('near') as Store['near'],
    marks: read('marks'),
    console: read('console'),
    signals: read('signals'),
    view: read('view'),
    chainAt: read('chainAt'),
    blobUsers: read('blobUsers'),
    setting: read('setting'),
    smallBlob: read('smallBlob'),
    unnamedSmallBlobs: read('unnamedSmallBlobs'),
    append: write('append'),
    saveView: write('saveView'),
    remove: write('remove'),
    setSetting: write('setSetting'),
    putSmallBlob: write('putSmallBlob'),
    removeSmallBlob: write('removeSmallBlob'),
    check: async () => {},
    async close() {
      db.close();
      unlock();
    },
  };
}

const isWork = (answer: unknown): answer is Work<unknown> =>
  typeof answer === 'object' && answer !== null && typeof (answer as { next?: unknown }).next === 'function';
