import { numberTyped } from '~/app/_components/numberTyped';
import type { RecipeField } from '~/shared/recipeFields';
import { bare } from '~/shared/schemaWords';
import { type Config, type Json, valueNamed } from '~/shared/setup';
import { unsure } from './several';

/** Texts of the new-run form's fields, by the path of each setting. Only the server validates them. */
export type Texts = ReadonlyMap<string, string>;

/** A config as the form's texts. */
export const textsOf = (fields: readonly RecipeField[], config: Config): Texts =>
  new Map(fields.map((field) => [field.path, textOf(field, valueNamed(config, field.names))]));

function textOf(field: RecipeField, value: Json | undefined): string {
  if (field.kind === 'switch') return String(value !== undefined && value !== null);
  if (value === undefined || value === null) return '';
  if (field.kind === 'list' && Array.isArray(value)) return value.map(bare).join(', ');
  if (field.kind === 'json') return JSON.stringify(value, null, 2);
  return bare(value);
}

/** The config that the texts describe. Text that does not parse stays text, so that the server can say what is allowed. */
export function configOf(fields: readonly RecipeField[], texts: Texts): Config {
  const config: Config = {};
  for (const field of fields) {
    if (!exists(field, fields, texts)) continue;
    const value = valueTyped(field, texts.get(field.path) ?? '');
    if (value !== undefined) put(config, field.names, value);
  }
  return config;
}

/** Whether the config has the setting, given the others: its variant of a union is chosen, its optional group is on. */
export const exists = (field: RecipeField, fields: readonly RecipeField[], texts: Texts): boolean =>
  field.within.every(({ path, is }) => same(valueAt(path, fields, texts), is));

/** Whether the setting has an effect, given the others; otherwise it is kept but hidden. */
export function isShown(field: RecipeField, fields: readonly RecipeField[], texts: Texts): boolean {
  const only = field.annotations['x-onlyWhen'];
  if (!exists(field, fields, texts)) return false;
  if (!only) return true;
  const value = valueAt(only.field, fields, texts);
  return only.is.some((is) => same(value, is));
}

function valueAt(path: string, fields: readonly RecipeField[], texts: Texts): Json | undefined {
  const field = fields.find((f) => f.path === path);
  const text = texts.get(path);
  if (!field || text === undefined) return undefined;
  return field.kind === 'switch' ? text === 'true' : valueTyped(field, text);
}

const same = (a: Json | undefined, b: Json): boolean => JSON.stringify(a) === JSON.stringify(b);

/** undefined: the setting is left out. */
export function valueTyped(field: RecipeField, text: string): Json | undefined {
  if (field.kind === 'switch') return text === 'true' ? {} : field.nullable ? null : undefined;
  const typed = text.trim();
  if (typed === '') return field.nullable ? null : field.required ? emptyOf(field) : undefined;
  switch (field.kind) {
    case 'integer':
    case 'number':
      return unsure(typed) ? typed : numberOr(typed);
    case 'boolean':
      return typed === 'true' ? true : typed === 'false' ? false : typed;
    case 'choice': {
      const choice = field.choices.find((c) => bare(c.value) === typed);
      return choice ? choice.value : typed;
    }
    case 'list':
      return typed
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '')
        .map((item) => (field.items === 'text' ? item : numberOr(item)));
    case 'json':
      return jsonOr(text);
    case 'text':
      return field.items === 'number' ? numberOr(typed) : text;
  }
}

const emptyOf = ({ kind }: RecipeField): Json => (kind === 'list' ? [] : '');

const numberOr = (text: string): number | string => numberTyped(text) ?? text;

function jsonOr(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

/** Names are data: "__proto__" becomes a setting like any other. */
function put(config: Config, names: readonly string[], value: Json): void {
  let here: Config = config;
  for (const name of names.slice(0, -1)) {
    if (!Object.hasOwn(here, name)) define(here, name, {});
    here = here[name] as Config;
  }
  const last = names.at(-1)!;
  // A group that is on may have settings already.
  if (!Object.hasOwn(here, last)) define(here, last, value);
}

const define = (at: Config, name: string, value: Json) =>
  Object.defineProperty(at, name, { value, enumerable: true, configurable: true, writable: true });
