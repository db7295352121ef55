/**
 * Checks configs against a recipe's config schema (JSON Schema 2020-12 with the annotations of shared/recipes.ts): it reports all
 * invalid settings together, each with its name, its value and what is allowed.
 */
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { unionOf } from '~/shared/recipeFields';
import { ruleErrors } from '~/shared/recipeRules';
import type { JsonSchema, SettingProblem } from '~/shared/recipes';
import { bare, describeSchema, isObject, settingAt, showValue, titleAt } from '~/shared/schemaWords';
import type { Config } from '~/shared/setup';
import { addAnnotations } from './annotations';

export interface CheckedConfig {
  /** A copy, with the schema's defaults for missing settings. */
  config: Config;
  /** At most one for each setting; none: the config is valid. */
  problems: SettingProblem[];
}

export interface RecipeSchema {
  check(config: Config): CheckedConfig;
}

const mostProblems = 100;
/** Knows the meta-schema, so that each recipe's own instance need not. */
const specification = new Ajv2020({ strict: false, logger: false });

/** @returns the compiled schema, or one sentence on what is wrong with it */
export function compileRecipeSchema(schema: JsonSchema): RecipeSchema | string {
  // The validator ignores that name, so a config with it could not be checked.
  if (JSON.stringify(schema).includes('"__proto__":')) return 'a setting of a recipe cannot be called __proto__';
  try {
    if (!specification.validateSchema(schema)) {
      const [first] = specification.errors ?? [];
      return `it is not a JSON Schema 2020-12: ${first?.instancePath || 'the schema'} ${first?.message ?? 'does not fit'}`;
    }
    const ajv = new Ajv2020({
      strict: false,
      logger: false,
      allErrors: true,
      // Errors carry the schema and the value that they are about.
      verbose: true,
      useDefaults: true,
      validateSchema: false,
      // Names of settings are data: "constructor" is missing unless the config has it.
      ownProperties: true,
    });
    addFormats.default(ajv);
    addAnnotations(ajv);
    const validate = ajv.compile(schema);
    return {
      check(given) {
        const config = structuredClone(given);
        const misfits = validate(config) ? [] : problemsOf(schema, validate.errors ?? []);
        const said = new Set(misfits.map((p) => p.field));
        const broken = ruleErrors(schema, config).filter((p) => !said.has(p.field));
        return { config, problems: [...misfits, ...broken].slice(0, mostProblems) };
      },
    };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function problemsOf(root: JsonSchema, errors: readonly ErrorObject[]): SettingProblem[] {
  const found = new Map<string, SettingProblem>();
  for (const error of withoutAlternatives(errors)) {
    const problem = problemOf(root, error);
    if (!found.has(problem.field)) found.set(problem.field, problem);
  }
  return [...found.values()];
}

/**
 * When a value matches none of several alternatives, each alternative is an error and so is the whole. Reported is: for a group
 * of settings whose kind is fixed by a setting (const), the errors in that kind; for anything else, that no alternative matches.
 */
function withoutAlternatives(errors: readonly ErrorObject[]): ErrorObject[] {
  let kept = [...errors];
  for (const whole of errors) {
    if ((whole.keyword !== 'anyOf' && whole.keyword !== 'oneOf') || !kept.includes(whole)) continue;
    const inside = (e: ErrorObject, branch = '') => e !== whole && e.schemaPath.startsWith(`${whole.schemaPath}/${branch}`);
    const branch = branchOf(whole);
    kept = kept.filter((e) => (branch === null ? !inside(e) : e !== whole && (!inside(e) || inside(e, `${branch}/`))));
  }
  // "if" only says that `then` or `else` failed, which is reported as well.
  return kept.filter((e) => e.keyword !== 'if');
}

/** The alternative that the value selects; null when none, or more than one. */
function branchOf({ schema, data }: ErrorObject): number | null {
  if (!isObject(data) || !Array.isArray(schema)) return null;
  const meant = schema.flatMap((s: unknown, i) => {
    const fixed = Object.entries((isObject(s) && s.properties) || {}).filter(([, p]) => p.const !== undefined);
    return fixed.length > 0 && fixed.every(([name, p]) => Object.hasOwn(data, name) && data[name] === p.const) ? [i] : [];
  });
  return meant.length === 1 ? meant[0]! : null;
}

function problemOf(root: JsonSchema, error: ErrorObject): SettingProblem {
  const names = namesOf(error.instancePath);
  const schema = (error.parentSchema ?? {}) as JsonSchema;
  const of = (more: string[], words: string): SettingProblem => {
    const at = [...names, ...more];
    return { field: at.join('.'), message: `${titleAt(root, at)}: ${words}` };
  };
  switch (error.keyword) {
    case 'required':
    case 'dependentRequired': {
      const name = String(error.params.missingProperty);
      const wanted = schema.properties && Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
      return of([name], `it is missing; give ${wanted ? describeSchema(root, wanted) : 'a value'}`);
    }
    case 'additionalProperties':
    case 'unevaluatedProperties': {
      const name = String(error.params.additionalProperty ?? error.params.unevaluatedProperty);
      const has = Object.keys(schema.properties ?? {}).join(', ') || 'no settings';
      return of([name], `there is no such setting; ${names.join('.') || 'the config'} has ${has}`);
    }
    case 'propertyNames':
      return of([], `the name ${showValue(error.params.propertyName)} does not fit`);
    default: {
      const kind = isObject(error.data) ? unionOf(root, schema) : null;
      if (kind) {
        const value = Object.hasOwn(error.data as object, kind.by) ? given((error.data as Config)[kind.by]) : 'it is missing';
        return of([kind.by], `${value}; give one of ${kind.kinds.map((k) => bare(k.value)).join(', ')}`);
      }
      const fitting = Object.keys(schema).length > 0 ? schema : (settingAt(root, names) ?? {});
      return of([], `${given(error.data)}; give ${describeSchema(root, fitting)}`);
    }
  }
}

const given = (value: unknown): string => (value === '' ? 'nothing is given' : `${showValue(value)} does not fit`);

/** A JSON pointer as names: "/model/heads" -> ["model", "heads"]. */
const namesOf = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));
