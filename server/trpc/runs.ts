import { TRPCError } from '@trpc/server';
import { z } from 'zod';
import { may } from '~/server/base/permissions';
import { SetupError } from '~/server/dispatch/recipes';
import { BudgetError, type SeriesAnswer } from '~/server/store';
import { changeControlLock } from '~/server/team/gate';
import { type CommandAnswer, command, type Refusal } from '~/shared/commands';
import { type Entry, labelChanges, serverEvent, trainerEvent } from '~/shared/events';
import { actor, blobHash, commandId, runId, seq, step } from '~/shared/ids';
import { type ConsoleAnswer, type MediaEvent, samplesAt } from '~/shared/media';
import { noteProblem, noteRequest } from '~/shared/notes';
import type { RangeAnswer } from '~/shared/pyramid';
import type { KnownRecipe, SettingProblem } from '~/shared/recipes';
import { refuse } from '~/shared/refusals';
import { branchRun, createRun } from '~/shared/runRequests';
import { seriesName } from '~/shared/series';
import { newSetup } from '~/shared/setup';
import { SIGNALS_PER_QUESTION, type SignalHistory } from '~/shared/signals';
import type { RunSummary } from '~/shared/summary';
import { mostTags } from '~/shared/tags';
import { ended, type MediaItem, type RunView } from '~/shared/view';
import { allowed, checkSteps, ofRun, router } from './base';
import { listProcedures } from './lists';
import { tableProcedures } from './runTable';

const eventType = z.enum([
  ...new Set([...trainerEvent.options, ...serverEvent.options].map((option) => option.shape.type.value)),
]);

const rangeQuery = {
  series: z.array(seriesName).max(4096).nullable(),
  fromStep: step,
  /** Exclusive (so that it may be 2^53); null = up to the newest row. */
  toStep: z.number().refine(Number.isInteger, 'a whole number is needed').nullable(),
  buckets: z.int().min(1).max(4000),
  /** Weight of a moving average over all raw steps, returned as `ema`; null or omitted = none. */
  smoothing: z.number().min(0).lt(1).nullish(),
  /** Also the nearest row on either side of the range, each in a bucket of its own. */
  around: z.boolean().optional(),
};

const seriesQuery = {
  search: z.string().max(512).nullable(),
  names: z.array(seriesName).max(500).nullish(),
  skip: z.int().min(0),
  limit: z.int().min(1).max(500),
};

const entriesQuery = {
  fromSeq: seq,
  limit: z.int().min(1).max(1000),
  types: z.array(eventType).nullable(),
};

const consoleQuery = {
  before: seq.nullable().default(null),
  after: seq.nullable().default(null),
  search: z.string().max(200).default(''),
  limit: z.int().min(1).max(1000).default(200),
};

const holdMs = z
  .int()
  .min(1000)
  .max(7 * 24 * 3_600_000)
  .nullable();

const controlLockRequest = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('take'), forMs: holdMs }),
  z.strictObject({ kind: z.literal('ask') }),
  z.strictObject({ kind: z.literal('refuse'), askerId: actor.shape.id }),
  z.strictObject({ kind: z.literal('release') }),
  z.strictObject({ kind: z.literal('handOver'), to: actor, forMs: holdMs.default(null) }),
]);

/** Newest samples before a step from which an answer chooses. */
const SAMPLES_LOOKED_AT = 200;

const watching = allowed('watch runs');

