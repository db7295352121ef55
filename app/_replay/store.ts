import type { RunState, RunStore } from '~/app/_live/types';
import { refuse } from '~/shared/refusals';
import type { RunView } from '~/shared/view';
import { nobodyWatches } from '~/shared/watching';

/** A recorded run: no entries arrive, and commands are refused. */
export function recordedStore(view: RunView): RunStore {
  const state: RunState = { link: 'live', error: null, view, watchers: nobodyWatches, you: null, readOnly: true };
  return {
    runId: view.runId,
    get: () => state,
    subscribe: () => () => {},
    onEntries: () => () => {},
    send: async () => refuse('state', 'this is a replay: there is no run to steer'),
    close: () => {},
  };
}
