import type { ChartCursorState } from '~/app/_charts/types';
import type { Cursor } from './cursor';
import { call, Listeners } from './listeners';

export const speeds = [1, 2, 5, 10, 20, 50, 100] as const;

export interface PlayerHost {
  nowMs(): number;
  /** Runs `then` before the next frame; the returned function cancels it. */
  frame(then: () => void): () => void;
}

export interface Player {
  playing(): boolean;
  play(speed: number): void;
  pause(): void;
  setSpeed(speed: number): void;
  subscribe(listener: () => void): () => void;
}

/** Whether playing begins at the first step: nothing follows the step shown. */
export const beginsAnew = ({ mode, step }: ChartCursorState, head: number): boolean => mode === 'live' || step >= head;

/**
 * Moves the pinned cursor through the run at `stepsPerSecond` (the run's own pace) times the speed. Started at the newest step,
 * it begins at the first one; when it catches up with a live run, it follows the newest step; it stops when anything else moves
 * the cursor.
 */
export function createPlayer(cursor: Cursor, host: PlayerHost, stepsPerSecond: () => number, ended: () => boolean): Player {
  let cancel: (() => void) | null = null;
  let position = 0;
  let lastMs = 0;
  let speed = 1;
  const listeners = new Listeners();
  const notify = () => listeners.each(call);
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
      position = beginsAnew(cursor.get(), cursor.headStep()) ? cursor.startStep() : cursor.get().step;
      lastMs = host.nowMs();
      cursor.pin(position);
      cancel = host.frame(turn);
      notify();
    },
    pause,
    setSpeed(at) {
      speed = at;
    },
    subscribe: listeners.add,
  };
}
