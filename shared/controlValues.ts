/** Finding declared controls and checking their values. */
import type { ActionRole, ActionSpec, ControlRole, ControlSpec, Controls, ControlValue } from './controls';

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
