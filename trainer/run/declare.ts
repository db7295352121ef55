import type { ControlSpec } from '~/shared/controls';

/** Declares an argument of an action; fields left out get their usual values. */
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
