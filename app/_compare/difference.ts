import { withUnit } from '~/app/_components/format';
import type { KnownRecipe } from '~/shared/recipes';
import { type Setting, settingsOf } from '~/shared/settings';
import type { RunSetup } from '~/shared/setup';

export interface Difference {
  path: string;
  label: string;
  /** One value per run; null = the run has no such setting. */
  values: (string | null)[];
}

/** Whether the settings of a run are known; imported runs may have none. */
export const isKnown = ({ recipe, config }: RunSetup): boolean => recipe !== null || Object.keys(config).length > 0;

/** The settings that differ among the runs whose settings are known; runs without known settings have null everywhere. */
export function differences(
  setups: readonly RunSetup[],
  recipes: ReadonlyMap<string, Pick<KnownRecipe, 'title' | 'schema'>>,
): Difference[] {
  const recipeOf = ({ recipe }: RunSetup) => (recipe ? (recipes.get(recipe.name) ?? null) : null);
  const settings = setups.map((setup) => {
    const recipe = recipeOf(setup);
    const named = new Map(settingsOf(setup.config, recipe?.schema ?? null).map((s): [string, Setting] => [s.path, s]));
    return { named, known: isKnown(setup), title: setup.recipe && (recipe?.title ?? setup.recipe.name) };
  });
  const differ = (values: (string | null)[]) => new Set(values.filter((_, i) => settings[i]!.known)).size > 1;
  const paths = new Set(settings.flatMap(({ named }) => [...named.keys()]));
  const rows: Difference[] = [{ path: 'recipe', label: 'Recipe', values: settings.map((s) => s.title) }];
  for (const path of paths) {
    const named = settings.flatMap((s) => s.named.get(path) ?? []);
    const { label, unit } = named.find((s) => s.label !== path) ?? named[0]!;
    rows.push({
      path: `config.${path}`,
      label: withUnit(label, unit),
      values: settings.map(({ named }) => named.get(path)?.text ?? null),
    });
  }
  return rows.filter(({ values }) => differ(values));
}
