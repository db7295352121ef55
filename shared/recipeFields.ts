/**
 * The settings of a recipe's config schema as a flat list, for the new-run form, flags, the run's setup and "compare settings".
 * Pure; schemas come from trainers, so names of settings are data.
 */
import type { JsonSchema } from './recipes';
import { alternatives, bare, choicesOf, describeSchema, isObject, resolved, titleOf, withoutNull } from './schemaWords';
import type { Json } from './setup';

export interface Choice {
  value: Json;
  title: string;
  /** Why it cannot be chosen with the connected trainers, and what helps. */
  disabled?: { reason: string; help: string };
}

/** One setting of a config, as forms and flags see it. */
export interface RecipeField {
  /** "optimizer.learningRate" */
  path: string;
  /** The same as a list of names: a name may itself contain dots. */
  names: readonly string[];
  title: string;
  description: string;
  /** `switch` turns an optional group of settings on, `list` has values of one simple kind, `json` is anything else. */
  kind: 'integer' | 'number' | 'boolean' | 'text' | 'choice' | 'list' | 'switch' | 'json';
  /** For a `choice`. */
  options: readonly Json[];
  choices: readonly Choice[];
  /** For a list: its values. For text: `number` when numbers are allowed too. */
  items: 'integer' | 'number' | 'text';
  nullable: boolean;
  required: boolean;
  group: string;
  default: Json | undefined;
  /** Its own schema, without the "or null" around it. */
  schema: JsonSchema;
  /** Annotations of both levels. */
  annotations: JsonSchema;
  /** Few people change it, or its group. */
  advanced: boolean;
  /** The setting exists only where other settings have these values: in one kind of a union, in an optional group. */
  within: readonly { path: string; is: Json }[];
}

/** Deepest level of nested groups; anything deeper, as in a recursive schema, is one setting of kind `json`. */
const deepest = 8;

/** The settings of a config schema, in its own order. */
export function fieldsOf(schema: JsonSchema): RecipeField[] {
  const fields: RecipeField[] = [];
  walk({ root: schema, fields }, schema, { names: [], group: '', advanced: false, required: true, within: [] });
  return fields;
}

interface Walk {
  root: JsonSchema;
  fields: RecipeField[];
}
type Place = Pick<RecipeField, 'names' | 'group' | 'advanced' | 'required' | 'within'>;

function walk(to: Walk, given: JsonSchema, place: Place): void {
  const { schema, nullable } = withoutNull(to.root, given);
  const { names } = place;
  const path = names.join('.');
  const advanced = place.advanced || schema['x-advanced'] === true;
  const named = schema['x-group'];
  const properties = propertiesOf(to.root, schema);
  const union = unionOf(to.root, schema);
  const follow = (properties.size > 0 || union !== null) && names.length < deepest;
  if (!follow) {
    const group = named ?? (place.group || 'Settings');
    to.fields.push({ ...described(schema, { ...place, group, advanced }, nullable), ...kindOf(to.root, schema) });
    return;
  }
  const top = names.length === 0;
  const group = named ?? (top ? '' : [place.group, titleOf(schema, names)].filter(Boolean).join(': '));
  let { within } = place;
  if (!top && (nullable !== null || (!place.required && schema.default === undefined))) {
    to.fields.push({ ...described(schema, { ...place, group, advanced }, nullable), ...plain('switch') });
    within = [...within, { path, is: true }];
  }
  for (const [name, property] of properties)
    walk(to, property.schema, { names: [...names, name], group, advanced, within, required: property.required });
  if (!union) return;
  const kindNames = [...names, union.by];
  const { const: _first, ...own } = resolved(to.root, union.kinds[0]!.own);
  const kinds = union.kinds.map((k) => k.value);
  const choices = union.kinds.map(({ value, title }) => ({ value, title: title ?? bare(value) }));
  to.fields.push({
    ...described(
      { ...own, enum: kinds },
      { names: kindNames, group: group || 'Settings', advanced, required: true, within },
      null,
    ),
    ...plain('choice'),
    options: kinds,
    choices: withDisabled(schema, choices),
  });
  for (const kind of union.kinds) {
    const only = [...within, { path: kindNames.join('.'), is: kind.value }];
    for (const [name, property] of kind.properties)
      walk(to, property.schema, { names: [...names, name], group, advanced, within: only, required: property.required });
  }
}

type Properties = Map<string, { schema: JsonSchema; required: boolean }>;

/** Named settings of an object, including those of its `allOf` parts. */
function propertiesOf(root: JsonSchema, schema: JsonSchema): Properties {
  const found: Properties = new Map();
  const parts = [schema, ...(Array.isArray(schema.allOf) ? schema.allOf.filter(isObject).map((s) => resolved(root, s)) : [])];
  for (const part of parts) {
    const required = new Set(Array.isArray(part.required) ? part.required : []);
    for (const [name, property] of isObject(part.properties) ? Object.entries(part.properties) : [])
      if (isObject(property)) found.set(name, { schema: property, required: required.has(name) });
  }
  return found;
}

