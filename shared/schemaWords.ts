/**
 * Describes what a JSON Schema accepts: the new-run form, the server's refusals and the command line use the same wording. Pure.
 */
import type { JsonSchema } from './recipes';
import type { Json } from './setup';

export const isObject = (v: unknown): v is JsonSchema => typeof v === 'object' && v !== null && !Array.isArray(v);

/** Most references that are followed within a schema; a longer chain is taken for a cycle. */
const longestChain = 16;

/** The schema with its local references (`#/$defs/...`) followed; fields beside `$ref` override its target. */
export function resolved(root: JsonSchema, schema: JsonSchema): JsonSchema {
  let here = schema;
  for (let i = 0; i < longestChain; i++) {
    const ref = here.$ref;
    if (typeof ref !== 'string' || !ref.startsWith('#')) return here;
    let target: unknown = root;
    for (const part of ref.slice(1).split('/').slice(1)) {
      const name = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
      target =
        typeof target === 'object' && target !== null && Object.hasOwn(target, name) ? (target as JsonSchema)[name] : undefined;
    }
    if (!isObject(target)) return here;
    const { $ref: _followed, ...beside } = here;
    here = { ...target, ...beside };
  }
  return here;
}

/** The alternatives of a schema; null when it has none. */
export function alternatives(root: JsonSchema, schema: JsonSchema): JsonSchema[] | null {
  const list = schema.anyOf ?? schema.oneOf;
  return Array.isArray(list) && list.length > 0 ? list.filter(isObject).map((s) => resolved(root, s)) : null;
}

const isNull = (s: JsonSchema): boolean => s.type === 'null' || s.const === null;

/**
 * A schema without null among its values; `nullable`: the meaning of null ('' when the schema does not say), or null when null is
 * not allowed.
 */
export function withoutNull(root: JsonSchema, given: JsonSchema): { schema: JsonSchema; nullable: string | null } {
  const schema = resolved(root, given);
  const words = schema['x-null'] ?? '';
  const list = alternatives(root, schema);
  if (list?.some(isNull)) {
    const { anyOf: _any, oneOf: _one, ...around } = schema;
    const rest = list.filter((s) => !isNull(s));
    const [only] = rest;
    // Title, help and default of the whole override those of the one remaining alternative.
    if (only && rest.length === 1)
      return { schema: { ...withoutNull(root, only).schema, ...around }, nullable: only['x-null'] ?? words };
    return { schema: { ...around, anyOf: rest }, nullable: words };
  }
  const choices = schema.enum?.includes(null) ? { enum: schema.enum.filter((v) => v !== null) } : {};
  if (Array.isArray(schema.type) && schema.type.includes('null')) {
    const [only = 'null', ...more] = schema.type.filter((t) => t !== 'null');
    return { schema: { ...schema, type: more.length === 0 ? only : [only, ...more], ...choices }, nullable: words };
  }
  return choices.enum ? { schema: { ...schema, ...choices }, nullable: words } : { schema, nullable: null };
}

/** The values of a schema that accepts a fixed set: enum, const, or alternatives that are all const; null for any other. */
export function choicesOf(root: JsonSchema, schema: JsonSchema): { value: Json; title: string | null }[] | null {
  if (schema.enum) return schema.enum.map((value) => ({ value, title: null }));
  if (schema.const !== undefined) return [{ value: schema.const, title: null }];
  const list = alternatives(root, schema);
  if (!list) return null;
  const each = list.map((s) => choicesOf(root, s)?.map((c) => ({ ...c, title: c.title ?? s.title ?? null })) ?? null);
  return each.every((c) => c !== null) ? each.flat() : null;
}

/** "a whole number from 1 to 32", "one of adam, sgd", "text", "a number > 0 or null (never)". */
export function describeSchema(root: JsonSchema, given: JsonSchema): string {
  const { schema, nullable } = withoutNull(root, given);
  const words = describeValue(root, schema);
  return nullable === null ? words : `${words} or null${nullable === '' ? '' : ` (${nullable})`}`;
}

function describeValue(root: JsonSchema, schema: JsonSchema): string {
  const choices = choicesOf(root, schema);
  if (choices)
    return choices.length === 1 ? showValue(choices[0]!.value) : `one of ${choices.map((c) => bare(c.value)).join(', ')}`;
  const list = alternatives(root, schema);
  if (list) return [...new Set(list.map((s) => describeValue(root, s)))].join(' or ');
  const types = Array.isArray(schema.type) ? schema.type : [schema.type];
  return types.map((type) => describeType(root, schema, type)).join(' or ');
}

