/**
 * Which of a browser's tabs are connected. A tab that is shown is awake. Ten seconds after it was hidden it rests, unless it is the tab in which this browser's
 * person looked at that run, or at Headroom, last: that one goes on, because alarms and notices come to it. A tab that was never shown rests.
 */
import { call, Listeners } from './listeners';
import type { Source } from './select';

export const restAfterMs = 10_000;

/** Browser functions that are used here; tests replace them. */
export interface AwakeHost {
  hidden(): boolean;
  onVisibility(listener: () => void): void;
  after(ms: number, f: () => void): () => void;
  /**
   * Asks for what one tab of the browser has at a time. Whoever does not `take` it from another tab gets it when that one is closed.
   *
   * @param changed called with true when it is got, and with false when another tab took it
   * @returns gives it back
   */
  hold(name: string, take: boolean, changed: (held: boolean) => void): () => void;
}

export interface Awake extends Source<boolean> {
  /** Names what this tab shows, until the returned function is called. */
  show(name: string): () => void;
}

export function createAwake(host: AwakeHost): Awake {
  const names = new Map<string, { held: boolean; giveBack(): void }>();
  const listeners = new Listeners();
  let everShown = !host.hidden();
  let rests = host.hidden();
  let cancel = () => {};
  const now = () => !host.hidden() || !rests || (everShown && [...names.values()].some(({ held }) => held));
  let told = now();
  const look = () => {
    if (told === now()) return;
    told = !told;
    listeners.each(call);
  };
  const ask = (name: string, take = !host.hidden()) => {
    names.get(name)?.giveBack();
    const mine = { held: false, giveBack: () => {} };
    names.set(name, mine);
    mine.giveBack = host.hold(name, take, (held) => {
      if (names.get(name) !== mine) return;
      mine.held = held;
      // Another tab is shown: this one waits for its end. Two windows that are both shown do not take it from each other.
      if (!held) ask(name, false);
      look();
    });
  };
  host.onVisibility(() => {
    cancel();
    if (host.hidden())
      cancel = host.after(restAfterMs, () => {
        rests = true;
        look();
      });
    else {
      everShown = true;
      rests = false;
      for (const name of names.keys()) ask(name);
    }
    look();
  });
  return {
    get: () => told,
    subscribe: listeners.add,
    show(name) {
      ask(name);
      return () => {
        names.get(name)?.giveBack();
        names.delete(name);
      };
    },
  };
}

/** Calls `then` when this tab is shown for the first time: at once, unless it was opened in the background. @returns cancels */
export function whenShown(then: () => void): () => void {
  const look = () => {
    if (document.hidden) return;
    stop();
    then();
  };
  const stop = () => document.removeEventListener('visibilitychange', look);
  document.addEventListener('visibilitychange', look);
  look();
  return stop;
}

export const browserAwakeHost: AwakeHost = {
  hidden: () => document.hidden,
  onVisibility: (listener) => document.addEventListener('visibilitychange', listener),
  after: (ms, f) => {
    const timer = setTimeout(f, ms);
    return () => clearTimeout(timer);
  },
  hold(name, take, changed) {
    // Over plain http a browser has no locks: there each tab that was shown once goes on.
    if (!navigator.locks) {
      changed(true);
      return () => {};
    }
    const given = new AbortController();
    const keep = () =>
      new Promise<void>((resolve) => {
        given.signal.addEventListener('abort', () => resolve());
        changed(true);
      });
    navigator.locks
      .request(`headroom ${name}`, take ? { steal: true } : { signal: given.signal }, keep)
      .catch(() => given.signal.aborted || changed(false));
    return () => given.abort();
  },
};
