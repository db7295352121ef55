/**
 * Recipes: what a waiting trainer can train, as the trainer declares it. Server, form, command line and agents know a recipe only
 * from this declaration.
 *
 * The config schema is JSON Schema 2020-12. Annotations add what forms and checks need beyond it:
 *
 *   x-unit        "steps"
 *   x-group       heading of the form; left out: the title of the object that holds the field, or "Settings"
 *   x-usual       [low, high]: values outside are allowed but unusual
 *   x-source      source of the published value
 *   x-advanced    true: collapsed at first
 *   x-null        meaning of null, "after every epoch"
 *   x-empty       meaning of an empty text, "the built-in text"
 *   x-titles      { value: title } of an enum's choices
 *   x-onlyWhen    { field, is: [value] }: without effect, and not shown, unless the other field has one of these values
 *   x-divisibleBy path of another field that must divide this one; the error is shown at the other field
 *   x-atMost      path of another field that this one must not exceed
 *   x-disabled    [{ value, reason, help }]: choices of an enum that cannot work here
 *   x-format      "checkpoint": the hash of a checkpoint on this server; "file": a path on the trainer's machine
 *   x-flag        short name of its command line flag, "lr"
 *   x-memory      of the whole config: [{ bytes, times: [path], per: [path] }], whose sum is about the memory that a run takes (recipeMemory.ts)
 *   x-pictures    true: the choice decides which pictures people will see
 */
import { z } from 'zod';
import { actionRole, declaredName } from './controls';
import { type Config, config, type Json, jsonObject, recipeName } from './setup';

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
  'x-memory'?: MemoryTerm[];
}

/** `bytes` times the values of the settings at `times`, which may repeat one, divided by those at `per`. */
export interface MemoryTerm {
  [key: string]: Json;
  bytes: number;
  times: string[];
  per: string[];
}

export const preset = z.strictObject({
  name: z.string().regex(/^[a-z][A-Za-z0-9_.-]{0,63}$/),
  title: z.string().min(1).max(120),
  /** Complete: it fits the schema without defaults. */
  config,
  /** A new room without runs starts one run of each of these. */
  demo: z.boolean().optional(),
});
export type Preset = z.infer<typeof preset>;

export const recipeSpec = z.strictObject({
  name: recipeName,
  title: z.string().min(1).max(80),
  /** One or two sentences: what is learned, from which data. */
  summary: z.string().min(1).max(1000),
  /** A picture for the list of recipes: a data URL or the text of an SVG. */
  picture: z
    .string()
    .max(16 * 1024)
    .optional(),
  schema: jsonObject<Config>('schema', 128 * 1024).transform((schema) => schema as unknown as JsonSchema),
  /** The first is the default. */
  presets: z.array(preset).min(1).max(32),
  /**
   * Actions that the recipe's runs declare, for commands that are given with a run before its trainer has declared them; left
   * out: such commands cannot name an action.
   */
  actions: z
    .array(z.strictObject({ name: declaredName, role: actionRole }))
    .max(32)
    .optional(),
});
export type RecipeSpec = z.infer<typeof recipeSpec>;

/** A recipe as the server knows it: from a connected trainer, else as last declared. */
export interface KnownRecipe extends RecipeSpec {
  /** Trainers that have declared it. */
  trainers: { name: string; connected: boolean }[];
}

/** What is wrong with one setting of a config: its path, and a sentence. */
export interface SettingProblem {
  field: string;
  message: string;
  /** The value is a choice of the recipe, but cannot work with the trainer as it is. */
  unavailable?: true;
}
