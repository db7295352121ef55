/**
 * A run's config as a flat list, from recipes and scripts alike: titles come from the recipe's schema where it is known, else the
 * path is the title. Pure.
 */
import { fieldsOf, type RecipeField } from './recipeFields';
import type { JsonSchema } from './recipes';
import { bare, isObject } from './schemaWords';
import type { Config, Json } from './setup';

export interface Setting {
  /** Names from the top of the config down, joined by dots. */
  path: string;
  label: string;
  /** '' when not declared. */
  group: string;
  value: Json;
  /** The value as shown to people. */
  text: string;
  unit: string | null;
}

/** Every leaf value of a config: [path, value], in the config's own order. A list is one value. */
export function valuesOf(config: Config, prefix = ''): [path: string, value: Json][] {
  return Object.entries(config).flatMap(([name, value]): [string, Json][] =>
    isObject(value) && Object.keys(value).length > 0 ? valuesOf(value as Config, `${prefix}${name}.`) : [[prefix + name, value]],
  );
}

/** A run's initial settings; settings of the schema come first, in its order. `schema` null = not known. */
export function settingsOf(config: Config, schema: JsonSchema | null): Setting[] {
  const names = schema ? namesOfFields(fieldsOf(schema)) : new Map<string, Named>();
  const values = new Map(valuesOf(config));
  const known = [...names.keys()].filter((path) => values.has(path));
  const others = [...values.keys()].filter((path) => !names.has(path));
  return [...known, ...others].map((path) => {
    const value = values.get(path)!;
    const named = names.get(path);
    const text = named ? textOf(named.fields, value) : bare(value);
    const [field] = named?.fields ?? [];
    const unit = field?.annotations['x-unit'] ?? null;
    return { path, label: named?.label ?? path, group: field?.group ?? '', value, text, unit };
  });
}

interface Named {
  /** More than one where kinds of a union share a name. */
  fields: RecipeField[];
  label: string;
}

/** Settings with the same title are distinguished by their groups. */
function namesOfFields(fields: readonly RecipeField[]): Map<string, Named> {
  const named = new Map<string, Named>();
  for (const field of fields) {
    const known = named.get(field.path);
    if (known) known.fields.push(field);
    else named.set(field.path, { fields: [field], label: field.title });
  }
  const shared = new Set<string>();
  const seen = new Set<string>();
  for (const { label } of named.values()) (seen.has(label) ? shared : seen).add(label);
  for (const n of named.values()) if (shared.has(n.label)) n.label = `${n.fields[0]!.group}: ${n.label}`;
  return named;
}

function textOf(fields: readonly RecipeField[], value: Json): string {
  const field = fields[0]!;
  if (value === null) return field.annotations['x-null'] ?? 'none';
  if (value === '' && field.annotations['x-empty']) return field.annotations['x-empty'];
  const choice = fields.flatMap((f) => f.choices).find((c) => JSON.stringify(c.value) === JSON.stringify(value));
  if (choice) return choice.title;
  return Array.isArray(value) ? value.map(bare).join(', ') : bare(value);
}
