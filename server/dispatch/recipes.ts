/**
 * The recipes that trainers declare. Known recipes are stored, so that a run can be queued while no trainer is connected. Configs
 * are checked here, when a run is requested and when a trainer is about to get it.
 */
import { FieldError } from '~/server/base/fieldError';
import type { Store } from '~/server/store';
import type { Refusal } from '~/shared/commands';
import { blobHash } from '~/shared/ids';
import { fieldsOf } from '~/shared/recipeFields';
import type { KnownRecipe, RecipeSpec, SettingProblem } from '~/shared/recipes';
import { refuse } from '~/shared/refusals';
import { type Config, type RunSetup, valueNamed } from '~/shared/setup';
import { compileRecipeSchema, type RecipeSchema } from './recipeSchema';

/** A trainer and its declarations, as of now. */
export interface DeclaringTrainer {
  name: string;
  connected: boolean;
  recipes: readonly RecipeSpec[];
}

export interface RecipesDeps {
  store: Pick<Store, 'setting' | 'setSetting'>;
  trainers(): DeclaringTrainer[];
  hasBlob(hash: string): Promise<boolean>;
  /** ms since 1970 */
  now(): number;
  onError(error: unknown): void;
}

interface Remembered {
  spec: RecipeSpec;
  /** Names of trainers that have declared it, and when each last did. */
  trainers: { name: string; at: number }[];
}

/** Setting of the store that keeps what trainers have declared. */
export const recipesSetting = 'recipes';
export const rememberedRecipes = (kept: string | null): Remembered[] => (kept === null ? [] : (JSON.parse(kept) as Remembered[]));
/** Most stored recipes; the newest are kept. */
const mostRecipes = 200;
const mostTrainers = 50;
const mostLetters = 8 * 1024 * 1024;

export class Recipes {
  /** By name, the one declared last at the end. */
  readonly #remembered: Map<string, Remembered>;
  readonly #schemas = new Schemas();
  /** With all of their settings. */
  readonly #presets = new WeakMap<RecipeSpec, RecipeSpec['presets']>();
  readonly #listeners = new Set<() => void>();
  #saving: Promise<void> = Promise.resolve();

  private constructor(
    private readonly deps: RecipesDeps,
    remembered: readonly Remembered[],
  ) {
    this.#remembered = new Map(remembered.map((r) => [r.spec.name, r]));
  }

  static async open(deps: RecipesDeps): Promise<Recipes> {
    return new Recipes(deps, rememberedRecipes(await deps.store.setting(recipesSetting)));
  }

