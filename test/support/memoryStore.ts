import { blobsNamed } from '~/server/base/blobsNamed';
import type { Append, RangeQuery, Store, StoredRun } from '~/server/store';
import { firstLink, hex, nextLink } from '~/server/store/chain';
import { checkAppend, type Rewind, rewindOf } from '~/server/store/checkAppend';
import { bytesOf, KEPT_BYTES } from '~/server/store/console';
import { collectSignals } from '~/server/store/signals';
import { StreamState } from '~/server/store/streamState';
import { joinedColumns } from '~/shared/columns';
import { debiased, emaNext, emaStart } from '~/shared/ema';
import type { Entry, RunEvent } from '~/shared/events';
import { type ConsolePart, choose } from '~/shared/media';
import {
  addValue,
  around,
  BucketList,
  bucketsAround,
  bucketWidth,
  emptyStats,
  type RangeAnswer,
  statsAround,
  statsOf,
} from '~/shared/pyramid';
import { rowCount, seqCount, stepAt, stepWith, widthOf, withPlainSteps } from '~/shared/rows';
import type { Series } from '~/shared/series';
import { copied } from '~/test/support/copied';
import { MemoryLists } from '~/test/support/memoryLists';

interface Row {
  step: number;
  time: number;
  values: Float64Array;
}

interface Stream {
  name: string;
  columns: readonly Series[];
  /** In force, in step order. */
  rows: Row[];
}

interface Run extends StoredRun {
  state: StreamState;
  /** In order of declaration. */
  streams: Map<string, Stream>;
  entries: Append['entries'];
  rewinds: Rewind[];
  headStep: number;
  view: Awaited<ReturnType<Store['view']>>;
  lists: MemoryLists;
}

