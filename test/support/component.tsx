/**
 * Components of the run page under jsdom, before a run whose log the test writes. Test files begin with `@vitest-environment
 * jsdom` and replace the client's links by those of stubServer.ts (a vi.mock), so that the client itself is the real one.
 */
import { render } from '@testing-library/react';
import type { ReactNode } from 'react';
import { setCursor } from '~/app/_live/cursor';
import { GivenRun } from '~/app/_live/RunProvider';
import type { DraftCommand, LinkStatus, RunState, RunStore } from '~/app/_live/types';
import { ApiProvider } from '~/app/_trpc/client';
import type { CommandAnswer } from '~/shared/commands';
import type { Entry, RunEvent } from '~/shared/events';
import { emptyView, foldWithChanges } from '~/shared/fold';
import type { Actor } from '~/shared/ids';
import type { ListChange } from '~/shared/lists';
import { seqCount } from '~/shared/rows';
import { nobodyWatches } from '~/shared/watching';
import './patience';
import { publishedSetup } from './setups';
import { server } from './stubServer';

// jsdom lays nothing out.
// A promise, as in newer browsers: an effect that returned it would break the page when its component goes.
Element.prototype.scrollIntoView = () => Promise.resolve() as never;

export const people = {
  ada: { id: 'ada', name: 'Ada', role: 'operator' },
  bob: { id: 'bob', name: 'Bob', role: 'operator' },
  vic: { id: 'vic', name: 'Vic', role: 'viewer' },
} as const satisfies Record<string, Actor>;

type Listener = Parameters<RunStore['onEntries']>[0];

/** A run of Ada's, whose log the test continues. */
export class TestRun implements RunStore {
  readonly runId = 'run001';
  /** Commands that were sent, without their ids. */
  readonly sent: DraftCommand[] = [];
  /** The id that the page gave the last one. */
  lastId = '';
  answer: (command: DraftCommand) => CommandAnswer | Promise<CommandAnswer> = () => ({ ok: true, seq: 1000 + this.sent.length });
  #state: RunState;
  #seq = 1;
  readonly #listeners = new Set<() => void>();
  readonly #entries = new Set<Listener>();

  constructor(you: Actor | null, link: LinkStatus = 'live') {
    const event: RunEvent = { type: 'run.created', setup: publishedSetup('reverse'), actor: people.ada, parent: null };
    const view = emptyView(this.runId, { seq: 1, attempt: 0, at: 1000, event });
    this.#state = { link, error: null, view, watchers: nobodyWatches, you };
  }

  get = (): RunState => this.#state;
  subscribe = (listener: () => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };
  onEntries = (listener: Listener) => {
    this.#entries.add(listener);
    return () => void this.#entries.delete(listener);
  };
  send = async (command: DraftCommand, id = ''): Promise<CommandAnswer> => {
    this.sent.push(command);
    this.lastId = id;
    return this.answer(command);
  };
  close = () => {};

  set(change: Partial<RunState>): void {
    this.#state = { ...this.#state, ...change };
    for (const listener of [...this.#listeners]) listener();
  }

  /** Appends events as of attempt 1. @returns the seq of the last one */
  log(...events: RunEvent[]): number {
    const entries: Entry[] = [];
    const changes: ListChange[] = [];
    let view = this.#state.view!;
    for (const event of events) {
      const entry: Entry = { seq: this.#seq + 1, attempt: 1, at: 1000 + 10 * this.#seq, event };
      this.#seq += seqCount(event);
      const folded = foldWithChanges(view, entry);
      view = folded.view;
      changes.push(...folded.changes);
      entries.push(entry);
    }
    for (const listener of this.#entries) listener.entries(entries, null, changes);
    setCursor.head(view.step);
    this.set({ view });
    return this.#seq;
  }
}

export const inRun = (run: TestRun, component: ReactNode) => (
  <ApiProvider>
    <GivenRun store={run}>{component}</GivenRun>
  </ApiProvider>
);

/** Mounts a component before a run. */
export function mount(run: TestRun, component: ReactNode) {
  server.asked.length = 0;
  return render(inRun(run, component));
}