  /** Records the recipes that a trainer offers when it registers. @returns null, or what is wrong with one of them */
  declared(trainer: string, specs: readonly RecipeSpec[]): Refusal | null {
    const names = new Set<string>();
    for (const [i, { name, schema, presets }] of specs.entries()) {
      const field = `recipes.${i}`;
      if (names.has(name)) return refuse('invalid', `${field}.name: ${name} is declared twice`, `${field}.name`);
      names.add(name);
      const compiled = this.#schemas.of(schema);
      if (typeof compiled === 'string')
        return refuse('invalid', `${field}.schema: the recipe ${name} cannot be used: ${compiled}`, `${field}.schema`);
      for (const [k, preset] of presets.entries()) {
        const [problem] = compiled.check(preset.config).problems.filter((p) => !p.unavailable);
        if (!problem) continue;
        const at = `${field}.presets.${k}.config.${problem.field}`;
        return refuse('invalid', `${at}: the recipe ${name}: ${problem.message}`, at);
      }
    }
    for (const spec of specs) {
      const others = this.#remembered.get(spec.name)?.trainers.filter((t) => t.name !== trainer) ?? [];
      this.#remembered.delete(spec.name);
      this.#remembered.set(spec.name, {
        spec,
        trainers: [...others, { name: trainer, at: this.deps.now() }].slice(-mostTrainers),
      });
    }
    if (specs.length === 0) return null;
    this.#save();
    for (const listener of this.#listeners) listener();
    return null;
  }

  /** Called whenever a trainer has declared recipes. @returns stop */
  onDeclared(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Every known recipe, those of connected trainers first. */
  list(): KnownRecipe[] {
    const known = [...this.#remembered.values()].map(({ spec, trainers }): KnownRecipe => {
      const here = this.#having(spec.name);
      const names = new Set([...here.map((t) => t.name), ...trainers.map((t) => t.name)]);
      const declared = here.length > 0 ? this.#easiest(here.map((t) => t.spec)) : spec;
      const { picture, ...shown } = declared;
      return {
        ...shown,
        ...(picture !== undefined && { picture }),
        presets: this.#completedPresets(declared),
        trainers: [...names].map((name) => ({ name, connected: here.some((t) => t.name === name && t.connected) })),
      };
    });
    const connected = (r: KnownRecipe) => r.trainers.some((t) => t.connected);
    return known.sort((a, b) => Number(connected(b)) - Number(connected(a)));
  }

  /**
   * Checks a requested run: problems by field of the setup ("recipe.name", "config.model.heads"); none: some trainer, connected
   * or known from before, would accept it.
   * @returns config: with the schema's defaults for missing settings
   */
  async check(setup: Pick<RunSetup, 'recipe' | 'config'>): Promise<{ config: Config; problems: SettingProblem[] }> {
    const { recipe, config } = setup;
    const fail = (field: string, message: string) => ({ config, problems: [{ field, message }] });
    if (recipe === null)
      return fail('recipe', 'recipe: a run without one is opened by its own script; give the name of a recipe');
    const known = this.#remembered.get(recipe.name);
    if (!known) {
      const names = [...this.#remembered.keys()];
      const there = names.length === 0 ? 'no trainer has declared any yet' : `there are ${names.join(', ')}`;
      return fail('recipe.name', `recipe: there is no recipe ${JSON.stringify(recipe.name)}; ${there}`);
    }
    const here = this.#having(recipe.name);
    const asked = here.filter((t) => recipe.trainer === null || t.name === recipe.trainer);
    if (recipe.trainer !== null && asked.length === 0 && !known.trainers.some((t) => t.name === recipe.trainer)) {
      const names = [...new Set([...here, ...known.trainers].map((t) => t.name))].join(', ');
      return fail(
        'recipe.trainer',
        `trainer: no trainer ${JSON.stringify(recipe.trainer)} has the recipe ${recipe.name}; there are ${names}`,
      );
    }
    const specs = asked.length > 0 ? asked.map((t) => t.spec) : [known.spec];
    const compiled = new Set(specs.map((spec) => this.#schemas.of(spec.schema)));
    const answers = [...compiled].flatMap((schema) => (typeof schema === 'string' ? [] : [schema.check(config)]));
    const [best] = answers.sort((a, b) => a.problems.length - b.problems.length);
    if (!best)
      return fail('recipe.name', `recipe: the schema of ${recipe.name} cannot be used any more; start a trainer that has it`);
    const fields = fieldsOf(specs[0]!.schema).filter((f) => f.annotations['x-format'] === 'checkpoint');
    const missing: SettingProblem[] = [];
    for (const { path, names, title } of fields) {
      const hash = blobHash.safeParse(valueNamed(best.config, names));
      if (hash.success && !(await this.deps.hasBlob(hash.data)))
        missing.push({ field: path, message: `${title}: there is no checkpoint ${hash.data} here; choose one that is kept` });
    }
    const problems = [...best.problems, ...missing].map((p) => ({
      ...p,
      field: p.field === '' ? 'config' : `config.${p.field}`,
    }));
    return { config: best.config, problems };
  }

  /** Why a trainer with these recipes cannot train the run; null = it can. */
  refusal(trainer: Pick<DeclaringTrainer, 'name' | 'recipes'>, { recipe, config }: RunSetup): string | null {
    if (recipe === null) return 'the run belongs to the script that opened it';
    if (recipe.trainer !== null && recipe.trainer !== trainer.name)
      return `${trainer.name} is not ${recipe.trainer}, which the run asks for`;
    const spec = trainer.recipes.find((r) => r.name === recipe.name);
    if (!spec) return `${trainer.name} does not have the recipe ${recipe.name}`;
    const problem = this.#schemas.firstProblem(spec, config);
    return problem === null ? null : `${trainer.name} does not accept the config: ${problem}`;
  }

  /** Resolves when all declarations are stored. */
  idle(): Promise<void> {
    return this.#saving;
  }

  #having(name: string): { name: string; connected: boolean; spec: RecipeSpec }[] {
    return this.deps.trainers().flatMap((t) => {
      const spec = t.recipes.find((r) => r.name === name);
      return spec ? [{ name: t.name, connected: t.connected, spec }] : [];
    });
  }

  #completedPresets(spec: RecipeSpec): RecipeSpec['presets'] {
    let completed = this.#presets.get(spec);
    if (!completed) {
      const compiled = this.#schemas.of(spec.schema);
      completed = spec.presets.map((preset) =>
        typeof compiled === 'string' ? preset : { ...preset, config: compiled.check(preset.config).config },
      );
      this.#presets.set(spec, completed);
    }
    return completed;
  }

  /**
   * Of several declarations of one recipe, the one that disables the fewest choices: what only one trainer can do is offered too.
   */
  #easiest(specs: readonly RecipeSpec[]): RecipeSpec {
    const schemas = new Set<unknown>();
    const different = specs.filter(({ schema }) => {
      const compiled = this.#schemas.of(schema);
      return !schemas.has(compiled) && schemas.add(compiled);
    });
    if (different.length === 1) return different[0]!;
    const off = (spec: RecipeSpec) => fieldsOf(spec.schema).flatMap((f) => f.choices.filter((c) => c.disabled)).length;
    return different.reduce((best, spec) => (off(spec) < off(best) ? spec : best));
  }

  #save(): void {
    const kept: string[] = [];
    let letters = 0;
    for (const recipe of [...this.#remembered.values()].slice(-mostRecipes).reverse()) {
      const text = JSON.stringify(recipe);
      letters += text.length;
      if (letters <= mostLetters) kept.unshift(text);
    }
    const text = `[${kept.join(',')}]`;
    this.#saving = this.#saving.then(() => this.deps.store.setSetting(recipesSetting, text)).catch(this.deps.onError);
  }
}

