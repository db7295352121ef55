import { fields, textsOf } from '~/app/_runs/configForm';
import { configOfSetup } from '~/shared/config';
import type { RunSetup } from '~/shared/setup';

export interface Difference {
  path: string;
  label: string;
  /** One per run; null = the run's task has no such field. */
  values: (string | null)[];
}

/** The fields of the configs that are not the same in all of them. */
export function differences(setups: readonly RunSetup[]): Difference[] {
  const texts = setups.map((setup) => {
    const config = configOfSetup(setup);
    return config ? textsOf(config) : {};
  });
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
