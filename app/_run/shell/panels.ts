import { evaluations } from '~/app/_run/activity/evaluations';
import { activity } from '~/app/_run/activity/panel';
import { attention } from '~/app/_run/attention/panel';
import { gradients } from '~/app/_run/curves/gradients';
import { curves } from '~/app/_run/curves/panel';
import { notes } from '~/app/_run/notes/panel';
import type { Panel } from '~/app/_run/panel';
import { samples } from '~/app/_run/samples/panel';
import { setup } from '~/app/_run/setup/panel';
import { steer } from '~/app/_run/steering/panel';
import { system } from '~/app/_run/system/panel';

/** Every panel of the run page, in the order of its tabs. */
export const panels: readonly Panel[] = [
  curves,
  attention,
  gradients,
  samples,
  system,
  setup,
  steer,
  activity,
  notes,
  evaluations,
];

export const panelOf = (id: string): Panel | undefined => panels.find((p) => p.id === id);
