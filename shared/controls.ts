import { z } from 'zod';
import { actionRoles } from './actionRoles';

/**
 * What a trainer declares as steerable. The dashboard's form, the server's validation and the scripts' types all derive from these
 * declarations, so a control added in the trainer appears everywhere without other edits.
 */

export const controlValue = z.union([z.number(), z.string().max(4096), z.boolean(), z.null()]);
export type ControlValue = z.infer<typeof controlValue>;

/**
 * Name of a control, an action or an argument: letters and digits of any script, and _ . / : - inside ("optimizer.lr",
 * "encoder/lr_0").
 */
export const declaredName = z
  .string()
  .max(128)
  .regex(/^[\p{L}\p{N}_][\p{L}\p{N}_./:-]*$/u, 'a name begins with a letter, a digit or "_" and goes on with these and . / : -');

/** The meaning of a control to views, rules and shortcuts, whatever its name. */
export const controlRole = z.enum([
  'learningRate',
  'clipThreshold',
  'clipMode',
  'weightDecay',
  'scheduleEnd',
  'epochs',
  'batchSize',
]);
export type ControlRole = z.infer<typeof controlRole>;

export const actionRole = z.enum(actionRoles);
export type ActionRole = z.infer<typeof actionRole>;

export const controlSpec = z.strictObject({
  name: declaredName,
  label: z.string(),
  help: z.string(),
  /** Shown after the value, e.g. "steps"; empty when it has none. */
  unit: z.string(),
  type: z.enum(['number', 'integer', 'boolean', 'enum', 'text']),
  /** Inclusive bounds for numbers unless the matching `exclusive` flag is set; null = unbounded. */
  min: z.number().nullable(),
  max: z.number().nullable(),
  exclusiveMin: z.boolean(),
  exclusiveMax: z.boolean(),
  options: z.array(z.string()).nullable(),
  /** null is allowed as a value, shown as this text (e.g. "off"). */
  nullLabel: z.string().nullable(),
  scale: z.enum(['linear', 'log']),
  default: controlValue,
  /** When a new value takes effect. */
  takesEffect: z.enum(['next step', 'next epoch', 'next evaluation', 'next snapshot', 'next checkpoint']),
  group: z.string(),
  role: controlRole.optional(),
  /** Usual range, inclusive: values outside are unusual, not wrong. */
  usual: z.tuple([z.number(), z.number()]).optional(),
});
export type ControlSpec = z.infer<typeof controlSpec>;

/** Fields of a control that a declaration may leave out, with their values then. */
export const controlDefaults = {
  help: '',
  unit: '',
  min: null,
  max: null,
  exclusiveMin: false,
  exclusiveMax: false,
  options: null,
  nullLabel: null,
  scale: 'linear',
  default: null,
  takesEffect: 'next step',
  group: '',
} as const satisfies Partial<ControlSpec>;

export const actionSpec = z.strictObject({
  name: declaredName,
  label: z.string(),
  help: z.string(),
  args: z.array(controlSpec),
  /** Ends or rewrites the run: the page asks for confirmation. */
  risky: z.boolean(),
  role: actionRole.optional(),
  /**
   * Only asks about the parameters and is answered by an `analysis` event: shown beside the attention maps, and can be asked
   * about a checkpoint (analyses.ts).
   */
  question: z.boolean().optional(),
});
export type ActionSpec = z.infer<typeof actionSpec>;

export const controls = z.strictObject({ values: z.array(controlSpec), actions: z.array(actionSpec) });
export type Controls = z.infer<typeof controls>;