export interface Union {
  /** The setting that selects the kind. */
  by: string;
  kinds: { value: Json; title: string | null; own: JsonSchema; properties: Properties }[];
}

/** Alternatives that are objects and differ in one setting whose value each of them fixes; null for any other schema. */
export function unionOf(root: JsonSchema, schema: JsonSchema): Union | null {
  const list = alternatives(root, schema);
  if (!list || list.length < 2) return null;
  const each = list.map((s) => propertiesOf(root, s));
  const fixed = (properties: Properties, name: string): Json[] | null => {
    const property = properties.get(name);
    const choices = property && choicesOf(root, resolved(root, property.schema));
    return choices?.length === 1 ? [choices[0]!.value] : null;
  };
  const by = [...each[0]!.keys()].find((name) => each.every((properties) => fixed(properties, name) !== null));
  if (by === undefined) return null;
  return {
    by,
    kinds: each.map((properties, i) => ({
      value: fixed(properties, by)![0]!,
      title: list[i]!.title ?? null,
      own: properties.get(by)!.schema,
      properties: new Map([...properties].filter(([name]) => name !== by)),
    })),
  };
}

const plain = <K extends RecipeField['kind']>(kind: K) => ({ kind, options: [], choices: [], items: 'text' as const });

function described(schema: JsonSchema, place: Place, nullable: string | null) {
  return {
    ...place,
    path: place.names.join('.'),
    title: titleOf(schema, place.names),
    description: schema.description ?? '',
    nullable: nullable !== null,
    default: schema.default,
    schema,
    annotations: schema,
  };
}

function kindOf(root: JsonSchema, schema: JsonSchema): Pick<RecipeField, 'kind' | 'options' | 'choices' | 'items'> {
  const choices = choicesOf(root, schema);
  if (choices?.length === 2 && choices.every((c) => typeof c.value === 'boolean')) return plain('boolean');
  if (choices) {
    const titled = choices.map(({ value, title }) => ({ value, title: titleOfChoice(schema, value) ?? title ?? bare(value) }));
    return { ...plain('choice'), options: choices.map((c) => c.value), choices: withDisabled(schema, titled) };
  }
  const simple = [...simpleKinds(root, schema)];
  const [only] = simple;
  if (only && simple.length === 1) return plain(only);
  if (simple.includes('text') && !simple.includes('boolean')) return { ...plain('text'), items: 'number' };
  if (schema.type === 'array' && isObject(schema.items) && !Array.isArray(schema.prefixItems)) {
    const [items, more] = simpleKinds(root, resolved(root, schema.items));
    if (items && more === undefined && items !== 'boolean') return { ...plain('list'), items };
  }
  return plain('json');
}

type Simple = 'integer' | 'number' | 'text' | 'boolean';

/** The simple kinds of value that a schema accepts; empty when it accepts any other kind. */
function simpleKinds(root: JsonSchema, schema: JsonSchema): Set<Simple> {
  const list = alternatives(root, schema);
  if (list) {
    const each = list.map((s) => simpleKinds(root, s));
    return each.some((s) => s.size === 0) ? new Set() : new Set(each.flatMap((s) => [...s]));
  }
  const named = schema.type ?? typesOfValues(schema);
  const kinds = (Array.isArray(named) ? named : [named]).map((type) => (type === 'string' ? 'text' : type));
  const isSimple = (k: unknown): k is Simple => k === 'integer' || k === 'number' || k === 'text' || k === 'boolean';
  return kinds.every(isSimple) ? new Set(kinds) : new Set();
}

/** Types of the values that a schema without `type` lists. */
const typesOfValues = (schema: JsonSchema): string[] =>
  schema.enum ? schema.enum.map((v) => typeof v) : schema.const === undefined ? ['any'] : [typeof schema.const];

function titleOfChoice(schema: JsonSchema, value: Json): string | null {
  const titles = schema['x-titles'];
  return titles && Object.hasOwn(titles, bare(value)) ? (titles[bare(value)] ?? null) : null;
}

function withDisabled(schema: JsonSchema, choices: Choice[]): Choice[] {
  const list = schema['x-disabled'] ?? [];
  return choices.map((choice) => {
    const off = list.find((d) => JSON.stringify(d.value) === JSON.stringify(choice.value));
    return off ? { ...choice, disabled: { reason: off.reason, help: off.help } } : choice;
  });
}

/** The values that a setting accepts, as text: "a whole number from 1 to 32". */
export const fits = (root: JsonSchema, field: RecipeField): string =>
  field.kind === 'switch'
    ? 'on or off'
    : `${describeSchema(root, field.schema)}${field.nullable ? orNull(field.annotations) : ''}`;
const orNull = (schema: JsonSchema): string => ` or null${schema['x-null'] ? ` (${schema['x-null']})` : ''}`;
