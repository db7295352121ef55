import { outsideAddresses } from '~/server/base/addresses';
import type { Actor } from '~/shared/ids';
import type { TrainerSummary } from '~/shared/viewerProtocol';
import { allowed, type Context, procedure, router } from './base';
import { jobs } from './jobs';
import { retention } from './retention';
import { runs } from './runs';
import { team } from './team';

export const appRouter = router({
  runs,
  jobs,
  retention,
  team,
  trainers: router({
    list: allowed('watch runs').query(({ ctx }): TrainerSummary[] => ctx.hub.registry.list()),
  }),
  system: router({
    info: procedure.query(({ ctx }): Context['system'] & { you: Actor; addresses: string[] } => ({
      you: ctx.actor,
      ...ctx.system,
      /** Addresses of this machine; behind a proxy on this machine they lead nowhere. With `loopback` others reach the server there once it lets them. */
      addresses: ctx.system.outside ? outsideAddresses() : [],
    })),
  }),
});

export type AppRouter = typeof appRouter;