/** A store for tests: gives the same answers as the durable ones, computed in the simplest way, and ends with the process. */
export function openMemoryStore(): Store {
  const runs = new Map<string, Run>();
  const settings = new Map<string, string>();
  const blobs = new Map<string, Uint8Array>();

  return {
    async runs() {
      return [...runs.values()].map(({ runId, head, attempt, nextEvent, summary }) => ({
        runId,
        head,
        attempt,
        nextEvent,
        summary: copied(summary),
      }));
    },

    async append(write) {
      const known = runs.get(write.runId);
      const { head } = checkAppend(write, known ?? { head: 0, attempt: 0 }, known?.state ?? null);
      const run: Run = known ?? {
        runId: write.runId,
        head: 0,
        attempt: 0,
        nextEvent: 0,
        summary: null,
        state: new StreamState(),
        streams: new Map(),
        entries: [],
        rewinds: [],
        headStep: 0,
        view: null,
        lists: new MemoryLists(),
      };
      runs.set(write.runId, run);
      Object.assign(run, { head, attempt: write.attempt, nextEvent: write.nextEvent });
      run.lists.apply(copied(write.changes ?? []));
      for (const given of copied(write.entries)) {
        const entry = { ...given, event: withPlainTimes(given.event, given.at) };
        run.entries.push(entry);
        if (entry.event.type === 'console') forgetOldPrints(run.entries);
        run.state.apply(entry.event);
        keep(run, entry);
      }
    },

    async entries({ runId, fromSeq, limit, types }) {
      const all = runs.get(runId)?.entries ?? [];
      const wanted = all.filter((e) => e.seq + seqCount(e.event) > fromSeq && (types === null || types.includes(e.event.type)));
      return copied(wanted.slice(0, limit));
    },

    async range(query, signal) {
      signal?.throwIfAborted();
      const run = runs.get(query.runId);
      if (!run) return { headStep: 0, series: [] };
      const names = query.series ?? [...run.streams.values()].flatMap(({ columns }) => columns.map((c) => c.name));
      return { headStep: run.headStep, series: [...new Set(names)].flatMap((name) => reduced(run, name, query)) };
    },

    async rows({ runId, stream, fromStep, toStep, limit }, signal) {
      signal?.throwIfAborted();
      const all = runs.get(runId)?.streams.get(stream)?.rows ?? [];
      const wanted = all.filter(({ step }) => step >= fromStep && (toStep === null || step < toStep));
      const taken = wanted.slice(0, limit);
      return {
        steps: Float64Array.from(taken, (r) => r.step),
        times: Float64Array.from(taken, (r) => r.time),
        values: Float64Array.from(taken.flatMap((r) => [...r.values])),
        more: wanted.length > taken.length,
      };
    },

    async streams(runId) {
      const run = runs.get(runId);
      return [...(run?.streams.values() ?? [])].map(({ name, columns, rows }) => ({
        name,
        columns: [...columns],
        rows: rows.length,
        lastStep: run!.state.stream(name)!.lastStep,
      }));
    },

    async series({ runId, search, names, skip, limit }) {
      const word = search?.toLowerCase() ?? '';
      const all = [...(runs.get(runId)?.streams.values() ?? [])].flatMap(({ name: stream, columns, rows }) =>
        columns.map((column, i) => {
          const row = rows.at(-1);
          return { ...column, stream, index: i, latest: row ? { step: row.step, at: row.time, value: row.values[i]! } : null };
        }),
      );
      const fitting = all.filter(({ name }) => (names ? names.includes(name) : name.toLowerCase().includes(word)));
      return { series: fitting.slice(skip, skip + limit), total: fitting.length };
    },

    list: async (query) => runs.get(query.runId)?.lists.list(query) ?? [],
    item: async (query) => runs.get(query.runId)?.lists.item(query) ?? null,
    near: async (query) => runs.get(query.runId)?.lists.near(query) ?? { before: [], after: [] },
    marks: async (query) => runs.get(query.runId)?.lists.marks(query) ?? [],
    async console(query) {
      return choose(prints(runs.get(query.runId)?.entries ?? []), query);
    },

    async signals(runId, seqs) {
      const run = runs.get(runId);
      const wanted = (run?.entries ?? []).filter(({ seq }) => !seqs || seqs.includes(seq));
      const snapshots = wanted.flatMap(({ seq, event }) => (event.type === 'snapshot' ? [{ seq, event }] : []));
      return collectSignals(snapshots, run?.rewinds ?? []);
    },

    async saveView(view, summary) {
      const run = runs.get(view.runId);
      if (!run) throw new Error(`run ${view.runId}: there is no log for this view`);
      if (run.view && run.view.seq > view.seq) return;
      run.view = copied(view);
      run.summary = { seq: view.seq, summary: copied(summary) };
    },

    view: async (runId) => copied(runs.get(runId)?.view ?? null),
    async chainAt(runId, seq) {
      const entries = runs.get(runId)?.entries ?? [];
      const last = entries.findIndex((entry) => entry.seq === seq);
      return last < 0 ? null : hex(entries.slice(0, last + 1).reduce(nextLink, firstLink));
    },
    async blobUsers(hash) {
      return [...runs.values()]
        .filter((run) => run.entries.some(({ event }) => blobsNamed(event).includes(hash)))
        .map(({ runId }) => runId);
    },
    async remove(runId) {
      runs.delete(runId);
    },
    check: async () => {},
    setting: async (key) => settings.get(key) ?? null,
    async setSetting(key, value) {
      settings.set(key, value);
    },
    smallBlob: async (hash) => blobs.get(hash)?.slice() ?? null,
    async putSmallBlob(hash, bytes) {
      blobs.set(hash, bytes.slice());
    },
    async removeSmallBlob(hash) {
      blobs.delete(hash);
    },
    async unnamedSmallBlobs() {
      const named = new Set([...runs.values()].flatMap((run) => run.entries.flatMap(({ event }) => blobsNamed(event))));
      return [...blobs].filter(([hash]) => !named.has(hash)).map(([hash, bytes]) => ({ hash, bytes: bytes.length }));
    },
    close: async () => {},
  };
}

const prints = (entries: readonly Entry[]): ConsolePart[] =>
  entries.flatMap(({ seq, at, event }) =>
    event.type === 'console' && event.text !== '' ? [{ seq, at, stream: event.stream, text: event.text }] : [],
  );

