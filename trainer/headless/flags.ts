/** Flags of `npm run train`: the command's own flags, and the fields of the recipe's config, as its schema declares them. */
import { dataFolderOf } from '~/shared/dataFolder';
import { givenTwice } from '~/shared/flags';
import { grouped } from '~/shared/grouped';
import { fieldsOf, type RecipeField } from '~/shared/recipeFields';
import type { Config, Json } from '~/shared/setup';
import { isConfigError, type RunConfig } from '~/trainer/base/config';
import type { RecipeBook } from '~/trainer/recipes/book';
import type { Recipe } from '~/trainer/recipes/define';

/** Invalid flags: the message names the flag and the values that would fit. */
export class FlagError extends Error {
  override name = 'FlagError';
}

const own = {
  recipe: { value: 'NAME', help: 'what to train; --task is the same' },
  preset: { value: 'NAME', help: 'the set-up to start from; left out: the first one of the recipe' },
  resume: { value: 'FILE', help: 'go on from a checkpoint; its config holds where no flag says otherwise' },
  'start-from': {
    value: 'FILE',
    help: 'parameters to start from: a checkpoint, or a state dict that PyTorch saved as safetensors',
  },
  out: { value: 'FILE', help: 'keep the newest checkpoint there' },
  data: { value: 'FOLDER', help: 'where prepared data lies (HEADROOM_DATA, else .headroom)' },
  'max-steps': { value: 'N', help: 'stop at this step; the schedule stays that of the whole run' },
  threads: { value: 'N', help: 'threads for one operation' },
  json: { value: null, help: 'one JSON object as the last line of output' },
  help: { value: null, help: 'this text; with --recipe, the flags of the recipe too' },
} as const;
type Own = keyof typeof own;

export interface Flags {
  recipe: string | null;
  preset: string | null;
  resume: string | null;
  startFrom: string | null;
  out: string | null;
  dataFolder: string;
  maxSteps: number | null;
  threads: number | null;
  json: boolean;
  help: boolean;
  /** Flags for fields of the config, as the user wrote them. */
  fields: ReadonlyMap<string, string>;
}

/** @throws FlagError */
export function parseFlags(args: readonly string[], env: Record<string, string | undefined>): Flags {
  const given = readArguments(args);
  const text = (name: Own) => given.get(name) ?? null;
  const recipe = text('recipe') ?? given.get('task') ?? null;
  if (given.has('recipe') && given.has('task') && given.get('recipe') !== given.get('task'))
    throw new FlagError('--task: the same as --recipe; give one of the two');
  const number = (name: Own) => {
    const given = text(name);
    return given === null ? null : whole(name, given);
  };
  return {
    recipe,
    preset: text('preset'),
    resume: text('resume'),
    startFrom: text('start-from'),
    out: text('out'),
    dataFolder: dataFolderOf(given.get('data'), env),
    maxSteps: number('max-steps'),
    threads: number('threads'),
    json: given.has('json'),
    help: given.has('help'),
    fields: new Map([...given].filter(([name]) => name !== 'task' && !Object.hasOwn(own, name))),
  };
}

/** "--name value" and "--name=value". */
function readArguments(args: readonly string[]): Map<string, string> {
  const given = new Map<string, string>();
  const set = (name: string, value: string) => {
    const twice = givenTwice([...given.keys(), name].map((flag) => `--${flag}`));
    if (twice !== null) throw new FlagError(twice);
    given.set(name, value);
  };
  for (let at = 0; at < args.length; at++) {
    const argument = args[at]!;
    if (argument === '--') continue;
    const [, name, inline] = /^--([A-Za-z][\w.-]*)(?:=(.*))?$/s.exec(argument) ?? [];
    if (name === undefined) throw new FlagError(`${JSON.stringify(argument)} is no flag; --help lists them`);
    if (Object.hasOwn(own, name) && own[name as Own].value === null) {
      if (inline !== undefined) throw new FlagError(`--${name}: takes no value`);
      set(name, '');
      continue;
    }
    const value = inline ?? args[++at];
    if (value === undefined || (inline === undefined && /^--[a-z]/.test(value)))
      throw new FlagError(`--${name}: a value is needed`);
    set(name, value);
  }
  return given;
}

