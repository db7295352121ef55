import { TRPCError } from '@trpc/server';
import { z } from 'zod';
import { type CommandAnswer, command } from '~/shared/commands';
import { type Entry, serverEvent, trainerEvent } from '~/shared/events';
import type { RunSummary, RunView } from '~/shared/fold';
import { runId, seq, step } from '~/shared/ids';
import { createRun } from '~/shared/protocol';
import type { RangeAnswer, Signals } from '../store';
import { allowed, type Context, router } from './base';

const eventType = z.enum([
  ...new Set([...trainerEvent.options, ...serverEvent.options].map((option) => option.shape.type.value)),
]);

const rangeQuery = z.strictObject({
  runId,
  series: z.array(z.string().max(128)).max(4096).nullable(),
  fromStep: step,
  /** Exclusive; null = up to the newest row. */
  toStep: step.nullable(),
  buckets: z.int().min(1).max(4000),
});

const entriesQuery = z.strictObject({
  runId,
  fromSeq: seq,
  limit: z.int().min(1).max(1000),
  types: z.array(eventType).nullable(),
});

const watching = allowed('watch runs');

export const runs = router({
  list: watching.query(({ ctx }): RunSummary[] => ctx.hub.summaries()),

  view: watching.input(z.strictObject({ runId })).query(({ ctx, input }): Promise<RunView> => existing(ctx, input.runId)),

  create: allowed('start runs')
    .input(createRun)
    .mutation(({ ctx, input }): Promise<{ runId: string }> => ctx.hub.create(ctx.actor, input.config)),

  range: watching.input(rangeQuery).query(async ({ ctx, input }): Promise<RangeAnswer> => {
    await existing(ctx, input.runId);
    if (input.toStep !== null && input.toStep <= input.fromStep)
      throw new TRPCError({ code: 'BAD_REQUEST', message: `toStep: ${input.toStep} must be above fromStep (${input.fromStep})` });
    return ctx.hub.store.range(input);
  }),

  entries: watching.input(entriesQuery).query(async ({ ctx, input }): Promise<Entry[]> => {
    await existing(ctx, input.runId);
    return ctx.hub.store.entries(input);
  }),

  signals: watching.input(z.strictObject({ runId })).query(async ({ ctx, input }): Promise<Signals> => {
    await existing(ctx, input.runId);
    return ctx.hub.store.signals(input.runId);
  }),

  /** Refusals are answers, not errors: `ok: false` says why and which field. */
  command: watching.input(command).mutation(({ ctx, input }): Promise<CommandAnswer> => ctx.hub.command(ctx.actor, input)),
});

async function existing(ctx: Context, id: string): Promise<RunView> {
  const view = await ctx.hub.view(id);
  if (!view) throw new TRPCError({ code: 'NOT_FOUND', message: `runId: there is no run ${id}` });
  return view;
}