/** An invalid setup: the message names every problem, `field` is that of the first one. */
export class SetupError extends FieldError {
  override name = 'SetupError';
  /** @param problems at least one; fields of the setup */
  constructor(problems: readonly SettingProblem[]) {
    const named = problems.map((p) => ({ ...p, field: `setup.${p.field}` }));
    super(named[0]!.field, named.map((p, i) => (i === 0 ? p.message : `${p.field}: ${p.message}`)).join('; '));
    this.problems = named;
  }
  readonly problems: readonly SettingProblem[];
}

/** Compiled schemas, by their text: trainers on many machines declare the same one. */
const compiledSchemas = new Map<string, RecipeSchema | string>();

class Schemas {
  readonly #texts = new WeakMap<object, string>();
  readonly #judged = new WeakMap<RecipeSchema, WeakMap<Config, string | null>>();

  of(schema: RecipeSpec['schema']): RecipeSchema | string {
    let text = this.#texts.get(schema);
    if (text === undefined) {
      text = JSON.stringify(schema);
      this.#texts.set(schema, text);
    }
    let compiled = compiledSchemas.get(text);
    if (compiled === undefined) {
      compiled = compileRecipeSchema(schema);
      compiledSchemas.set(text, compiled);
      const [oldest] = compiledSchemas.keys();
      if (compiledSchemas.size > mostRecipes && oldest !== undefined) compiledSchemas.delete(oldest);
    }
    return compiled;
  }

  /** The queue is searched often: a config is checked only once for all trainers that declare the same schema. */
  firstProblem({ schema }: RecipeSpec, config: Config): string | null {
    const compiled = this.of(schema);
    if (typeof compiled === 'string') return compiled;
    let judged = this.#judged.get(compiled);
    if (!judged) {
      judged = new WeakMap();
      this.#judged.set(compiled, judged);
    }
    let problem = judged.get(config);
    if (problem === undefined) {
      problem = compiled.check(config).problems[0]?.message ?? null;
      judged.set(config, problem);
    }
    return problem;
  }
}
