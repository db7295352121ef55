import { z } from 'zod';
import { chosenName, seen } from './ids';
import { isObject } from './own';
import { longestTag, mostTags } from './tags';

/** Any JSON value. Keys are the user's: data, never looked up on a prototype. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** Values nested deeper than this are refused. */
const maxDepth = 32;

/** Whether a value is JSON; the value is not copied, so keys such as "__proto__" stay as they are. */
export function isJson(value: unknown, depth = 0): value is Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || depth >= maxDepth) return false;
  if (Array.isArray(value)) return value.every((item) => isJson(item, depth + 1));
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  return Object.values(value).every((item) => isJson(item, depth + 1));
}

export type Config = { [key: string]: Json };

/** Most bytes of a config as JSON text. */
export const MAX_CONFIG_BYTES = 64 * 1024;

/** A JSON object of at most `maxBytes` as text; a larger one is refused with its size. */
export const jsonObject = <T extends Config>(what: string, maxBytes: number) =>
  z
    .custom<T>((value) => isObject(value) && isJson(value), `${what}: a JSON object is needed`)
    .superRefine((value, ctx) => {
      const bytes = new TextEncoder().encode(JSON.stringify(value)).length;
      if (bytes > maxBytes)
        ctx.addIssue({
          code: 'custom',
          message: `${what}: ${bytes} bytes as JSON; at most ${maxBytes} fit`,
        });
    });

/** The settings of a run: a recipe's config, or a script's own settings. */
export const config = jsonObject<Config>('config', MAX_CONFIG_BYTES);

/** The settings of a program that may send too many: then the largest are left out, and named in the setting "left out". */
export function fittedConfig(given: Config): Config {
  const bytes = (value: Json) => new TextEncoder().encode(JSON.stringify(value)).length;
  if (bytes(given) <= MAX_CONFIG_BYTES) return given;
  // Room for the names of those that are left out.
  const sizes = new Map(Object.entries(given).map(([name, value]) => [name, bytes({ [name]: value })]));
  let left = MAX_CONFIG_BYTES - 4096;
  const kept = new Set<string>();
  for (const [name, size] of [...sizes].sort(([, a], [, b]) => a - b)) {
    left -= size;
    if (left >= 0) kept.add(name);
  }
  const lost = [...sizes.keys()].filter((name) => !kept.has(name)).map((name) => name.slice(0, 100));
  return { ...Object.fromEntries(Object.entries(given).filter(([name]) => kept.has(name))), 'left out': lost.slice(0, 20) };
}

export const recipeName = z
  .string()
  .regex(/^[a-z][A-Za-z0-9_.-]{0,63}$/, 'a recipe name begins with a small letter; letters, digits and _ . - may follow');

export const tag = chosenName(longestTag);

/** Everything that a run starts with. Together with its command log, it decides the numbers of a recipe's run. */
export const runSetup = z.strictObject({
  name: chosenName(80, 'give the run a name'),
  project: chosenName(80).default('default'),
  group: chosenName(128).optional(),
  jobType: chosenName(64).optional(),
  tags: z.array(tag).max(mostTags).default([]),
  notes: z.string().max(4000).optional(),
  /** What a waiting trainer shall train; null = a script's own run. `trainer`: the name of the requested trainer, null = any. */
  recipe: z.strictObject({ name: recipeName, trainer: z.string().min(1).max(80).nullable().default(null) }).nullable(),
  config,
});
/** The set-up of a run that begins now. */
export const newSetup = runSetup.extend({
  name: seen(runSetup.shape.name),
  project: seen(chosenName(80)).default('default'),
  group: seen(chosenName(128)).optional(),
  jobType: seen(chosenName(64)).optional(),
  tags: z.array(seen(tag)).max(mostTags).default([]),
});
export type RunSetup = z.infer<typeof runSetup>;
/** Before the defaults are filled in. */
export type RunSetupInput = z.input<typeof runSetup>;

/** The value at "optimizer.learningRate"; undefined where there is none. Reads own properties only. */
export const valueAt = (value: Json | undefined, path: string): Json | undefined => valueNamed(value, path.split('.'));

/** The same for a list of names, which may themselves contain dots. */
export function valueNamed(value: Json | undefined, names: readonly string[]): Json | undefined {
  let at: Json | undefined = value;
  for (const name of names) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return undefined;
    at = (at as { [key: string]: Json })[name];
  }
  return at;
}