/** Empties the oldest console parts beyond the limit. */
function forgetOldPrints(entries: readonly Entry[]): void {
  let bytes = 0;
  for (const { event } of entries.toReversed()) {
    if (event.type !== 'console') continue;
    bytes += bytesOf(event);
    if (bytes > KEPT_BYTES) Object.assign(event, { stream: 'out', text: '' });
  }
}

/** Leaves out times that all equal the entry's time. */
function withPlainTimes(event: RunEvent, at: number): RunEvent {
  if (event.type !== 'rows') return event;
  const { times, ...plain } = withPlainSteps(event);
  return times?.some((t) => t !== at) ? { ...plain, times } : plain;
}

function keep(run: Run, { seq, at, event }: Append['entries'][number]): void {
  const back = rewindOf(event);
  if (back) {
    run.rewinds.push({ seq, ...back });
    run.headStep = event.type === 'rewind' ? Math.min(run.headStep, back.fromStep) : back.fromStep;
    for (const stream of run.streams.values()) stream.rows = stream.rows.filter(({ step }) => step < back.fromStep);
  }
  const specs = event.type === 'series' ? [event] : event.type === 'started' ? (event.streams ?? []) : [];
  for (const { stream: name, columns } of specs) {
    const known = run.streams.get(name);
    if (known) known.columns = joinedColumns(known.columns, columns) ?? known.columns;
    else run.streams.set(name, { name, columns, rows: [] });
  }
  run.headStep = stepWith(event, run.headStep, () => [...run.streams.values()].some((s) => s.rows.length > 0));
  if (event.type !== 'rows') return;
  const { rows } = run.streams.get(event.stream)!;
  const width = widthOf(event);
  for (let i = 0; i < rowCount(event); i++)
    rows.push({
      step: stepAt(event, i),
      time: event.times?.[i] ?? at,
      values: event.values.subarray(i * width, (i + 1) * width),
    });
}

function reduced(
  run: Run,
  name: string,
  { fromStep, toStep, buckets, smoothing = null, around: asked }: RangeQuery,
): RangeAnswer['series'] {
  const stream = run.streams.get(run.state.owner(name) ?? '');
  if (!stream) return [];
  const column = stream.columns.findIndex((c) => c.name === name);
  const from = stream.rows.findIndex(({ step }) => step >= fromStep);
  const before = from < 0 ? stream.rows.length : from;
  const wanted = stream.rows.slice(before).filter(({ step }) => toStep === null || step < toStep);
  const first = wanted[0];
  const width = first ? bucketWidth(first.step, wanted.at(-1)!.step, wanted.length, buckets) : 1;
  const list = new BucketList(width, wanted.length);
  const stats = emptyStats(wanted.length);
  const ema = new Float64Array(wanted.length).fill(Number.NaN);
  let state = emaStart;
  const next = (value: number) => {
    if (smoothing !== null) state = emaNext(state, smoothing, value);
  };
  for (const row of stream.rows.slice(0, before)) next(row.values[column]!);
  const stateBefore = state;
  for (const { step, time, values } of wanted) {
    const value = values[column]!;
    const i = list.add(step, step, time, 1);
    addValue(stats, i, value);
    next(value);
    if (smoothing !== null && Number.isFinite(value)) ema[i] = debiased(state.value, state.seen, smoothing);
  }
  const [previous, after] = asked ? [stream.rows[before - 1] ?? null, stream.rows[before + wanted.length] ?? null] : [null, null];
  const numberOf = (row: Row | null) => row?.values[column] ?? null;
  const emaOf = (row: Row | null, average: () => number) =>
    row && (Number.isFinite(row.values[column]!) ? average() : Number.NaN);
  const emaBefore = emaOf(previous, () => debiased(stateBefore.value, stateBefore.seen, smoothing!));
  if (after) next(after.values[column]!);
  const emaAfter = emaOf(after, () => debiased(state.value, state.seen, smoothing!));
  const averaged = smoothing === null ? {} : { ema: around(ema.slice(0, list.count), emaBefore, emaAfter), emaEnd: state };
  const where = bucketsAround(list.buckets(), previous, after);
  return [
    {
      name,
      stream: stream.name,
      ...where,
      ...statsAround(statsOf(stats, list.count), numberOf(previous), numberOf(after)),
      ...averaged,
    },
  ];
}
