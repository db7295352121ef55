import { z } from 'zod';

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

/**
 * The meaning of an action. Arguments that a role fixes: `cancel` takes `commandId`; `revert` takes `step` or `checkpoint` or
 * both.
 */
export const actionRole = z.enum([
  'pause',
  'resume',
  'step',
  'stop',
  'evaluate',
  'snapshot',
  'checkpoint',
  'revert',
  'branch',
  'cancel',
]);
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

/** The control or action with a role; undefined when none is declared. */
export const controlWithRole = ({ values }: Controls, role: ControlRole): ControlSpec | undefined =>
  values.find((c) => c.role === role);
export const actionWithRole = ({ actions }: Controls, role: ActionRole): ActionSpec | undefined =>
  actions.find((a) => a.role === role);

/**
 * @returns null when `value` matches the declaration, else one sentence that names the control, the value and what is allowed.
 */
export function controlValueError(spec: ControlSpec, value: ControlValue): string | null {
  const no = (need: string) =>
    `${spec.name}: ${JSON.stringify(value) ?? String(value)} does not fit; give ${need}${spec.nullLabel === null ? '' : ` or null (${spec.nullLabel})`}`;
  if (value === null) return spec.nullLabel === null ? no(describe(spec)) : null;
  switch (spec.type) {
    case 'number':
    case 'integer':
      if (typeof value !== 'number' || !Number.isFinite(value)) return no(describe(spec));
      if (spec.type === 'integer' && !Number.isInteger(value)) return no(describe(spec));
      if (spec.min !== null && (value < spec.min || (spec.exclusiveMin && value === spec.min))) return no(describe(spec));
      if (spec.max !== null && (value > spec.max || (spec.exclusiveMax && value === spec.max))) return no(describe(spec));
      return null;
    case 'boolean':
      return typeof value === 'boolean' ? null : no('true or false');
    case 'enum':
      return typeof value === 'string' && spec.options?.includes(value) ? null : no(describe(spec));
    case 'text':
      return typeof value === 'string' ? null : no('text');
  }
}

/** The values that a control accepts, as text: "a number > 0", "an integer from 1 to 100", "one of norm, value, off". */
export function describe(spec: ControlSpec): string {
  if (spec.type === 'enum') return `one of ${spec.options?.join(', ')}`;
  if (spec.type === 'boolean') return 'true or false';
  if (spec.type === 'text') return 'text';
  const noun = spec.type === 'integer' ? 'an integer' : 'a number';
  const low = spec.min === null ? '' : `${spec.exclusiveMin ? '> ' : '>= '}${spec.min}`;
  const high = spec.max === null ? '' : `${spec.exclusiveMax ? '< ' : '<= '}${spec.max}`;
  return [noun, [low, high].filter(Boolean).join(' and ')].filter(Boolean).join(' ');
}
