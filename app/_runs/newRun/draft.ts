import { fieldsOf, type RecipeField } from '~/shared/recipeFields';
import type { KnownRecipe } from '~/shared/recipes';
import { sweepJob } from '~/shared/runTable';
import type { RunSetup, RunSetupInput } from '~/shared/setup';
import { configOf, exists, type Texts, textsOf } from './formTexts';
import { combinations, severalOf } from './several';

/** What somebody has filled in of a run that is not started yet; kept in the browser until it is. */
export interface Draft {
  /** Name of the recipe; '' = the first. */
  recipe: string;
  /** Name of the trainer asked for; '' = any. */
  trainer: string;
  /** null = not typed: the recipe's title. */
  name: string | null;
  project: string;
  group: string;
  /** Separated by commas. */
  tags: string;
  /** Waits before its first step until somebody resumes it. */
  paused: boolean;
  /** Settings that few people change are shown too. */
  advanced: boolean;
  /** What tells this draft's sweep apart from others of its name. */
  sweep: string;
  /** Of each recipe that was looked at. */
  settings: Settings[];
}

interface Settings {
  recipe: string;
  /** Name of the preset it began with; '' = the first. */
  preset: string;
  /** What was typed over it. */
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
  /** As the preset has them. */
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

/** One setting typed. */
export function typed(draft: Draft, { recipe, preset }: Filled, path: string, text: string): Draft {
  const before = draft.settings.find((s) => s.recipe === recipe.name)?.typed ?? [];
  return withSettings(draft, { recipe: recipe.name, preset, typed: [...before.filter(([p]) => p !== path), [path, text]] });
}

/** Begins again with a preset. */
export const withPreset = (draft: Draft, recipe: string, preset: string): Draft =>
  withSettings(draft, { recipe, preset, typed: [] });

const withSettings = (draft: Draft, settings: Settings): Draft => ({
  ...draft,
  settings: [...draft.settings.filter((s) => s.recipe !== settings.recipe), settings],
});

/** What the server is asked to start, not yet judged: one run, or a sweep: one for each combination of the values given. */
export interface Asked {
  setups: RunSetupInput[];
  /** Combinations that are more than a sweep may have are left out here, and counted. */
  of: number;
  /** Of a sweep: what its runs have in common. */
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
      name: `${name}: ${words}`.slice(0, 80),
      group: sweep,
      jobType: sweepJob,
      config: configOf(fields, chosen),
    };
  });
  return { setups, of, group: sweep };
}

/** The draft of a run like another one: to be changed and started. A setting that the recipe no longer has is dropped. */
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

/** Tells the sweeps of one name apart. */
export const newSweep = (): string => new Date().toISOString().slice(0, 16).replace('T', ' ');

const storageKey = 'headroom.newRun';

export function readDraft(storage: Pick<Storage, 'getItem'>): Draft {
  try {
    return { ...emptyDraft, ...(JSON.parse(storage.getItem(storageKey) ?? '{}') as Partial<Draft>), sweep: newSweep() };
  } catch {
    return { ...emptyDraft, sweep: newSweep() };
  }
}

/** null: it was started, or thrown away. */
export function keepDraft(storage: Pick<Storage, 'setItem' | 'removeItem'>, draft: Draft | null): void {
  try {
    if (draft) storage.setItem(storageKey, JSON.stringify(draft));
    else storage.removeItem(storageKey);
  } catch {
    // A storage that is full or closed: the draft lasts as long as the dialog.
  }
}
