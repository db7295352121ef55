import { type ActionRole, type ActionSpec, type ControlSpec, controlDefaults } from '~/shared/controls';
import { split } from '~/trainer/base/splits';

/** Declares an argument of an action. */
export const argument = (draft: Partial<ControlSpec> & Pick<ControlSpec, 'name' | 'label' | 'help' | 'type'>): ControlSpec => ({
  ...controlDefaults,
  ...draft,
});

export const splitArgument = argument({
  name: 'split',
  label: 'Set',
  help: 'Which examples.',
  type: 'enum',
  options: [...split.options],
  default: 'test',
});

/** Declares an action that is named like its role; left out: it has no arguments and is not risky. */
export const action = (
  role: ActionRole,
  label: string,
  help: string,
  more: Partial<Pick<ActionSpec, 'args' | 'risky'>> = {},
): ActionSpec => ({ name: role, role, label, help, args: [], risky: false, ...more });
