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

/** Three significant digits, never as a power of ten: 2.5e12 -> "2,500,000,000,000". */
const plainly = (n: number): string => n.toLocaleString('en-US', { maximumSignificantDigits: 3 });
/** A change by more than this factor needs confirmation, where no usual range is declared. */
const largeFactor = 100;

/** Why a value needs confirmation, in words: "× 2,500 of now; usually 0.00001 to 0.01". null = it is an ordinary value. */
export function unusual(spec: ControlSpec, value: ControlValue, current: ControlValue): string | null {
  if (typeof value !== 'number') return null;
  const factor = typeof current === 'number' && current !== 0 && value !== 0 ? value / current : null;
  const outside = spec.usual && (value < spec.usual[0] || value > spec.usual[1]);
  const large = factor !== null && (Math.abs(factor) >= largeFactor || Math.abs(factor) <= 1 / largeFactor);
  if (!outside && (!large || spec.usual)) return null;
  const words = factor === null || factor === 1 ? [] : [`× ${plainly(factor)} of now`];
  if (spec.usual) words.push(`usually ${spec.usual.map(String).join(' to ')}${spec.unit ? ` ${spec.unit}` : ''}`);
  return words.join('; ');
}
