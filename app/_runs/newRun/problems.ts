import type { RecipeField } from '~/shared/recipeFields';

export interface Problem {
  /** Path within the setup: "name", "tags.0", "config.model.heads". */
  field: string;
  message: string;
}

export interface Placed {
  /** Messages by the name of the form's field. */
  at: ReadonlyMap<string, string>;
  /** Messages about values that are not on the form. */
  elsewhere: string[];
}

/**
 * Assigns each problem to its field; a problem with an element of a list is assigned to the list. Settings are named
 * "config.<path>".
 * @param own fields of the form besides the recipe's settings
 */
export function placed(problems: readonly Problem[], shown: readonly RecipeField[], own: readonly string[]): Placed {
  const at = new Map<string, string>();
  const elsewhere: string[] = [];
  const names = new Set([...own, ...shown.map((f) => `config.${f.path}`)]);
  for (const { field, message } of problems) {
    const parts = field.split('.');
    while (parts.length > 0 && !names.has(parts.join('.'))) parts.pop();
    const name = parts.join('.');
    if (name === '') elsewhere.push(message);
    else if (!at.has(name)) at.set(name, message);
  }
  return { at, elsewhere };
}
