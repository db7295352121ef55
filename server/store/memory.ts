import { blobsNamed } from '~/server/base/blobsNamed';
import { debiased, emaNext, emaStart } from '~/shared/ema';
import { type Entry, seqCount } from '~/shared/events';
import { addValue, bucketing, emptyReduced, type Reduced } from '~/shared/pyramid';
import { checkAppend, type Rewind } from './checkAppend';
import { bytesOf, type ConsolePart, choose, KEPT_BYTES } from './console';
import type { Append, Store, StoredRun } from './index';
import { MemoryLists } from './memoryLists';
import { collectSignals } from './signals';

interface Run extends StoredRun {
  seriesNames: string[];
  entries: Append['entries'];
  rewinds: Rewind[];
  /** Rows in force by step. */
  rows: Map<number, Float64Array>;
  headStep: number;
  view: Awaited<ReturnType<Store['view']>>;
  lists: MemoryLists;
}

/** A store for tests: the same answers as the durable ones, computed the plain way, gone with the process. */
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
        summary: structuredClone(summary),
      }));
    },

    async append(write) {
      const known = runs.get(write.runId);
      const checked = checkAppend(write, known ?? { head: 0, attempt: 0, headStep: 0, seriesNames: [] });
      const run: Run = known ?? {
        runId: write.runId,
        head: 0,
        attempt: 0,
        nextEvent: 0,
        summary: null,
        seriesNames: [],
        entries: [],
        rewinds: [],
        rows: new Map(),
        headStep: 0,
        view: null,
        lists: new MemoryLists(),
      };
      runs.set(write.runId, run);
      Object.assign(run, checked, { attempt: write.attempt, nextEvent: write.nextEvent });
      run.lists.apply(structuredClone(write.changes ?? []));
      for (const entry of structuredClone(write.entries)) {
        run.entries.push(entry);
        const { event } = entry;
        if (event.type === 'console') forgetOldPrints(run.entries);
        if (event.type === 'run.assigned' && write.rewind) {
          run.rewinds.push({ seq: entry.seq, ...write.rewind });
          run.headStep = write.rewind.fromStep;
          for (const step of run.rows.keys()) if (step >= run.headStep) run.rows.delete(step);
        }
        if (event.type !== 'steps') continue;
        const width = run.seriesNames.length;
        for (let i = 0; i < event.count; i++)
          run.rows.set(event.firstStep + i, event.values.subarray(i * width, (i + 1) * width));
        run.headStep = event.firstStep + event.count;
      }
    },

    async entries({ runId, fromSeq, limit, types }) {
      const all = runs.get(runId)?.entries ?? [];
      const wanted = all.filter((e) => e.seq + seqCount(e.event) > fromSeq && (types === null || types.includes(e.event.type)));
      return structuredClone(wanted.slice(0, limit));
    },

    async range({ runId, series, fromStep, toStep, buckets, smoothing = null }) {
      const run = runs.get(runId);
      const headStep = run?.headStep ?? 0;
      const end = Math.max(fromStep, Math.min(toStep ?? headStep, headStep));
      const { firstStep, bucketSteps, count } = bucketing(fromStep, end, buckets);
      const names = (run?.seriesNames ?? []).filter((n) => series === null || series.includes(n));
      const answer = emptyReduced(names, firstStep, bucketSteps, count);
      for (let step = fromStep; step < end; step++) {
        const row = run?.rows.get(step);
        if (!row) continue;
        const bucket = Math.floor((step - firstStep) / bucketSteps);
        answer.rows[bucket]! += 1;
        for (const name of names) addValue(answer.series[name]!, bucket, row[run!.seriesNames.indexOf(name)]!);
      }
      if (run && smoothing !== null) for (const name of names) average(run, name, answer, fromStep, end, smoothing);
      return { ...answer, headStep };
    },

    list: async (query) => runs.get(query.runId)?.lists.list(query) ?? [],
    item: async (query) => runs.get(query.runId)?.lists.item(query) ?? null,
    near: async (query) => runs.get(query.runId)?.lists.near(query) ?? { before: [], after: [] },
    marks: async (query) => runs.get(query.runId)?.lists.marks(query) ?? [],
    async console(query) {
      return choose(prints(runs.get(query.runId)?.entries ?? []), query);
    },

    async signals(runId) {
      const run = runs.get(runId);
      const snapshots = (run?.entries ?? []).flatMap(({ seq, event }) => (event.type === 'snapshot' ? [{ seq, event }] : []));
      return collectSignals(snapshots, run?.rewinds ?? []);
    },

    async saveView(view, summary) {
      const run = runs.get(view.runId);
      if (!run) throw new Error(`run ${view.runId}: there is no log for this view`);
      if (run.view && run.view.seq > view.seq) return;
      run.view = structuredClone(view);
      run.summary = { seq: view.seq, summary: structuredClone(summary) };
    },

    view: async (runId) => structuredClone(runs.get(runId)?.view ?? null),
    async blobUsers(hash) {
      return [...runs.values()]
        .filter((run) => run.entries.some(({ event }) => blobsNamed(event).includes(hash)))
        .map(({ runId }) => runId);
    },
    async remove(runId) {
      runs.delete(runId);
    },
    setting: async (key) => settings.get(key) ?? null,
    async setSetting(key, value) {
      settings.set(key, value);
    },
    smallBlob: async (hash) => blobs.get(hash)?.slice() ?? null,
    async putSmallBlob(hash, bytes) {
      if (!blobs.has(hash)) blobs.set(hash, bytes.slice());
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

/** Empties the oldest console parts beyond what is kept. */
function forgetOldPrints(entries: readonly Entry[]): void {
  let bytes = 0;
  for (const { event } of entries.toReversed()) {
    if (event.type !== 'console') continue;
    bytes += bytesOf(event);
    if (bytes > KEPT_BYTES) Object.assign(event, { stream: 'out', text: '' });
  }
}

/** Goes through every row from the first one on. */
function average(run: Run, name: string, answer: Reduced, fromStep: number, end: number, weight: number): void {
  const column = run.seriesNames.indexOf(name);
  const ema = new Float64Array(answer.count).fill(Number.NaN);
  let state = emaStart;
  for (let step = 0; step < end; step++) {
    const value = run.rows.get(step)?.[column] ?? Number.NaN;
    state = emaNext(state, weight, value);
    if (step >= fromStep && Number.isFinite(value))
      ema[Math.floor((step - answer.firstStep) / answer.bucketSteps)] = debiased(state.value, state.seen, weight);
  }
  Object.assign(answer.series[name]!, { ema, emaEnd: state });
}
