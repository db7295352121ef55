import { fieldsOf, type RecipeField } from '~/shared/recipeFields';
import type { KnownRecipe } from '~/shared/recipes';
import type { RunSetupInput } from '~/shared/setup';
import { configOf, type Texts, textsOf } from './formTexts';

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

/** What the server is asked to start, not yet judged. */
export function setupOf(draft: Draft, { recipe, fields, texts }: Filled): RunSetupInput {
  const tags = [...new Set(draft.tags.split(',').map((t) => t.trim()))].filter(Boolean);
  return {
    name: draft.name ?? recipe.title,
    ...(draft.project.trim() !== '' && { project: draft.project }),
    ...(draft.group.trim() !== '' && { group: draft.group }),
    tags,
    recipe: { name: recipe.name, trainer: draft.trainer === '' ? null : draft.trainer },
    config: configOf(fields, texts),
  };
}

const storageKey = 'headroom.newRun';

export function readDraft(storage: Pick<Storage, 'getItem'>): Draft {
  try {
    return { ...emptyDraft, ...(JSON.parse(storage.getItem(storageKey) ?? '{}') as Partial<Draft>) };
  } catch {
    return emptyDraft;
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
