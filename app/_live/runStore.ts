import { applyFrame } from '~/shared/applyFrame';
import type { Command, CommandAnswer } from '~/shared/commands';
import { unpack } from '~/shared/pack';
import { refuse } from '~/shared/refusals';
import type { RunView } from '~/shared/view';
import { nobodyWatches } from '~/shared/watching';
import { backoffMs } from './backoff';
import type { EarlyRun } from './early';
import { Listeners } from './listeners';
import { createStore } from './store';
import type { DraftCommand, RunState, RunStore } from './types';
import type { Wire } from './wire';

/** Host functions that the store uses; tests replace them. */
export interface Host {
  /** Runs `f` before the page is next drawn. */
  soon(f: () => void): void;
  after(ms: number, f: () => void): () => void;
  newId(): string;
  /** 0 <= r < 1 */
  random(): number;
}

/**
 * One run as this tab sees it: fold(view, entries) over a connection that may break and return. It requests the log after its own
 * cursor on every (re)connection and whenever a frame does not continue the view, so that each entry is folded once and in order.
 *
 * @param early a view that was asked for before: the connection continues from it
 */
export function createRunStore(runId: string, wire: Wire, host: Host, early: Promise<EarlyRun | null> | null = null): RunStore {
  const start: RunState = { link: 'connecting', error: null, view: null, watchers: nobodyWatches, you: null };
  const { get, set, subscribe } = createStore(start, host.soon);
  let closed = false;
  /** Number of the current watch request; frames are folded only after it is answered. */
  let asked = 0;
  let answered = false;
  let failures = 0;
  let cancelRetry = () => {};
  const entryListeners = new Listeners<Parameters<RunStore['onEntries']>[0]>();
  const waiting = new Set<() => void>();
  const shownEarly = early?.then((found) => {
    if (closed || !found || get().view) return;
    set(found);
    entryListeners.each((l) => l.reset(found.view));
  });

  async function watch() {
    cancelRetry();
    answered = false;
    const request = ++asked;
    if (shownEarly) {
      await shownEarly;
      if (closed || request !== asked) return;
    }
    const { view } = get();
    // After two failures in a row the cursor itself may be wrong: start from a whole view.
    const cursor = view && failures < 2 ? { attempt: view.attempt, seq: view.seq } : null;
    const answer = await wire.watch({ runId, cursor }).catch(() => null);
    if (closed || request !== asked) return;
    if (!answer) return wire.up() ? retry() : undefined;
    if (!answer.ok) {
      if (answer.reason === 'busy') return retry();
      const deleted = answer.reason === 'unknown-run' && get().view !== null;
      // It is about this run: the field need not be named.
      const error = deleted ? 'the run was deleted for good' : answer.message.replace(/^runId: /, '');
      return set({ link: 'refused', error });
    }
    answered = true;
    if (answer.view) {
      const fresh = unpack(answer.view) as RunView;
      set({ view: fresh });
      entryListeners.each((l) => l.reset(fresh));
    }
    set({ link: 'live', error: null, you: answer.you });
  }

  function retry() {
    failures++;
    answered = false;
    cancelRetry();
    cancelRetry = host.after(backoffMs(failures, host.random()), () => void watch());
  }

  const stop = wire.listen({
    up: () => {
      for (const go of [...waiting]) go();
      void watch();
    },
    down: (refused, rests) => {
      answered = false;
      asked++;
      cancelRetry();
      if (refused !== null) set({ link: 'refused', error: refused });
      else if (get().link !== 'refused' || get().view)
        set({ link: !get().view ? 'connecting' : rests ? 'resting' : 'reconnecting', error: null });
    },
    frame: (frame) => {
      const { view } = get();
      if (frame.runId !== runId || !answered || !view) return;
      let applied: ReturnType<typeof applyFrame>;
      try {
        applied = applyFrame(view, frame);
      } catch {
        applied = { kind: 'gap' };
      }
      if (applied.kind === 'duplicate') return;
      if (applied.kind === 'gap') {
        if (failures === 0) {
          failures++;
          void watch();
        } else retry();
        return;
      }
      failures = 0;
      set({ view: applied.view });
      const { entries, changes } = applied;
      entryListeners.each((l) => l.entries(entries, frame.skippedSteps, changes));
    },
    silent: (ms) => {
      const { link } = get();
      if (ms > 0 && link === 'live') set({ link: 'silent' });
      else if (ms === 0 && link === 'silent') set({ link: 'live' });
    },
    you: (you) => set({ you }),
    watchers: (of, watchers) => {
      if (of === runId) set({ watchers });
    },
  });
  if (wire.up()) void watch();

  const reconnected = () =>
    new Promise<void>((resolve) => {
      const go = () => {
        waiting.delete(go);
        resolve();
      };
      waiting.add(go);
    });

  async function send(draft: DraftCommand, id = host.newId()): Promise<CommandAnswer> {
    const command = { ...draft, id, runId } as Command;
    for (let attempt = 1; !closed; attempt++) {
      if (!wire.up()) await reconnected();
      if (closed) break;
      const answer = await wire.command(command).catch(() => null);
      if (answer) return answer;
      // The same id again: the server answers a resend with the result it already has.
      if (wire.up()) await new Promise<void>((go) => host.after(backoffMs(attempt, host.random()), go));
    }
    return refuse('failed', 'the page was closed before the server answered');
  }

  return {
    runId,
    get,
    subscribe,
    onEntries: entryListeners.add,
    send,
    close: () => {
      closed = true;
      cancelRetry();
      stop();
      wire.unwatch(runId);
      for (const go of [...waiting]) go();
    },
  };
}