/** The recipe that the flags or the checkpoint ask for. @throws FlagError */
export function recipeOf(flags: Pick<Flags, 'recipe'>, resumed: string | null, recipes: RecipeBook): Recipe {
  if (flags.recipe !== null && resumed !== null && flags.recipe !== resumed)
    throw new FlagError(`--recipe: ${flags.recipe}, but the checkpoint is of a ${resumed} run`);
  const name = flags.recipe ?? resumed;
  if (name === null) throw new FlagError(`--recipe: missing; give one of ${recipes.names.join(', ')}, or --resume FILE`);
  const recipe = recipes.get(name);
  if (!recipe) {
    const flag = flags.recipe === null ? '--resume' : '--recipe';
    throw new FlagError(`${flag}: there is no recipe ${JSON.stringify(name)}; there are ${recipes.names.join(', ')}`);
  }
  return recipe;
}

interface FieldFlag {
  field: RecipeField;
  /** Help and errors show the first name. */
  names: string[];
}

const kebab = (name: string): string => name.replace(/([a-z0-9])([A-Z])/g, '$1-$2').toLowerCase();
const lastPart = (path: string): string => path.slice(path.lastIndexOf('.') + 1);

/**
 * The flags of a recipe: each field by its whole path (--optimizer.beta1); by the last part of it where no other field has the same (--beta1, --seqLen,
 * --seq-len); and by the short name that its schema gives it (x-flag).
 */
function fieldFlags({ spec }: Recipe): FieldFlag[] {
  // A checkpoint is given as a file here: --start-from.
  // An optional group is present as soon as one of its own fields is set.
  const fields = fieldsOf(spec.schema).filter(
    (field) => field.annotations['x-format'] !== 'checkpoint' && field.kind !== 'switch',
  );
  const short = fields.flatMap((field) => field.annotations['x-flag'] ?? []);
  const last = fields.map(({ path }) => lastPart(path));
  const taken = (name: string) => Object.hasOwn(own, name) || name === 'task' || short.includes(name);
  return fields.map((field) => {
    const part = lastPart(field.path);
    const unambiguous = last.filter((other) => other === part).length === 1;
    const derived = unambiguous ? [kebab(part), part].filter((name) => !taken(name)) : [];
    const named = field.annotations['x-flag'];
    return { field, names: [...new Set([...(named ? [named] : []), ...derived, field.path])] };
  });
}

export function helpText(recipes: RecipeBook, recipe: Recipe | null): string {
  const line = (flag: string, help: string) => `  ${flag.padEnd(26)}${help}`;
  const command = Object.entries(own).map(([name, o]) => line(`--${name}${o.value ? ` ${o.value}` : ''}`, o.help));
  const head = [
    'headroom train --recipe NAME [flags]        (in a clone: npm run train -- --recipe NAME [flags])',
    '',
    ...command,
    '',
  ];
  if (!recipe)
    return [
      ...head,
      'Recipes; --help --recipe NAME lists the flags of one:',
      ...recipes.specs.map((spec) => line(spec.name, `${spec.title}. ${spec.summary}`)),
    ].join('\n');
  const { spec } = recipe;
  const groups = grouped(fieldFlags(recipe), ({ field }) => field.group);
  return [
    ...head,
    `${spec.title}: ${spec.summary}`,
    `Presets: ${spec.presets.map(({ name, title }) => `${name} (${title})`).join(', ')}`,
    ...[...groups].flatMap(([group, flags]) => [
      '',
      `${group}:`,
      ...flags.map(({ field, names }) => line(`--${names[0]} ${wordOf(field)}`, describe(field))),
    ]),
    '',
    `Every field can also be named by its whole path: --optimizer.learningRate 0.001.`,
  ].join('\n');
}

function wordOf({ kind }: RecipeField): string {
  if (kind === 'integer' || kind === 'number') return 'N';
  return kind === 'boolean' ? 'true|false' : kind === 'json' ? 'JSON' : kind === 'choice' ? 'WORD' : 'TEXT';
}

function describe(field: RecipeField): string {
  const { annotations } = field;
  const unit = annotations['x-unit'] ? ` (${annotations['x-unit']})` : '';
  const options = field.kind === 'choice' ? `; one of ${field.options.join(', ')}` : '';
  const nothing = field.nullable ? `; none = ${annotations['x-null'] ?? 'null'}` : '';
  const usual = annotations['x-usual'] ? `; usually ${annotations['x-usual'].join(' to ')}` : '';
  const value = field.default === null ? 'none' : field.default === '' ? '""' : field.default;
  const meaning = field.description ? `: ${field.description.replace(/\.$/, '')}` : '';
  return `${field.title}${unit}${meaning}${options}${nothing}${usual}; default ${String(value)}`;
}

