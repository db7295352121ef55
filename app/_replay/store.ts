import type { RunState, RunStore } from '~/app/_live/types';
import { refuse } from '~/shared/commands';
import type { RunView } from '~/shared/view';

/** A run as it was recorded: nothing comes any more, and nobody takes commands. */
export function recordedStore(view: RunView): RunStore {
  const state: RunState = { link: 'live', error: null, view, watchers: [], you: null, readOnly: true };
  return {
    runId: view.runId,
    get: () => state,
    subscribe: () => () => {},
    onEntries: () => () => {},
    send: async () => refuse('state', 'this is a replay: there is no run to steer'),
    close: () => {},
  };
}
