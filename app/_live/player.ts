import type { Cursor } from './cursor';

export const speeds = [1, 2, 5, 10, 20, 50, 100] as const;

export interface PlayerHost {
  nowMs(): number;
  /** Calls back before the next frame; answers a way to call it off. */
  frame(then: () => void): () => void;
}

export interface Player {
  playing(): boolean;
  play(speed: number): void;
  pause(): void;
  setSpeed(speed: number): void;
  subscribe(listener: () => void): () => void;
}

/**
 * Moves the pinned cursor through the run: `stepsPerSecond` (the run's own pace) times the speed. Begins anew at the first step when it stands at the end, follows a live run
 * once it catches up, and stops when anybody else moves the cursor.
 */
export function createPlayer(cursor: Cursor, host: PlayerHost, stepsPerSecond: () => number, ended: () => boolean): Player {
  let cancel: (() => void) | null = null;
  let position = 0;
  let lastMs = 0;
  let speed = 1;
  const listeners = new Set<() => void>();
  const notify = () => {
    for (const l of listeners) l();
  };
  const pause = () => {
    if (!cancel) return;
    cancel();
    cancel = null;
    notify();
  };
  const turn = () => {
    const { mode, step } = cursor.get();
    if (mode !== 'pinned' || step !== Math.floor(position)) return pause();
    const now = host.nowMs();
    position += ((now - lastMs) / 1000) * Math.max(0.1, stepsPerSecond()) * speed;
    lastMs = now;
    const head = cursor.headStep();
    if (position >= head) {
      if (ended()) cursor.pin(head);
      else cursor.follow();
      return pause();
    }
    cursor.pin(Math.floor(position));
    cancel = host.frame(turn);
  };
  return {
    playing: () => cancel !== null,
    play(at) {
      speed = at;
      if (cancel) return;
      const { mode, step } = cursor.get();
      position = mode === 'live' || step >= cursor.headStep() ? cursor.startStep() : step;
      lastMs = host.nowMs();
      cursor.pin(position);
      cancel = host.frame(turn);
      notify();
    },
    pause,
    setSpeed(at) {
      speed = at;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
