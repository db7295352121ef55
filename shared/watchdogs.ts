import { z } from 'zod';
import { collapseRule } from './collapse';

/**
 * Rules that watch every step of a run on the server: what they look for, and what they do when they find it. Editable per run;
 * the defaults notify about what is surely wrong and only record the rest.
 */

/** What a rule does when it fires, in this order. The trainer's own actions go through the command log like everybody's. */
export const reaction = z.enum(['notify', 'webhook', 'pause', 'snapshot', 'checkpoint', 'branch']);
export type Reaction = z.infer<typeof reaction>;

const common = {
  enabled: z.boolean(),
  reactions: z.array(reaction).max(8),
};
const positive = z.number().positive().finite();
const span = z.int().min(1).max(1_000_000);

/**
 * So many gradient norms in a row that are not finite are an alarm: mixed precision leaves out the updates in which its scale of the loss
 * (65,536 at first, halved each time) is too large, as usual at the beginning and now and then. Where they are made, the next loss is NaN.
 */
export const gradientsNotFinite = 20;

/** A run may load data or compile before it makes a step: the first one may take this many times as long as the rule `stalled` says. */
export const firstStepTakes = 10;
/** A run whose steps are minutes apart, e.g. epochs, has stalled when one takes this many times as long as they are apart. */
export const slowStepTakes = 3;

export const watchdog = z.discriminatedUnion('kind', [
  /** Any NaN or infinity in a loss, or `gradientsNotFinite` in a row in the gradient norm. */
  z.strictObject({ kind: z.literal('not-finite'), ...common }),
  /** Loss more than `sigmas` standard deviations above its mean over the last `window` steps. */
  z.strictObject({ kind: z.literal('loss-spike'), ...common, sigmas: positive, window: span.min(10) }),
  /** Gradient norm above `factor` x its median over the last `window` steps. */
  z.strictObject({ kind: z.literal('gradient-spike'), ...common, factor: positive, window: span.min(10) }),
  /**
   * The best value of the main metric, or of the smoothed loss if none is declared, has not improved by `improvement` (relative)
   * for `steps`.
   */
  z.strictObject({ kind: z.literal('plateau'), ...common, steps: span, improvement: z.number().min(0).max(1) }),
  /** Attention sharp while the loss stays at chance: see shared/attention.ts. Uses the snapshots' signals. */
  z.strictObject({
    kind: z.literal('collapse'),
    ...common,
    entropyBelow: z.number().min(0).max(1),
    lossAbove: positive,
    steps: span,
  }),
  /**
   * No step for this long while the run says it is running; for `firstStepTakes` times as long until it has made a step, and for `slowStepTakes`
   * times as long as its steps are apart where that is more.
   */
  z.strictObject({ kind: z.literal('stalled'), ...common, seconds: positive }),
  /** Free space of the data folder's disk. */
  z.strictObject({ kind: z.literal('disk'), ...common, freeBytesBelow: positive }),
]);
export type Watchdog = z.infer<typeof watchdog>;
export type WatchdogKind = Watchdog['kind'];

/** Where an alert is posted: the service's own payload, retried until it answers 2xx or `attempts` are used up. */
export const webhook = z.strictObject({
  url: z.url({ protocol: /^https?$/, error: 'url: an http or https address is needed' }).max(2000),
  format: z.enum(['json', 'slack', 'discord']),
  /** Identifies the whole address, which only the server knows; `url` is then a masked form of it. Set by the server. */
  secretId: z.string().max(64).optional(),
});
export type Webhook = z.infer<typeof webhook>;

export const watchdogRules = z
  .strictObject({ rules: z.array(watchdog).max(20), webhooks: z.array(webhook).max(10) })
  .superRefine(({ rules }, ctx) => {
    const kinds = rules.map((r) => r.kind);
    kinds.forEach((kind, i) => {
      if (kinds.indexOf(kind) !== i)
        ctx.addIssue({ code: 'custom', path: ['rules', i, 'kind'], message: `${kind} occurs twice` });
    });
  });
export type WatchdogRules = z.infer<typeof watchdogRules>;

/** One rule of each kind. Pausing is the default only where continuing is surely pointless. */
export const defaultRules: WatchdogRules = {
  rules: [
    { kind: 'not-finite', enabled: true, reactions: ['notify', 'webhook', 'pause', 'snapshot'] },
    { kind: 'loss-spike', enabled: true, reactions: ['notify', 'webhook'], sigmas: 8, window: 100 },
    { kind: 'gradient-spike', enabled: true, reactions: ['notify'], factor: 20, window: 100 },
    { kind: 'plateau', enabled: false, reactions: ['notify'], steps: 2000, improvement: 0.01 },
    {
      kind: 'collapse',
      enabled: true,
      reactions: ['notify', 'webhook'],
      entropyBelow: collapseRule.entropyBelow,
      lossAbove: collapseRule.lossAbove,
      steps: collapseRule.heldSteps,
    },
    { kind: 'stalled', enabled: true, reactions: ['notify', 'webhook'], seconds: 60 },
    { kind: 'disk', enabled: true, reactions: ['notify', 'webhook'], freeBytesBelow: 1e9 },
  ],
  webhooks: [],
};
