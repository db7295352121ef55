import type { RunEvent } from '~/shared/events';
import { emptyView } from '~/shared/fold';
import type { Actor } from '~/shared/ids';
import type { RunView } from '~/shared/view';
import { publishedSetup } from './setups';

const ada: Actor = { id: 'u1', name: 'Ada', role: 'operator' };

/** A run as it was just created by Ada. */
export function viewAtStart(runId = 'run001'): RunView {
  const event: RunEvent = { type: 'run.created', setup: publishedSetup('reverse'), actor: ada, parent: null };
  return emptyView(runId, { seq: 1, attempt: 0, at: 1000, event });
}