function describeType(root: JsonSchema, schema: JsonSchema, type: string | undefined): string {
  switch (type) {
    case 'integer':
    case 'number':
      return describeNumber(schema, type);
    case 'boolean':
      return 'true or false';
    case 'null':
      return 'null';
    case 'string':
      return describeText(schema);
    case 'array': {
      const of = isObject(schema.items) ? `, each ${describeSchema(root, schema.items)}` : '';
      return `a list${between(schema.minItems, schema.maxItems, 'value', 'values')}${of}`;
    }
    case 'object':
      return 'a group of settings';
    default:
      return 'any value';
  }
}

/** Limits at the ends of the exact whole numbers mean nothing to people. */
const limit = (v: unknown): number | null => (typeof v === 'number' && Math.abs(v) < Number.MAX_SAFE_INTEGER ? v : null);

function describeNumber(schema: JsonSchema, type: 'integer' | 'number'): string {
  const noun = type === 'integer' ? 'a whole number' : 'a number';
  const step = limit(schema.multipleOf);
  const every = step === null || (type === 'integer' && step === 1) ? '' : ` that ${step} divides`;
  const [min, max] = [limit(schema.minimum), limit(schema.maximum)];
  const [above, below] = [limit(schema.exclusiveMinimum), limit(schema.exclusiveMaximum)];
  if (min !== null && max !== null && above === null && below === null) return `${noun} from ${min} to ${max}${every}`;
  const low = above !== null && (min === null || above >= min) ? `> ${above}` : min === null ? '' : `>= ${min}`;
  const high = below !== null && (max === null || below <= max) ? `< ${below}` : max === null ? '' : `<= ${max}`;
  return `${[noun, [low, high].filter(Boolean).join(' and ')].filter(Boolean).join(' ')}${every}`;
}

function describeText(schema: JsonSchema): string {
  if (schema['x-format'] === 'checkpoint') return 'a checkpoint (its hash)';
  if (schema['x-format'] === 'file') return "a path on the trainer's machine";
  if (typeof schema.format === 'string') return `text of the form ${schema.format}`;
  const pattern = schema.pattern === undefined ? '' : ` that fits /${schema.pattern}/`;
  return `text${between(schema.minLength, schema.maxLength, 'character', 'characters')}${pattern}`;
}

function between(min: unknown, max: unknown, one: string, many: string): string {
  const [low, high] = [limit(min), limit(max)];
  const noun = (n: number) => (n === 1 ? one : many);
  if (low !== null && high !== null) return low === high ? ` of ${low} ${noun(low)}` : ` of ${low} to ${high} ${many}`;
  if (low !== null && low > 0) return ` of at least ${low} ${noun(low)}`;
  return high === null ? '' : ` of at most ${high} ${noun(high)}`;
}

/** A choice; text without quotes. */
export const bare = (value: Json): string => (typeof value === 'string' ? value : showValue(value));

/** A value as shown to people: JSON, cut at 80 characters. */
export function showValue(value: unknown): string {
  const json = JSON.stringify(value) ?? String(value);
  return json.length > 80 ? `${json.slice(0, 79)}…` : json;
}

/** A setting's label: its title, else the last of its names. */
export const titleOf = (schema: JsonSchema, names: readonly string[]): string => schema.title || (names.at(-1) ?? 'config');

/** The schema of the setting with these names, searched in nested groups and alternatives; null when there is none. */
export function settingAt(root: JsonSchema, names: readonly string[]): JsonSchema | null {
  const find = (given: JsonSchema, [name, ...rest]: readonly string[]): JsonSchema | null => {
    const schema = resolved(root, given);
    if (name === undefined) return schema;
    const here = schema.properties && Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
    const found = here ? find(here, rest) : null;
    if (found) return found;
    const parts = [...(alternatives(root, schema) ?? []), ...(Array.isArray(schema.allOf) ? schema.allOf.filter(isObject) : [])];
    for (const part of parts) {
      const inPart = find(part, [name, ...rest]);
      if (inPart) return inPart;
    }
    return isObject(schema.items) && /^\d+$/.test(name) ? find(schema.items, rest) : null;
  };
  return find(root, names);
}

/** The title of the setting with these names; its path if it has none. */
export function titleAt(root: JsonSchema, names: readonly string[]): string {
  const schema = settingAt(root, names);
  return (schema && withoutNull(root, schema).schema.title) || names.join('.') || 'the config';
}
