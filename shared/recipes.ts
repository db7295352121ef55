/**
 * Recipes: what a waiting trainer can train, as it declares it. Server, form, command line and agents know a recipe only through this.
 *
 * The config schema is JSON Schema 2020-12. What a form or a check needs beyond it stands in annotations:
 *
 *   x-unit        "steps"
 *   x-group       heading of the form; left out: the title of the object that holds the field, or "Run"
 *   x-usual       [low, high]: values outside are allowed, but worth a second look
 *   x-source      where the published value comes from
 *   x-advanced    true: folded away at first
 *   x-null        what null means, "after every epoch"
 *   x-empty       what an empty text means, "the built-in text"
 *   x-titles      { value: title } of an enum's choices
 *   x-onlyWhen    { field, is: [value] }: without effect, and not shown, unless the other field has one of these values
 *   x-divisibleBy path of another field that must divide this one; the error stands at the other field
 *   x-atMost      path of another field that this one must not exceed
 *   x-disabled    [{ value, reason, help }]: choices of an enum that cannot work here
 *   x-format      "checkpoint": the hash of a checkpoint that is kept here; "file": a path on the trainer's machine
 *   x-flag        short name of its command line flag, "lr"
 *   x-pictures    true: the choice says which pictures people will see
 */
import { z } from 'zod';
import { type Config, config, type Json, jsonObject, recipeName, valueAt } from './setup';

export interface JsonSchema {
  [key: string]: Json | undefined | JsonSchema | Record<string, JsonSchema> | JsonSchema[];
  type?: string | string[];
  title?: string;
  description?: string;
  default?: Json;
  enum?: Json[];
  const?: Json;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  anyOf?: JsonSchema[];
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  'x-unit'?: string;
  'x-group'?: string;
  'x-usual'?: [number, number];
  'x-source'?: string;
  'x-advanced'?: boolean;
  'x-null'?: string;
  'x-empty'?: string;
  'x-titles'?: { [value: string]: string };
  'x-onlyWhen'?: { field: string; is: Json[] };
  'x-divisibleBy'?: string;
  'x-atMost'?: string;
  'x-disabled'?: { value: Json; reason: string; help: string }[];
  'x-flag'?: string;
  'x-format'?: string;
  'x-pictures'?: boolean;
}

export const preset = z.strictObject({
  name: z.string().regex(/^[a-z][A-Za-z0-9_.-]{0,63}$/),
  title: z.string().min(1).max(120),
  /** Complete: it fits the schema as it stands. */
  config,
  /** A new room without runs begins with one run of each of these. */
  demo: z.boolean().optional(),
});
export type Preset = z.infer<typeof preset>;

export const recipeSpec = z.strictObject({
  name: recipeName,
  title: z.string().min(1).max(80),
  /** One or two sentences: what is learned, from what. */
  summary: z.string().min(1).max(1000),
  /** A picture for the choice of recipes: a data URL or the text of an SVG. */
  picture: z
    .string()
    .max(16 * 1024)
    .optional(),
  schema: jsonObject<Config>('schema', 128 * 1024).transform((schema) => schema as unknown as JsonSchema),
  /** The first is the default. */
  presets: z.array(preset).min(1).max(32),
});
export type RecipeSpec = z.infer<typeof recipeSpec>;

/** One value of a config, as forms and flags see it. */
export interface RecipeField {
  /** "optimizer.learningRate" */
  path: string;
  title: string;
  description: string;
  kind: 'integer' | 'number' | 'boolean' | 'text' | 'choice' | 'json';
  /** Of a `choice`. */
  options: readonly Json[];
  nullable: boolean;
  required: boolean;
  group: string;
  default: Json | undefined;
  /** Its own schema, without the "or null" around it; annotations may stand there or in `annotations`. */
  schema: JsonSchema;
  /** Annotations of both levels. */
  annotations: JsonSchema;
}

/** The fields of a config schema in order: every value that is not itself an object with declared properties. */
export function fieldsOf(schema: JsonSchema, prefix = '', group = 'Run'): RecipeField[] {
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties ?? {}).flatMap(([key, outer]) => {
    const path = prefix + key;
    const { inner, nullable } = withoutNull(outer);
    const annotations: JsonSchema = { ...inner, ...outer };
    const named = annotations['x-group'] ?? group;
    if (inner.properties) return fieldsOf(inner, `${path}.`, annotations['x-group'] ?? annotations.title ?? named);
    return [
      {
        path,
        title: annotations.title ?? key,
        description: annotations.description ?? '',
        kind: kindOf(inner),
        options: inner.enum ?? [],
        nullable,
        required: required.has(key),
        group: named,
        default: annotations.default,
        schema: inner,
        annotations,
      },
    ];
  });
}

function withoutNull(schema: JsonSchema): { inner: JsonSchema; nullable: boolean } {
  const others = schema.anyOf?.filter((s) => s.type !== 'null');
  if (schema.anyOf && others?.length === 1 && schema.anyOf.length === 2) return { inner: others[0]!, nullable: true };
  if (Array.isArray(schema.type) && schema.type.length === 2 && schema.type.includes('null'))
    return { inner: { ...schema, type: schema.type.find((t) => t !== 'null')! }, nullable: true };
  return { inner: schema, nullable: false };
}

function kindOf({ type, enum: options }: JsonSchema): RecipeField['kind'] {
  if (options) return 'choice';
  if (type === 'integer' || type === 'number' || type === 'boolean') return type;
  return type === 'string' ? 'text' : 'json';
}

export interface FieldError {
  field: string;
  message: string;
}

/** What breaks the rules that JSON Schema cannot say: x-divisibleBy, x-atMost, x-disabled. The config fits the schema otherwise. */
export function ruleErrors(schema: JsonSchema, values: Config): FieldError[] {
  const fields = fieldsOf(schema);
  const titleOf = (path: string) => fields.find((f) => f.path === path)?.title ?? path;
  return fields.flatMap(({ path, title, annotations }): FieldError[] => {
    const value = valueAt(values, path);
    const fail = (message: string) => [{ field: path, message: `${title}: ${message}` }];
    const disabled = annotations['x-disabled']?.find((d) => d.value === value);
    if (disabled) return fail(`${JSON.stringify(value)} cannot be used: ${disabled.reason}. ${disabled.help}`);
    if (typeof value !== 'number') return [];
    const divisor = annotations['x-divisibleBy'];
    const by = divisor === undefined ? undefined : valueAt(values, divisor);
    if (typeof by === 'number' && value % by !== 0)
      return [{ field: divisor!, message: `${titleOf(divisor!)}: ${by} must divide ${title} (${value})` }];
    const limit = annotations['x-atMost'];
    const most = limit === undefined ? undefined : valueAt(values, limit);
    if (typeof most === 'number' && value > most) return fail(`${value} is more than ${titleOf(limit!)} (${most})`);
    return [];
  });
}