/**
 * The config made of the flags and `base`: the config of the resumed checkpoint, or a preset. `given`: paths of the fields that flags name.
 * @throws FlagError with a line for each flag whose value does not fit
 */
export function configOf(
  flags: Pick<Flags, 'fields' | 'preset'>,
  recipe: Recipe,
  base: RunConfig | null,
): { config: RunConfig; given: ReadonlySet<string> } {
  const known = fieldFlags(recipe);
  const byName = new Map(known.flatMap((flag) => flag.names.map((name) => [name, flag] as const)));
  const config = structuredClone(base ?? presetOf(flags.preset, recipe)) as Config;
  const used = new Map<string, string>();
  const problems: string[] = [];
  for (const [name, text] of flags.fields) {
    const flag = byName.get(name);
    try {
      if (!flag)
        throw new FlagError(
          `--${name}: there is no such flag for ${recipe.spec.name}; --help --recipe ${recipe.spec.name} lists them`,
        );
      const { field, value } = readValue(name, text, flag.field, known);
      used.set(field.path, name);
      put(config, field.path, value);
    } catch (error) {
      if (!(error instanceof FlagError)) throw error;
      problems.push(error.message);
    }
  }
  if (problems.length > 0) throw new FlagError(problems.join('\n'));
  try {
    return { config: recipe.parse(config), given: new Set(used.keys()) };
  } catch (error) {
    if (!isConfigError(error)) throw error;
    const lines = error.errors.map(({ field, message }) => {
      const name = used.get(field) ?? known.find((flag) => flag.field.path === field)?.names[0];
      return `${name === undefined ? field : `--${name}`}: ${message}`;
    });
    throw new FlagError(lines.join('\n'));
  }
}

function presetOf(name: string | null, { spec }: Recipe): unknown {
  if (name === null) return spec.presets[0]!.config;
  const preset = spec.presets.find((p) => p.name === name);
  if (preset) return preset.config;
  throw new FlagError(
    `--preset: ${spec.name} has no preset ${JSON.stringify(name)}; it has ${spec.presets.map((p) => p.name).join(', ')}`,
  );
}

function readValue(
  name: string,
  text: string,
  field: RecipeField,
  all: readonly FieldFlag[],
): { field: RecipeField; value: Json } {
  const { kind, nullable, annotations, path, options } = field;
  const nothing = ['none', 'null', ...(annotations['x-null'] ?? '').split(' ')];
  if (nullable && text !== '' && nothing.includes(text)) return { field, value: null };
  if (kind === 'integer' || kind === 'number') {
    // "--clip off" instead of a separate flag for the mode: the flag of a number also accepts the words of the choice beside it.
    const beside = all.filter(
      ({ field: f }) => f.kind === 'choice' && f.options.includes(text) && folderOf(f.path) === folderOf(path),
    );
    if (beside.length === 1 && folderOf(path) !== '') return { field: beside[0]!.field, value: text };
    return { field, value: number(name, text) };
  }
  if (kind === 'boolean') {
    if (text !== 'true' && text !== 'false') throw new FlagError(`--${name}: ${JSON.stringify(text)} is neither true nor false`);
    return { field, value: text === 'true' };
  }
  if (kind === 'choice') return { field, value: options.find((option) => String(option) === text) ?? text };
  if (kind === 'text') return { field, value: field.items === 'number' && isNumber(text) ? Number(text) : text };
  if (kind === 'list' && !text.trimStart().startsWith('['))
    return { field, value: text.split(',').map((item) => (field.items === 'text' ? item.trim() : number(name, item))) };
  try {
    return { field, value: JSON.parse(text) as Json };
  } catch {
    throw new FlagError(`--${name}: ${JSON.stringify(text).slice(0, 80)} is not JSON`);
  }
}

const isNumber = (text: string): boolean => text.trim() !== '' && Number.isFinite(Number(text));
const folderOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('.')));

function put(config: Config, path: string, value: Json): void {
  const keys = path.split('.');
  const last = keys.pop()!;
  let at = config;
  for (const key of keys) {
    if (!Object.hasOwn(at, key))
      Object.defineProperty(at, key, { value: {}, enumerable: true, writable: true, configurable: true });
    at = at[key] as Config;
  }
  at[last] = value;
}

function number(name: string, text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new FlagError(`--${name}: ${JSON.stringify(text)} is not a number`);
  return value;
}

function whole(name: string, text: string): number {
  const value = number(name, text);
  if (!Number.isInteger(value) || value < 1) throw new FlagError(`--${name}: ${text} is not a whole number of at least 1`);
  return value;
}
