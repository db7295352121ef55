import { useCallback } from 'react';
import type { CommandAnswer } from '~/shared/commands';
import { actionWithRole } from '~/shared/controlValues';
import { refuse } from '~/shared/refusals';
import { useRunStore } from './RunProvider';
import { serverTime } from './serverTime';
import { createStore, type Store } from './store';
import { toast } from './toast';
import type { DraftCommand, RunStore } from './types';

/** A command requested while the page had no connection: it waits until the user confirms it. */
export interface Late {
  runId: string;
  draft: DraftCommand;
  askedAt: number;
  /** Sends the command, or discards it. */
  decide(send: boolean): void;
}
export const late: Store<{ waiting: readonly Late[] }> = createStore({ waiting: [] as readonly Late[] });

/** Resolves when the user decides. */
const decided = (runId: string, draft: DraftCommand): Promise<boolean> =>
  new Promise((resolve) => {
    const one: Late = {
      runId,
      draft,
      askedAt: serverTime.now(Date.now()),
      decide: (send) => {
        late.set({ waiting: late.get().waiting.filter((l) => l !== one) });
        resolve(send);
      },
    };
    late.set({ waiting: [...late.get().waiting, one] });
  });

/** Commands that the server has not answered yet, as text. */
const unanswered = new WeakMap<RunStore, Map<string, Promise<CommandAnswer>>>();

/**
 * Sends commands; a refusal by the server is shown immediately, the outcome of an accepted command arrives with the log. Asked for again before the server
 * has answered (a second click on a slow line), a command is not sent again; of steps, each one is meant.
 */
export function useSteer(): (draft: DraftCommand, id?: string) => Promise<CommandAnswer> {
  const store = useRunStore();
  return useCallback(
    (draft, id) => {
      const { view } = store.get();
      if (draft.kind === 'act' && view && draft.action === actionWithRole(view.controls, 'step')?.name)
        return steer(store, draft, id);
      const asked = unanswered.get(store) ?? new Map<string, Promise<CommandAnswer>>();
      unanswered.set(store, asked);
      const key = JSON.stringify(draft);
      const answer = asked.get(key) ?? steer(store, draft, id).finally(() => asked.delete(key));
      asked.set(key, answer);
      return answer;
    },
    [store],
  );
}

async function steer(store: RunStore, draft: DraftCommand, id?: string): Promise<CommandAnswer> {
  const { link, readOnly, error } = store.get();
  const sent = readOnly || link === 'live' ? 'now' : link === 'refused' ? 'never' : 'later';
  if (sent === 'later' && !(await decided(store.runId, draft))) return refuse('state', 'called off: the server was not there');
  const answer =
    sent === 'never' ? refuse('forbidden', error ?? 'the server does not serve this run') : await store.send(draft, id);
  if (!answer.ok) toast.error(answer.message, { id: answer.message });
  return answer;
}
