import type { ControlSpec } from '~/shared/controls';

/** An action's argument, declared by what is particular about it. */
export const argument = (
  draft: Partial<ControlSpec> & Pick<ControlSpec, 'name' | 'label' | 'help' | 'type' | 'default'>,
): ControlSpec => ({
  unit: '',
  min: null,
  max: null,
  exclusiveMin: false,
  exclusiveMax: false,
  options: null,
  nullLabel: null,
  scale: 'linear',
  takesEffect: 'next step',
  group: '',
  ...draft,
});
