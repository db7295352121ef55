/**
 * Rules of a config that JSON Schema cannot express (shared/recipes.ts): a number compared with another setting's, and choices
 * that cannot work with the trainer as it is.
 */
import { fieldsOf } from './recipeFields';
import type { JsonSchema, SettingProblem } from './recipes';
import { showValue, titleAt } from './schemaWords';
import { type Config, type Json, valueAt, valueNamed } from './setup';

/**
 * Settings that break x-divisibleBy, x-atMost or x-disabled. A rule ignores values of the wrong kind: the schema reports those.
 */
export function ruleErrors(schema: JsonSchema, config: Config): SettingProblem[] {
  const titleOf = (path: string) => titleAt(schema, path.split('.'));
  const numberAt = (path: string | undefined) => {
    const value = path === undefined ? undefined : valueAt(config, path);
    return typeof value === 'number' && Number.isFinite(value) ? value : null;
  };
  const fields = fieldsOf(schema);
  return fields.flatMap((field): SettingProblem[] => {
    const { path, title, annotations, within } = field;
    const value = valueNamed(config, field.names);
    const there = within.every((w) =>
      w.is === true ? typeof valueAt(config, w.path) === 'object' : same(valueAt(config, w.path), w.is),
    );
    if (value === undefined || !there) return [];
    const fail = (words: string, more: Partial<SettingProblem> = {}) => [{ field: path, message: `${title}: ${words}`, ...more }];
    const off = annotations['x-disabled']?.find((d) => same(d.value, value));
    if (off)
      return fail(`${showValue(value)} cannot be chosen here: ${off.reason}${off.help && `; ${off.help}`}`, {
        unavailable: true,
      });
    if (typeof value !== 'number') return [];
    const [divisor, limit] = [annotations['x-divisibleBy'], annotations['x-atMost']];
    const by = numberAt(divisor);
    if (by !== null && by > 0 && value % by !== 0) {
      const near = [divisorFrom(value, Math.ceil(by) - 1, -1), divisorFrom(value, Math.floor(by) + 1, 1)].filter(
        (n) => n !== null,
      );
      const give = near.length > 0 ? `give ${near.join(' or ')}, or change ${title}` : `change ${title}`;
      return [{ field: divisor!, message: `${titleOf(divisor!)}: ${by} does not divide ${title} (${value}); ${give}` }];
    }
    const most = numberAt(limit);
    // A limit that is itself too small is an error of its own: nothing could fit below it.
    const least = fields.find((f) => f.path === limit)?.schema.minimum ?? Number.NEGATIVE_INFINITY;
    if (most !== null && most >= least && value > most)
      return fail(`${value} is more than ${titleOf(limit!)} (${most}); give at most ${most}, or change ${titleOf(limit!)}`);
    return [];
  });
}

/** Limit of the search for a number that would be valid. */
const farthest = 100_000;

/** The first whole number from `from` on, in direction `by`, that divides `value`; null when there is none. */
function divisorFrom(value: number, from: number, by: 1 | -1): number | null {
  for (let n = from; n >= 1 && n <= value && Math.abs(n - from) < farthest; n += by) if (value % n === 0) return n;
  return null;
}

const same = (a: Json | undefined, b: Json): boolean => JSON.stringify(a) === JSON.stringify(b);