export const runs = router({
  ...listProcedures,
  ...tableProcedures,

  list: watching.query(({ ctx }): RunSummary[] => ctx.hub.summaries()),

  view: ofRun({}).query(({ ctx }): RunView => ctx.view),

  create: allowed('start runs')
    .input(createRun)
    .mutation(async ({ ctx, input: { setup, ...more } }): Promise<{ runId: string }> => {
      const { config, problems } = await ctx.hub.recipes.check(setup);
      if (problems.length > 0) throw new SetupError(problems);
      return ctx.hub.create(ctx.actor, { ...setup, config }, more);
    }),

  /** All known recipes, those of connected trainers first; a run of any of them can be requested. */
  recipes: watching.query(({ ctx }): KnownRecipe[] => ctx.hub.recipes.list()),

  /** Validates the setup of a run: its invalid fields within `setup`, each with a message. Starts nothing. */
  check: watching
    .input(z.strictObject({ setup: z.unknown() }))
    .query(async ({ ctx, input }): Promise<{ problems: SettingProblem[] }> => {
      const parsed = newSetup.safeParse(input.setup);
      // An error outside the config must not hide errors inside it.
      const { recipe, config } = newSetup.pick({ recipe: true, config: true }).safeParse(pickOwn(input.setup)).data ?? {};
      const judged = recipe !== undefined && config ? (await ctx.hub.recipes.check({ recipe, config })).problems : [];
      const beside = parsed.success ? [] : parsed.error.issues.map((i) => ({ field: i.path.join('.'), message: i.message }));
      return { problems: [...beside, ...judged] };
    }),

  /** Why a run has no trainer, as a message; null when it has one, or has ended. */
  whyWaits: watching
    .input(z.strictObject({ runId }))
    .query(({ ctx, input }): string | null => ctx.hub.registry.whyWaits(input.runId)),

  range: ofRun(rangeQuery).query(async ({ ctx, input, signal }): Promise<RangeAnswer> => {
    checkSteps(input);
    return ctx.hub.store.range(input, signal).catch(asTooMuch);
  }),

  /** A page of series with their newest values: those whose names contain a word, or those named. */
  series: ofRun(seriesQuery).query(({ ctx, input }): Promise<SeriesAnswer> => ctx.hub.store.series(input)),

  entries: ofRun(entriesQuery).query(({ ctx, input }): Promise<Entry[]> => ctx.hub.store.entries(input)),

  /** The console output of the run's process, as far as it is kept: newest last. */
  console: ofRun(consoleQuery).query(({ ctx, input }): Promise<ConsoleAnswer> => ctx.hub.store.console(input)),

  /** Samples as of a step (null = now): the newest sample of each name among the latest ones. */
  samples: ofRun({ step: step.nullable() }).query(async ({ ctx, input }): Promise<MediaItem[]> => {
    const of = { runId: input.runId, kind: 'media', limit: SAMPLES_LOOKED_AT } as const;
    const before =
      input.step === null ? await ctx.hub.store.list(of) : (await ctx.hub.store.near({ ...of, step: input.step })).before;
    return samplesAt(before, null);
  }),

  /** One sample with its whole text. */
  sample: ofRun({ seq }).query(async ({ ctx, input }): Promise<MediaEvent | null> => {
    const [entry] = await ctx.hub.store.entries({ runId: input.runId, fromSeq: input.seq, limit: 1, types: null });
    return entry?.seq === input.seq && entry.event.type === 'media' ? entry.event : null;
  }),

  /** Signals of those snapshots at `seqs` that are in force, in step order. */
  signals: ofRun({ seqs: z.array(seq).min(1).max(SIGNALS_PER_QUESTION) }).query(
    ({ ctx, input }): Promise<SignalHistory> => ctx.hub.store.signals(input.runId, input.seqs),
  ),

  branch: allowed('start runs')
    .input(branchRun)
    .mutation(({ ctx, input }): Promise<{ ok: true; runId: string | null } | Refusal> => ctx.hub.branch(ctx.actor, input)),

  /** Sets name, tags, archived, deleted (and back). */
  label: allowed('edit runs')
    .input(labelChanges.extend({ runId }))
    .mutation(async ({ ctx, input: { runId: id, tagged, ...labels } }): Promise<CommandAnswer> => {
      if (labels.trashed !== undefined && !may(ctx.actor, 'delete runs'))
        return refuse('forbidden', `${ctx.actor.name} (${ctx.actor.role}) may not delete runs; archive it instead`, 'trashed');
      return ctx.hub.decide(id, (view) => {
        if (labels.trashed && !ended(view.status)) return refuse('state', 'the run has not ended: stop it first', 'trashed');
        const event = { type: 'run.labelled', actor: ctx.actor, ...labels } as const;
        if (!tagged) return [event];
        const kept = (labels.tags ?? view.tags).filter((t) => !tagged.remove.includes(t));
        const tags = [...new Set([...kept, ...tagged.add])];
        if (tags.length > mostTags)
          return refuse('invalid', `the run would have ${tags.length} tags; ${mostTags} is the most`, 'tagged.add');
        return [{ ...event, tags }];
      });
    }),

  /** Deletes a run in the trash from the disk: this cannot be undone. */
  remove: allowed('delete runs')
    .input(z.strictObject({ runId }))
    .mutation(async ({ ctx, input: { runId: id } }): Promise<{ ok: true } | Refusal> => {
      const view = await ctx.hub.view(id);
      if (!view) return refuse('unknown-run', `there is no run ${id}`, 'runId');
      if (!(await ctx.hub.remove(id))) return refuse('state', 'only a run in the trash goes for good: delete it first', 'runId');
      const event = { type: 'run.changed', runId: id, what: `deleted for good: ${view.setup.name}`.slice(0, 200) } as const;
      await ctx.auditLog.append(ctx.actor, () => [event]);
      return { ok: true };
    }),

  note: allowed('comment')
    .input(z.strictObject({ runId, note: noteRequest }))
    .mutation(
      ({ ctx, input }): Promise<CommandAnswer> =>
        ctx.hub.decide(input.runId, async (_view, lists) => {
          const { note } = input;
          const known = await lists.item('notes', { id: note.id });
          // A resend: the note exists already.
          if (note.kind === 'add' && known?.author.id === ctx.actor.id && known.text === note.text) return [];
          const thread = note.kind === 'add' && note.replyTo !== null ? await lists.item('notes', { id: note.replyTo }) : null;
          const replies = known ? await lists.list('notes', { ref: note.id, limit: 100_000 }) : [];
          const found = [known, thread, ...replies].filter((n) => n !== null);
          const problem = noteProblem(found, ctx.actor, note);
          const changes = note.kind === 'resolve' || note.kind === 'delete';
          const was = known && changes && { thread: known.replyTo === null, resolved: known.resolved, replies: replies.length };
          return problem === null
            ? [{ type: 'note', actor: ctx.actor, note, ...(was && { was }) }]
            : refuse('invalid', problem, problem.split(':')[0]);
        }),
    ),

  /** Takes, asks for, hands over or releases the control lock, or declines a request for it. */
  controlLock: allowed('steer runs')
    .input(z.strictObject({ runId, request: controlLockRequest }))
    .mutation(async ({ ctx, input }): Promise<CommandAnswer> => {
      const present = (await ctx.hub.watchers(input.runId)).map((w) => w.actor);
      return ctx.hub.decide(input.runId, (view) => {
        if (ended(view.status)) return refuse('run-ended', `the run has ended (${view.status})`);
        const turned = changeControlLock(view, ctx.actor, input.request, ctx.now(), present);
        return 'ok' in turned ? turned : [turned];
      });
    }),

  /** A second operator's yes or no to a command that waits for one; who asked for it can take it back with a no. */
  answerProposal: allowed('steer runs')
    .input(z.strictObject({ runId, commandId, approved: z.boolean() }))
    .mutation(
      ({ ctx, input }): Promise<CommandAnswer> => ctx.hub.answerProposal(ctx.actor, input.runId, input.commandId, input.approved),
    ),

  /** Moves a run that waits for a trainer before another one, or (null) to the end. */
  moveInQueue: allowed('steer runs')
    .input(z.strictObject({ runId, before: runId.nullable() }))
    .mutation(({ ctx, input }): Promise<{ ok: true } | Refusal> => ctx.hub.moveInQueue(ctx.actor, input.runId, input.before)),

  /** Takes a run from its trainer, once it has saved a checkpoint, and puts it back into the queue, behind the waiting runs. */
  makeRoom: allowed('steer runs')
    .input(z.strictObject({ runId }))
    .mutation(({ ctx, input }): Promise<{ ok: true } | Refusal> => ctx.hub.makeRoom(ctx.actor, input.runId)),

  /** Queries about checkpoints, of all runs: those being answered first, then the waiting ones, the next one first. */

  /** Moves a query before another one, or (null) to the end. The action `cancel` cancels it. */
  moveQuestion: allowed('steer runs')
    .input(z.strictObject({ commandId, before: commandId.nullable() }))
    .mutation(
      ({ ctx, input }): Promise<{ ok: true } | Refusal> => ctx.hub.questions.move(ctx.actor, input.commandId, input.before),
    ),

  /** Takes the run back to one of its checkpoints; later changes are undone. `commandId` makes a resend harmless. */
  revert: allowed('steer runs')
    .input(z.strictObject({ runId, checkpoint: blobHash, commandId: commandId.optional() }))
    .mutation(({ ctx, input }): Promise<CommandAnswer> => ctx.hub.revert(ctx.actor, input)),

  /** Refusals are answers, not errors: `ok: false` with the reason and the field. */
  command: watching.input(command).mutation(({ ctx, input }): Promise<CommandAnswer> => ctx.hub.command(ctx.actor, input)),
});

const asTooMuch = (error: unknown): never => {
  if (error instanceof BudgetError) throw new TRPCError({ code: 'BAD_REQUEST', message: error.message, cause: error });
  throw error;
};

const pickOwn = (setup: unknown) => {
  const { recipe, config } = (setup ?? {}) as { recipe?: unknown; config?: unknown };
  return { recipe, config };
};
