import { fields, textsOf } from '~/app/_runs/configForm';
import type { RunConfig } from '~/shared/config';

export interface Difference {
  path: string;
  label: string;
  /** One per run; null = the run's task has no such field. */
  values: (string | null)[];
}

/** The fields of the configs that are not the same in all of them. */
export function differences(configs: readonly RunConfig[]): Difference[] {
  const texts = configs.map(textsOf);
  return fields
    .filter((f) => f.path !== 'name')
    .map((f) => ({
      path: f.path,
      label: f.label,
      values: texts.map((t) => {
        const text = t[f.path];
        return text === undefined ? null : text === '' ? (f.whenEmpty ?? '') : text;
      }),
    }))
    .filter(({ values }) => new Set(values).size > 1);
}
