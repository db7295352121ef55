import { initTRPC, TRPCError } from '@trpc/server';
import { ZodError } from 'zod';
import { FieldError } from '~/server/base/fieldError';
import type { Jobs } from '~/server/base/jobs';
import { may, type Permission } from '~/server/base/permissions';
import type { Retention } from '~/server/retention/keeper';
import type { Hub } from '~/server/runs/hub';
import type { House } from '~/server/team/house';
import { type People, TeamError } from '~/server/team/people';
import type { Actor } from '~/shared/ids';
import { transformer } from '~/shared/json';

export interface Context {
  hub: Hub;
  house: House;
  people: People;
  retention: Pick<Retention, 'quotaBytes' | 'setQuota'>;
  jobs: Pick<Jobs, 'get' | 'cancel'>;
  /** ms since 1970 */
  now(): number;
  /** Never null: a request without an identity is answered 401 before tRPC sees it. */
  actor: Actor;
  system: { version: string; dataFolder: string; loopback: boolean };
}

const t = initTRPC.context<Context>().create({
  transformer,
  errorFormatter: ({ shape, error }) => ({
    ...shape,
    message: error.cause instanceof ZodError ? inWords(error.cause) : shape.message,
    data: { ...shape.data, stack: undefined, field: fieldOfCause(error.cause) },
  }),
});

/** "buckets: Too big: expected number to be <=4000; ..." */
export const inWords = (error: ZodError): string =>
  error.issues
    .map(({ path, message }) => {
      // Some messages name their own field already.
      const named = path.length > 0 && message.startsWith(`${String(path.at(-1))}:`) ? path.slice(0, -1) : path;
      return named.length > 0 ? `${named.join('.')}: ${message}` : message;
    })
    .join('; ');
export const fieldOf = (error: ZodError): string | null => error.issues[0]?.path.join('.') || null;

const fieldOfCause = (cause: unknown): string | null =>
  cause instanceof ZodError ? fieldOf(cause) : cause instanceof TeamError || cause instanceof FieldError ? cause.field : null;

export const router = t.router;
export const procedure = t.procedure;
export const createCaller = t.createCallerFactory;

/** A procedure only for actors with this permission. */
export const allowed = (permission: Permission) =>
  t.procedure.use(({ ctx, next }) => {
    if (!may(ctx.actor, permission))
      throw new TRPCError({ code: 'FORBIDDEN', message: `${ctx.actor.name} (${ctx.actor.role}) may not ${permission}` });
    return next();
  });
