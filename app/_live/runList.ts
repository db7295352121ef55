import type { Actor } from '~/shared/ids';
import type { TrainerSummary } from '~/shared/protocol';
import type { RunSummary } from '~/shared/summary';
import { backoffMs, type Host } from './runStore';
import type { Source } from './select';
import type { LinkStatus } from './types';
import type { Wire } from './wire';

export interface RunListState {
  link: LinkStatus;
  error: string | null;
  /** Newest first; null until the first answer. */
  runs: RunSummary[] | null;
  trainers: TrainerSummary[];
  you: Actor | null;
}

export interface RunList extends Source<RunListState> {
  close(): void;
}

/** Every run's summary, live: the whole list on each (re)connection, then changes. */
export function createRunList(wire: Wire, host: Host): RunList {
  let state: RunListState = { link: 'connecting', error: null, runs: null, trainers: [], you: null };
  let notified = true;
  let asked = 0;
  let cancelRetry = () => {};
  const listeners = new Set<() => void>();
  const set = (change: Partial<RunListState>) => {
    state = { ...state, ...change };
    if (!notified) return;
    notified = false;
    host.soon(() => {
      notified = true;
      for (const l of [...listeners]) l();
    });
  };

  async function watch(failures = 0) {
    cancelRetry();
    const request = ++asked;
    const answer = await wire.watchRuns().catch(() => null);
    if (request !== asked) return;
    if (answer?.ok) set({ link: 'live', error: null, runs: newestFirst(answer.runs), you: answer.you });
    else if (answer && answer.reason !== 'busy') set({ link: 'refused', error: answer.message });
    else if (wire.up()) cancelRetry = host.after(backoffMs(failures + 1, host.random()), () => void watch(failures + 1));
  }

  const stop = wire.listen({
    up: () => void watch(),
    down: (refused) => {
      asked++;
      cancelRetry();
      if (refused !== null) set({ link: 'refused', error: refused });
      else if (state.link !== 'refused') set({ link: state.runs ? 'reconnecting' : 'connecting' });
    },
    runs: (changed) => {
      const known = new Map((state.runs ?? []).map((r) => [r.runId, r]));
      for (const r of changed) known.set(r.runId, r);
      set({ runs: newestFirst([...known.values()]) });
    },
    trainers: (trainers) => set({ trainers }),
    silent: (ms) => {
      if (ms > 0 && state.link === 'live') set({ link: 'silent' });
      else if (ms === 0 && state.link === 'silent') set({ link: 'live' });
    },
    you: (you) => set({ you }),
  });
  if (wire.up()) void watch();

  return {
    get: () => state,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => {
      asked++;
      cancelRetry();
      stop();
      wire.unwatchRuns();
    },
  };
}

const newestFirst = (runs: RunSummary[]) => [...runs].sort((a, b) => b.createdAt - a.createdAt || (a.runId < b.runId ? 1 : -1));
