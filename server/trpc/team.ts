import { z } from 'zod';
import { forget, remember, remembered } from '~/server/team/remembered';
import { masked, withSecretsKept } from '~/server/watchdogs/webhookSecrets';
import { runId, seen, seq } from '~/shared/ids';
import { type Remembered, remembering } from '~/shared/remembered';
import {
  type AuditEvent,
  type AuditPage,
  type AuditRow,
  auditEvent,
  colour,
  type Invite,
  newPersonName,
  type Person,
  personRole,
  rulesFor,
  type Session,
  type Team,
  type Token,
  token,
  tokenScope,
} from '~/shared/team';
import { type WatchdogRules, watchdogRules } from '~/shared/watchdogs';
import { allowed, router } from './base';
import { differs, writeRules } from './rules';

const day = 24 * 3_600_000;
const id = z.string().min(1).max(64);
const managing = allowed('manage people');
const approvalNames = z.array(z.string().min(1).max(64)).max(200);
const withoutHash = <T extends { hash: string }>({ hash: _hash, ...rest }: T): Omit<T, 'hash'> => rest;
const auditKinds = z.enum(auditEvent.options.map((o) => o.shape.type.value) as [AuditRow['event']['type']]);

export const team = router({
  people: allowed('watch runs').query(({ ctx }): Person[] => Object.values(ctx.people.team.people)),

  /** Changes the person's own name and color. */
  changeMe: allowed('comment')
    .input(z.strictObject({ name: newPersonName.optional(), colour: colour.optional() }))
    .mutation(({ ctx, input }) => ctx.people.change(ctx.actor, ctx.actor.id, input)),

  /** E-mail addresses of the accounts that sign the person in. */
  myAccounts: allowed('watch runs').query(({ ctx }): string[] =>
    Object.values(ctx.people.team.accounts)
      .filter((a) => a.personId === ctx.actor.id)
      .map((a) => a.email),
  ),

  /** The caller's own layouts, saved views and choices of charts. */
  remembered: allowed('watch runs').query(({ ctx }): Promise<Remembered> => remembered(ctx.settings, ctx.actor.id)),

  remember: allowed('watch runs')
    .input(remembering)
    .mutation(({ ctx, input }) => remember(ctx.settings, ctx.actor.id, input.key, input.value)),

  /** `expected`: the role as the caller read it; if somebody has changed it since, nothing is changed. */
  changePerson: managing
    .input(
      z.strictObject({
        personId: id,
        name: newPersonName.optional(),
        colour: colour.optional(),
        role: personRole.optional(),
        expected: personRole.optional(),
      }),
    )
    .mutation(({ ctx, input: { personId, expected, ...wish } }) => ctx.people.change(ctx.actor, personId, wish, expected)),

  removePerson: managing.input(z.strictObject({ personId: id })).mutation(async ({ ctx, input }) => {
    await ctx.people.remove(ctx.actor, input.personId);
    await forget(ctx.settings, input.personId);
  }),

  invites: managing.query(({ ctx }): Invite[] => Object.values(ctx.people.team.invites).map(withoutHash)),

  /** `secret` is shown only here: the link is /join?invite=<secret>. */
  invite: managing
    .input(
      z.strictObject({
        role: personRole,
        uses: z.int().min(1).max(1000),
        expiresInMs: z
          .int()
          .min(60_000, 'expiresInMs: at least a minute')
          .max(365 * day, 'expiresInMs: at most a year'),
      }),
    )
    .mutation(({ ctx, input }) => ctx.people.invite(ctx.actor, input)),

  revokeInvite: managing
    .input(z.strictObject({ inviteId: id }))
    .mutation(({ ctx, input }) => ctx.people.revokeInvite(ctx.actor, input.inviteId)),

  /** The person's own; an admin sees everybody's. */
  sessions: allowed('watch runs').query(({ ctx }): Session[] =>
    Object.values(ctx.people.team.sessions)
      .filter((s) => ctx.actor.role === 'admin' || s.personId === ctx.actor.id)
      .map(withoutHash),
  ),

  revokeSession: allowed('watch runs')
    .input(z.strictObject({ sessionId: id }))
    .mutation(({ ctx, input }) => ctx.people.revokeSession(ctx.actor, input.sessionId)),

  tokens: managing.query(({ ctx }): Token[] => Object.values(ctx.people.team.tokens).map(withoutHash)),

  /** `secret` is shown only here: scripts send it as "authorization: Bearer <secret>". */
  makeToken: managing
    .input(
      z.strictObject({
        name: seen(token.shape.name, 'name: '),
        scope: tokenScope,
        expiresInMs: z
          .int()
          .min(60_000)
          .max(3650 * day)
          .nullable(),
      }),
    )
    .mutation(({ ctx, input }) => ctx.people.makeToken(ctx.actor, input)),

  revokeToken: managing
    .input(z.strictObject({ tokenId: id }))
    .mutation(({ ctx, input }) => ctx.people.revokeToken(ctx.actor, input.tokenId)),

  needsApproval: allowed('watch runs').query(({ ctx }): string[] => ctx.auditLog.team.needsApproval),

  /** `expected`: the names as the caller read them; if somebody has changed them since, nothing is saved. */
  setNeedsApproval: managing
    .input(z.strictObject({ names: approvalNames, expected: approvalNames.optional() }))
    .mutation(({ ctx, input: { names, expected } }) =>
      writeRules(ctx, { type: 'approval.rules', names }, ({ needsApproval }) => differs(needsApproval, expected)),
    ),

  watchdogs: allowed('watch runs')
    .input(z.strictObject({ runId: runId.nullable() }))
    .query(
      ({ ctx, input }): WatchdogRules =>
        masked(input.runId === null ? ctx.auditLog.team.watchdogs.everywhere : rulesFor(ctx.auditLog.team, input.runId)),
    ),

  /** `expected`: the rules as the caller read them; if somebody has changed them since, nothing is saved. */
  setWatchdogs: allowed('edit rules')
    .input(z.strictObject({ runId: runId.nullable(), rules: watchdogRules, expected: watchdogRules.optional() }))
    .mutation(async ({ ctx, input: { runId, rules, expected } }) => {
      const rulesOf = (team: Team) => (runId === null ? team.watchdogs.everywhere : rulesFor(team, runId));
      const stale = (team: Team) => differs(masked(rulesOf(team)), expected);
      const before = rulesOf(ctx.auditLog.team);
      const kept = stale(ctx.auditLog.team) ? rules : await withSecretsKept(rules, before, ctx.settings);
      await writeRules(ctx, { type: 'watchdog.rules', runId, rules: kept }, stale);
    }),

  /**
   * Rows of the audit log from `fromSeq` on or, newest first, back (null: from the one end); `nextSeq` is where the next page starts,
   * null = the other end. `names`: of the runs in these rows that are still here.
   */
  audit: managing
    .input(
      z.strictObject({
        fromSeq: seq.nullable(),
        newestFirst: z.boolean().default(false),
        limit: z.int().min(1).max(1000),
        actorId: id.nullable(),
        runId: runId.nullable(),
        kinds: z.array(auditKinds).nullable(),
      }),
    )
    .query(async ({ ctx, input }): Promise<AuditPage> => {
      const { fromSeq, newestFirst, limit, actorId, runId, kinds } = input;
      const rows: AuditRow[] = [];
      let nextSeq: number | null = null;
      for await (const row of newestFirst ? ctx.auditLog.newestFirst(fromSeq) : ctx.auditLog.rows(fromSeq ?? 1)) {
        if (rows.length === limit) {
          nextSeq = row.seq;
          break;
        }
        if (actorId !== null && row.actor.id !== actorId) continue;
        if (runId !== null && !runsOf(row.event).includes(runId)) continue;
        if (kinds === null || kinds.includes(row.event.type)) rows.push(withoutSecrets(row));
      }
      const named = new Set(rows.flatMap(({ event }) => runsOf(event)));
      const names = ctx.hub.summaries().flatMap((run) => (named.has(run.runId) ? [[run.runId, run.name] as const] : []));
      return { rows, nextSeq, names: Object.fromEntries(names) };
    }),
});

/** The runs that an event is about. */
const runsOf = (event: AuditEvent): string[] => [
  ...('runId' in event && event.runId !== null ? [event.runId] : []),
  ...(event.type === 'run.created' && event.parent ? [event.parent] : []),
];

/** Rows of version 0.1 contain webhook addresses in clear text. */
const withoutSecrets = (row: AuditRow): AuditRow =>
  row.event.type === 'watchdog.rules' ? { ...row, event: { ...row.event, rules: masked(row.event.rules) } } : row;
