/** The parts of a recipe. `defineRecipe` makes a recipe, in this folder or in a team's own module (README.md). */
import { z } from 'zod';
import { ruleErrors } from '~/shared/recipeRules';
import { type JsonSchema, type MemoryTerm, type RecipeSpec, recipeSpec } from '~/shared/recipes';
import type { Config, Json } from '~/shared/setup';
import { ConfigError, type RunConfig } from '~/trainer/base/config';
import { pauseAction } from '~/trainer/base/pauseAction';
import type { Task } from '~/trainer/types';

export interface RecipeDefinition<C extends RunConfig> {
  /** Name in runs, flags and scripts, "my-recipe": a lowercase letter, then letters, digits and _ . - */
  name: string;
  /** Title for people. */
  title: string;
  /** One or two sentences: what is learned, from which data. */
  summary: string;
  /** A data URL or the text of an SVG, at most 16 kB. */
  picture?: string;
  /** Made by `recipeConfig(z.strictObject({ ... }))`; title, description and x-annotations (shared/recipes.ts) by `.meta({ ... })` on each field. */
  config: z.ZodType<C>;
  /** Complete configs by name. The first is the default: forms and flags start from it. `demo`: a new server begins with a run of this preset. */
  presets: readonly [Preset<C>, ...Preset<C>[]];
  /** About how much memory a run takes, for the form of a new run; `networkMemory` gives it for the built-in network. Left out: nothing is said. */
  memory?: MemoryTerm[];
  /**
   * Prepares the examples. Called once per run, before its first step.
   * @param seed the config's seed, u32: draw all random numbers from it (trainer/nn/random.ts), so that a run can be repeated bit for bit
   * @param dataFolder folder of prepared data (`HEADROOM_DATA`)
   * @throws Error whose message tells the person who started the run what would help
   */
  open(setup: { config: C; seed: number; dataFolder: string }): Task | Promise<Task>;
}

export interface Preset<C> {
  name: string;
  title: string;
  config: C;
  demo?: boolean;
}

const mark = Symbol.for('headroom.recipe');

/** A recipe ready to be offered and run. */
export interface Recipe {
  /** The declaration that a trainer sends to the server. */
  readonly spec: RecipeSpec;
  /** @throws ConfigError naming every field that does not fit */
  parse(config: unknown): RunConfig;
  /** @throws Error when its data is missing or broken, naming what would help */
  open(config: RunConfig, dataFolder: string): Promise<Task>;
}

/**
 * Checks a definition and makes its JSON schema.
 *
 * @throws Error naming the recipe and its invalid part: a name, or a preset that does not fit the schema
 */
export function defineRecipe<C extends RunConfig>(definition: RecipeDefinition<C>): Recipe {
  const { name, title, summary, picture, config, presets, memory, open } = definition;
  const schema = {
    ...withDefaults(z.toJSONSchema(config, { unrepresentable: 'any' }) as JsonSchema, presets[0].config as unknown as Config),
    ...(memory && { 'x-memory': memory }),
  };
  const parse = (given: unknown): C => {
    const parsed = config.safeParse(given);
    if (!parsed.success)
      throw new ConfigError(parsed.error.issues.map((i) => ({ field: i.path.join('.') || 'config', message: i.message })));
    const broken = ruleErrors(schema, parsed.data as unknown as Config);
    if (broken.length > 0) throw new ConfigError(broken);
    return parsed.data;
  };
  const checked = recipeSpec.safeParse({
    name,
    title,
    summary,
    ...(picture !== undefined && { picture }),
    schema,
    presets: presets.map(({ name, title, config, demo }) => ({ name, title, config, ...(demo && { demo }) })),
    actions: [pauseAction],
  });
  if (!checked.success) {
    const issues = checked.error.issues.map((i) => `${i.path.join('.')}: ${i.message}`);
    throw new Error(`recipe ${JSON.stringify(name)}: ${issues.join('; ')}`);
  }
  for (const preset of presets)
    try {
      parse(preset.config);
    } catch (error) {
      throw new Error(`recipe ${JSON.stringify(name)}, preset ${JSON.stringify(preset.name)}: ${(error as Error).message}`);
    }
  const recipe: Recipe = {
    spec: checked.data,
    parse,
    open: async (given, dataFolder) => {
      const fitting = parse(given);
      return open({ config: fitting, seed: fitting.seed, dataFolder });
    },
  };
  return Object.defineProperty(recipe, mark, { value: true });
}

/** Whether a module's export was made by `defineRecipe`. */
export const isRecipe = (value: unknown): value is Recipe =>
  typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[mark] === true;

/** The schema with the values of the default preset as field defaults. */
function withDefaults(schema: JsonSchema, values: Config): JsonSchema {
  const properties = Object.entries(schema.properties ?? {}).map(([key, field]): [string, JsonSchema] => {
    const value = Object.hasOwn(values, key) ? (values[key] as Json) : undefined;
    if (field.properties) return [key, withDefaults(field, (value ?? {}) as Config)];
    return [key, value === undefined || field.default !== undefined ? field : { ...field, default: value }];
  });
  return { ...schema, properties: Object.fromEntries(properties) };
}
