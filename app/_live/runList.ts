import type { Actor } from '~/shared/ids';
import type { RunSummary } from '~/shared/summary';
import type { TrainerSummary } from '~/shared/viewerProtocol';
import { backoffMs } from './backoff';
import { Listeners } from './listeners';
import type { Host } from './runStore';
import type { Source } from './select';
import { createStore } from './store';
import type { LinkStatus } from './types';
import type { Wire } from './wire';

export interface RunListState {
  link: LinkStatus;
  error: string | null;
  trainers: TrainerSummary[];
  you: Actor | null;
  /** Incremented with each (re)connection: data read before may be out of date. */
  connection: number;
}

export interface RunList extends Source<RunListState> {
  /** Called with the lines that have changed. @returns unsubscribe */
  onRuns(listener: (changed: RunSummary[]) => void): () => void;
  close(): void;
}

export const notConnected: RunListState = { link: 'connecting', error: null, trainers: [], you: null, connection: 0 };

/** Live changes to the list of runs: changed lines, trainers, your identity. `runs.table` reads the list itself by pages. */
export function createRunList(wire: Wire, host: Host): RunList {
  const { get, set, subscribe } = createStore(notConnected, host.soon);
  let asked = 0;
  let cancelRetry = () => {};
  const runListeners = new Listeners<(changed: RunSummary[]) => void>();

  async function follow(failures = 0) {
    cancelRetry();
    const request = ++asked;
    const answer = await wire.watchRuns().catch(() => null);
    if (request !== asked) return;
    if (answer?.ok) set({ link: 'live', error: null, you: answer.you, connection: get().connection + 1 });
    else if (answer && answer.reason !== 'busy') set({ link: 'refused', error: answer.message });
    else if (wire.up()) cancelRetry = host.after(backoffMs(failures + 1, host.random()), () => void follow(failures + 1));
  }

  const stop = wire.listen({
    up: () => void follow(),
    down: (refused, rests) => {
      asked++;
      cancelRetry();
      if (refused !== null) set({ link: 'refused', error: refused });
      else if (get().link !== 'refused')
        set({ link: get().connection === 0 ? 'connecting' : rests ? 'resting' : 'reconnecting' });
    },
    runs: (changed) => runListeners.each((l) => l(changed)),
    trainers: (trainers) => set({ trainers }),
    silent: (ms) => {
      const { link } = get();
      if (ms > 0 && link === 'live') set({ link: 'silent' });
      else if (ms === 0 && link === 'silent') set({ link: 'live' });
    },
    you: (you) => set({ you }),
  });
  if (wire.up()) void follow();

  return {
    get,
    subscribe,
    onRuns: runListeners.add,
    close: () => {
      asked++;
      cancelRetry();
      stop();
      wire.unwatchRuns();
    },
  };
}
