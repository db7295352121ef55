import { beginning } from '~/app/_charts/format';
import { parsed } from '~/app/_live/kept';
import { choices } from '~/app/_live/remembered';
import { fieldsOf, type RecipeField } from '~/shared/recipeFields';
import type { KnownRecipe } from '~/shared/recipes';
import { sweepJob } from '~/shared/runTable';
import type { RunSetup, RunSetupInput } from '~/shared/setup';
import { configOf, exists, type Texts, textsOf } from './formTexts';
import { combinations, severalOf } from './several';

/** The input for a run that has not been started yet; kept in the browser until then. */
export interface Draft {
  /** Name of the recipe; '' = the first. */
  recipe: string;
  /** Name of the requested trainer; '' = any. */
  trainer: string;
  /** null = not typed: the recipe's title. */
  name: string | null;
  project: string;
  group: string;
  /** Separated by commas. */
  tags: string;
  /** Waits before its first step until somebody resumes it. */
  paused: boolean;
  /** Shows settings that are rarely changed. */
  advanced: boolean;
  /** Distinguishes this draft's sweep from others with the same name. */
  sweep: string;
  /** For each recipe that was opened in the form. */
  settings: Settings[];
}

interface Settings {
  recipe: string;
  /** Name of the preset; '' = the first. */
  preset: string;
  /** The user's changes to the preset. */
  typed: [path: string, text: string][];
}

export const emptyDraft: Draft = {
  recipe: '',
  trainer: '',
  name: null,
  project: '',
  group: '',
  tags: '',
  paused: false,
  advanced: false,
  sweep: '',
  settings: [],
};

/** A draft as the form shows it. */
export interface Filled {
  recipe: KnownRecipe;
  preset: string;
  fields: readonly RecipeField[];
  /** The texts of the preset. */
  published: Texts;
  texts: Texts;
}

/** null: no recipe is known. */
export function filledIn(draft: Draft, recipes: readonly KnownRecipe[]): Filled | null {
  const recipe = recipes.find((r) => r.name === draft.recipe) ?? recipes[0];
  if (!recipe) return null;
  const settings = draft.settings.find((s) => s.recipe === recipe.name);
  const preset = recipe.presets.find((p) => p.name === settings?.preset) ?? recipe.presets[0];
  const fields = fieldsOf(recipe.schema);
  const published = textsOf(fields, preset?.config ?? {});
  // A setting that the recipe no longer has is dropped.
  const typed = (settings?.typed ?? []).filter(([path]) => published.has(path));
  return { recipe, preset: preset?.name ?? '', fields, published, texts: new Map([...published, ...typed]) };
}

/** The draft with one setting changed. */
export function typed(draft: Draft, { recipe, preset }: Filled, path: string, text: string): Draft {
  const before = draft.settings.find((s) => s.recipe === recipe.name)?.typed ?? [];
  return withSettings(draft, { recipe: recipe.name, preset, typed: [...before.filter(([p]) => p !== path), [path, text]] });
}

/** The draft with all settings reset to a preset. */
export const withPreset = (draft: Draft, recipe: string, preset: string): Draft =>
  withSettings(draft, { recipe, preset, typed: [] });

const withSettings = (draft: Draft, settings: Settings): Draft => ({
  ...draft,
  settings: [...draft.settings.filter((s) => s.recipe !== settings.recipe), settings],
});

/** The runs to request from the server, not validated yet: one, or a sweep with one for each combination of values. */
export interface Asked {
  setups: RunSetupInput[];
  /** Number of all combinations; those beyond the limit of a sweep are not in the list. */
  of: number;
  /** For a sweep: the group that its runs share. */
  group: string | null;
}

export function setupsOf(draft: Draft, filled: Filled): Asked {
  const { recipe, fields, texts } = filled;
  const tags = [...new Set(draft.tags.split(',').map((t) => t.trim()))].filter(Boolean);
  const name = draft.name ?? recipe.title;
  const group = draft.group.trim();
  const common = {
    ...(draft.project.trim() !== '' && { project: draft.project }),
    tags,
    recipe: { name: recipe.name, trainer: draft.trainer === '' ? null : draft.trainer },
  };
  const several = fields.flatMap((field) => {
    const values = severalOf(field, texts.get(field.path) ?? '');
    return values && exists(field, fields, texts) ? [{ field, values }] : [];
  });
  if (several.length === 0) {
    const setup = { ...common, name, ...(group !== '' && { group }), config: configOf(fields, texts) };
    return { setups: [setup], of: 1, group: null };
  }
  const { list, of } = combinations(several.map((s) => s.values));
  const sweep = group === '' ? `${name} sweep ${draft.sweep}` : group;
  const setups = list.map((values) => {
    const words = several.map(({ field }, i) => `${field.names.at(-1)} ${values[i]}`).join(', ');
    const chosen = new Map([...texts, ...several.map(({ field }, i): [string, string] => [field.path, values[i]!])]);
    return {
      ...common,
      name: beginning(`${name}: ${words}`, 80),
      group: sweep,
      jobType: sweepJob,
      config: configOf(fields, chosen),
    };
  });
  return { setups, of, group: sweep };
}

/** A draft with the settings of an existing run. A setting that the recipe no longer has is dropped. */
export function draftLike(setup: RunSetup, recipes: readonly KnownRecipe[]): Draft {
  const recipe = recipes.find((r) => r.name === setup.recipe?.name);
  const like: Draft = {
    ...emptyDraft,
    recipe: setup.recipe?.name ?? '',
    trainer: setup.recipe?.trainer ?? '',
    name: setup.name,
    project: setup.project === 'default' ? '' : setup.project,
    group: setup.group ?? '',
    tags: setup.tags.join(', '),
    sweep: newSweep(),
  };
  const preset = recipe?.presets[0];
  if (!recipe || !preset) return like;
  const fields = fieldsOf(recipe.schema);
  const published = textsOf(fields, preset.config);
  const typed = [...textsOf(fields, setup.config)].filter(([path, text]) => published.get(path) !== text);
  return { ...like, settings: [{ recipe: recipe.name, preset: preset.name, typed }] };
}

/** Distinguishes sweeps with the same name. */
export const newSweep = (): string => new Date().toISOString().slice(0, 16).replace('T', ' ');

export const readDraft = (): Draft => ({
  ...emptyDraft,
  ...(parsed(choices.read('newRun')) as Partial<Draft> | null),
  sweep: newSweep(),
});

/** null: the draft was started or discarded. */
export const keepDraft = (draft: Draft | null): void => choices.write('newRun', JSON.stringify(draft));
