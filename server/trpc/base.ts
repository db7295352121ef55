import { initTRPC, TRPCError } from '@trpc/server';
import { ZodError, z } from 'zod';
import type { AuditLog } from '~/server/audit/auditLog';
import { diskFullWords, isDiskFull } from '~/server/base/diskFull';
import { FieldError } from '~/server/base/fieldError';
import type { Jobs } from '~/server/base/jobs';
import { may, type Permission } from '~/server/base/permissions';
import { describeZodError, fieldOf } from '~/server/base/zodError';
import { SetupError } from '~/server/dispatch/recipes';
import type { Retention } from '~/server/retention/keeper';
import type { Hub } from '~/server/runs/hub';
import type { Store } from '~/server/store';
import { type People, TeamError } from '~/server/team/people';
import type { ExportFormat } from '~/shared/exports';
import { type Actor, runId } from '~/shared/ids';
import { isDeep, tooDeep, transformer } from '~/shared/json';
import type { RunView } from '~/shared/view';

export interface Context {
  hub: Hub;
  auditLog: AuditLog;
  people: People;
  /** Storage for secrets that must not be in the audit log. */
  settings: Pick<Store, 'setting' | 'setSetting'>;
  retention: Pick<Retention, 'quotas' | 'use'>;
  jobs: Pick<Jobs, 'get' | 'cancel'>;
  /** ms since 1970 */
  now(): number;
  /** Never null: a request without an identity is answered 401 before it reaches tRPC. */
  actor: Actor;
  system: {
    version: string;
    dataFolder: string;
    loopback: boolean;
    /** Other machines may reach its address: it listens beyond this one, or can be told to. */
    outside: boolean;
    exports: readonly ExportFormat[];
    /** Name of the provider at which people sign in; null: there are invite links only. */
    provider: string | null;
  };
}

const t = initTRPC.context<Context>().create({
  transformer: {
    input: {
      ...transformer,
      deserialize(given: unknown) {
        if (isDeep(given)) throw new Error(tooDeep);
        return transformer.deserialize(given);
      },
    },
    output: transformer,
  },
  errorFormatter: ({ shape, error }) => ({
    ...shape,
    message: error.cause instanceof ZodError ? describeZodError(error.cause) : isDiskFull(error) ? diskFullWords : shape.message,
    data: { ...shape.data, stack: undefined, field: fieldOfCause(error.cause), problems: problemsOfCause(error.cause) },
  }),
});

const fieldOfCause = (cause: unknown): string | null =>
  cause instanceof ZodError ? fieldOf(cause) : cause instanceof TeamError || cause instanceof FieldError ? cause.field : null;

/** All invalid fields, each with a message; empty for an error that concerns no field. */
function problemsOfCause(cause: unknown): { field: string; message: string }[] {
  if (cause instanceof SetupError) return cause.problems.map(({ field, message }) => ({ field, message }));
  if (cause instanceof ZodError) return cause.issues.map((i) => ({ field: i.path.join('.'), message: i.message }));
  return cause instanceof FieldError ? [{ field: cause.field, message: cause.message }] : [];
}

export const router = t.router;
export const procedure = t.procedure;

/** A procedure only for actors with this permission. What the caller got wrong is answered with its message and field. */
export const allowed = (permission: Permission) =>
  t.procedure.use(async ({ ctx, next }) => {
    if (!may(ctx.actor, permission))
      throw new TRPCError({ code: 'FORBIDDEN', message: `${ctx.actor.name} (${ctx.actor.role}) may not ${permission}` });
    const result = await next();
    const cause = result.ok ? null : result.error.cause;
    if (cause instanceof TeamError || cause instanceof FieldError)
      throw new TRPCError({ code: 'BAD_REQUEST', message: cause.message, cause });
    return result;
  });

/** @throws TRPCError when there is no such run */
export async function existing(ctx: Context, id: string): Promise<RunView> {
  const view = await ctx.hub.view(id);
  if (!view) throw new TRPCError({ code: 'NOT_FOUND', message: `runId: there is no run ${id}` });
  return view;
}

/** @throws TRPCError when the range is empty; `toStep` is exclusive, null = up to the newest row */
export function checkSteps({ fromStep, toStep }: { fromStep: number; toStep: number | null }): void {
  if (toStep !== null && toStep <= fromStep)
    throw new TRPCError({ code: 'BAD_REQUEST', message: `toStep: ${toStep} must be above fromStep (${fromStep})` });
}

/** A query about a run that exists; its view is in the context. @param more its input besides the run's id */
export const ofRun = <S extends z.ZodRawShape>(more: S) =>
  allowed('watch runs')
    .input(z.strictObject({ runId, ...more }))
    .use(async ({ ctx, input, next }) => {
      const view = await existing(ctx, (input as { runId: string }).runId);
      return next({ ctx: { ...ctx, view } });
    });
