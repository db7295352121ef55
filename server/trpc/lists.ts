import { TRPCError } from '@trpc/server';
import { z } from 'zod';
import { blobHash, runId, seq, step } from '~/shared/ids';
import type { ListMark, Near } from '~/shared/listQueries';
import { type ListItems, type ListKind, listKinds } from '~/shared/view';
import { allowed, checkSteps, existing, ofRun } from './base';

const kind = z.enum(listKinds as [ListKind, ...ListKind[]]);

/** One item of a list, with its list. */
export type ListedItem = { [K in ListKind]: { kind: K; item: ListItems[K] } }[ListKind];

const itemsQuery = {
  kind,
  /** The newest items before this seq; if `after` is omitted too: the newest of all. */
  before: seq.optional(),
  /** The oldest items after this seq; 0 = from the beginning. */
  after: z.int().nonnegative().optional(),
  fromStep: step.optional(),
  /** Exclusive. */
  toStep: step.optional(),
  /** The subject of the items: a blob's hash, a thread, a control or an action (shared/lists.ts, ItemKeys). */
  ref: z.string().max(512).optional(),
  /** The kind of the items: a split, a trigger, a status, a level. */
  tag: z.string().max(128).optional(),
  limit: z.int().min(1).max(1000),
};

/** Reads the lists that grow with a run (shared/lists.ts) by range: evaluations, snapshots, checkpoints, commands, notes, ... */
export const listProcedures = {
  /** In log order. */
  items: ofRun(itemsQuery).query(async ({ ctx, input }): Promise<ListItems[ListKind][]> => {
    if (input.before !== undefined && input.after !== undefined)
      throw new TRPCError({ code: 'BAD_REQUEST', message: 'before: give `before` or `after`, not both' });
    return ctx.hub.store.list(input);
  }),

  /** One item by its seq, its id (commands, notes) or its blob; null = no such item is in force. */
  item: allowed('watch runs')
    .input(
      z.union([
        z.strictObject({ runId, kind, seq }),
        z.strictObject({ runId, kind, id: z.string().min(1).max(64) }),
        z.strictObject({ runId, kind, hash: blobHash }),
      ]),
    )
    .query(async ({ ctx, input }): Promise<ListItems[ListKind] | null> => {
      await existing(ctx, input.runId);
      const { runId: id, kind: of } = input;
      return ctx.hub.store.item('hash' in input ? { runId: id, kind: of, ref: input.hash } : input);
    }),

  /** The items around a step, at most `limit` on each side. */
  near: ofRun({ kind, step, limit: z.int().min(1).max(500) }).query(
    ({ ctx, input }): Promise<Near<ListItems[ListKind]>> => ctx.hub.store.near(input),
  ),

  /** Positions of items in a range of steps, reduced to one mark per kind and bucket, for timelines. */
  marks: ofRun({
    kinds: z.array(kind).min(1).max(listKinds.length),
    fromStep: step,
    /** Exclusive. */
    toStep: step,
    buckets: z.int().min(1).max(2000),
  }).query(async ({ ctx, input }): Promise<ListMark[]> => {
    checkSteps(input);
    return ctx.hub.store.marks(input);
  }),
};
