import type { Hub } from '~/server/runs/hub';
import type { Actor } from '~/shared/ids';
import { ended } from '~/shared/view';
import type { People } from './people';

/** Takes the control locks from all who can no longer use them: removed, without the right to steer, signed in nowhere, or a token that has ended. */
export async function releaseLocks(hub: Hub, people: People, by: Actor): Promise<void> {
  await Promise.all(
    hub
      .summaries()
      .filter(({ status }) => !ended(status))
      .map(({ runId }) =>
        hub.decide(runId, ({ controlLock }) =>
          controlLock && !people.maySteer(controlLock.holder)
            ? [{ type: 'control.locked', actor: by, holder: null, until: null }]
            : [],
        ),
      ),
  );
}
