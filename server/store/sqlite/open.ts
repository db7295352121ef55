import type { Append, Store } from '~/server/store';
import type { Entry } from '~/shared/events';
import type { Reads } from './read';
import { startThread, type Thread } from './thread';
import type { Work } from './work';

/** A store that can also index logs which are kept elsewhere. */
export interface IndexStore extends Store {
  /** Writes nothing. @throws what `append` would throw */
  checkAppend(write: Append): Promise<void>;
  settings(): Promise<Map<string, string>>;
}

/**
 * The store in one SQLite file, `folder`/headroom.db (WAL, synchronous = FULL). A writing and a reading thread hold the
 * connections; the reader answers in slices (lanes.ts), so that queries about one run do not delay those about another. Ranges
 * with a moving average get a reading thread of their own when the first one is requested, because a new weight requires reading
 * the whole run.
 *
 * @param onNotice called with progress lines while an older file is upgraded
 * @throws Error with a message for people when the folder cannot be written, another server uses it, or the file is damaged,
 *   foreign or too new
 */
export async function openSqliteStore(folder: string, onNotice?: (text: string) => void): Promise<IndexStore> {
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
  type Answer<M extends keyof Reads> = ReturnType<Reads[M]> extends Work<infer T> ? T : ReturnType<Reads[M]>;
  const read = <M extends keyof Reads>(method: M) =>
    ((...args: unknown[]) => reader.call(method, ...args)) as (...args: Parameters<Reads[M]>) => Promise<Answer<M>>;
  const write = async (method: string, ...args: unknown[]): Promise<void> => {
    await writer.call(method, ...args);
  };
  const withOwnValues = (appended: Append): Append => ({ ...appended, entries: appended.entries.map(ownValues) });
  let smoother: Promise<Thread> | null = null;
  return {
    runs: read('runs'),
    entries: read('entries'),
    async range(query, signal) {
      if (query.smoothing === null || query.smoothing === undefined)
        return reader.ask(signal, 'range', query) as Promise<Answer<'range'>>;
      smoother ??= startThread({ role: 'reader', folder });
      return (await smoother).ask(signal, 'range', query) as Promise<Answer<'range'>>;
    },
    rows: (query, signal) => reader.ask(signal, 'rows', query) as Promise<Answer<'rows'>>,
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
    settings: read('settings'),
    smallBlob: read('smallBlob'),
    unnamedSmallBlobs: read('unnamedSmallBlobs'),
    append: (appended) => write('append', withOwnValues(appended)),
    checkAppend: (appended) => write('checkAppend', withOwnValues(appended)),
    saveView: (view, summary) => write('saveView', view, summary),
    async remove(runId) {
      await write('remove', runId);
      await (await smoother)?.call('forget');
    },
    setSetting: (key, value) => write('setSetting', key, value),
    putSmallBlob: (hash, bytes) => write('putSmallBlob', hash, bytes.slice()),
    removeSmallBlob: (hash) => write('removeSmallBlob', hash),
    check: async () => void (await Promise.all([write('check'), reader.call('setting', '')])),
    async close() {
      // Last, so that it can merge the write-ahead log into the file.
      await (await smoother)?.close();
      await reader.close();
      await writer.close();
    },
  };
}

/** Posting a subarray to a thread would copy its whole buffer. */
function ownValues(entry: Entry): Entry {
  const { event } = entry;
  if (event.type !== 'rows') return entry;
  const { steps, times, values } = event;
  return {
    ...entry,
    event: {
      ...event,
      steps: steps instanceof Float64Array ? whole(steps) : steps,
      ...(times && { times: whole(times) }),
      values: whole(values),
    },
  };
}

const whole = (a: Float64Array): Float64Array => (a.byteLength === a.buffer.byteLength ? a : a.slice());
