import type { Store } from '~/server/store';
import type { Reads } from './read';
import { startThread, type Thread } from './thread';

/**
 * The store in one SQLite file, `folder`/headroom.db (WAL, synchronous = FULL). A writing and a reading thread hold the connections; ranges with a moving average have
 * a reading thread of their own from the first one on, because a long run is gone through whole for a new weight (70 ms for 1,000,000 steps of 16 series).
 *
 * @param onNotice hears what bringing an older file up to date does, line by line
 * @throws Error in words when the folder cannot be written, another server uses it, or the file is damaged, foreign or too new
 */
export async function openSqliteStore(folder: string, onNotice?: (text: string) => void): Promise<Store> {
  const started = await Promise.allSettled([
    startThread({ role: 'writer', folder }, onNotice),
    startThread({ role: 'reader', folder }),
  ]);
  const [writer, reader] = started.map((s) => (s.status === 'fulfilled' ? s.value : null));
  if (!writer || !reader) {
    await reader?.close();
    await writer?.close();
    throw started.find((s) => s.status === 'rejected')?.reason;
  }
  const read = <M extends keyof Reads>(method: M) =>
    ((...args: unknown[]) => reader.call(method, ...args)) as (...args: Parameters<Reads[M]>) => Promise<ReturnType<Reads[M]>>;
  const write = async (method: string, ...args: unknown[]): Promise<void> => {
    await writer.call(method, ...args);
  };
  let smoother: Promise<Thread> | null = null;
  const range = read('range');
  return {
    runs: read('runs'),
    entries: read('entries'),
    async range(query) {
      if (query.smoothing === null || query.smoothing === undefined) return range(query);
      smoother ??= startThread({ role: 'reader', folder });
      return (await smoother).call('range', query) as ReturnType<typeof range>;
    },
    list: read('list') as Store['list'],
    item: read('item') as Store['item'],
    near: read('near') as Store['near'],
    marks: read('marks'),
    console: read('console'),
    signals: read('signals'),
    view: read('view'),
    blobUsers: read('blobUsers'),
    setting: read('setting'),
    smallBlob: read('smallBlob'),
    unnamedSmallBlobs: read('unnamedSmallBlobs'),
    append: (appended) => write('append', { ...appended, entries: appended.entries.map(ownValues) }),
    saveView: (view, summary) => write('saveView', view, summary),
    async remove(runId) {
      await write('remove', runId);
      await (await smoother)?.call('forget');
    },
    setSetting: (key, value) => write('setSetting', key, value),
    putSmallBlob: (hash, bytes) => write('putSmallBlob', hash, bytes.slice()),
    removeSmallBlob: (hash) => write('removeSmallBlob', hash),
    async close() {
      // Last, so that it can fold the write-ahead log into the file.
      await (await smoother)?.close();
      await reader.close();
      await writer.close();
    },
  };
}

/** Sending a part of a buffer to a thread would send all of it. */
function ownValues<E extends { event: { type: string } }>(entry: E): E {
  const { event } = entry as { event: { type: string; values?: Float64Array } };
  if (event.type !== 'steps' || !event.values || event.values.byteLength === event.values.buffer.byteLength) return entry;
  return { ...entry, event: { ...event, values: event.values.slice() } };
}
