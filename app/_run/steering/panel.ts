import { SlidersHorizontal } from 'lucide-react';
import { panel } from '~/app/_run/panel';

export const steer = panel({
  id: 'steer',
  title: 'Steer',
  icon: SlidersHorizontal,
  where: 'side',
  shown: (_, readOnly) => !readOnly,
  count: (v) => v.openCommands.filter((c) => c.outcome.status === 'proposed').length,
  keeps: true,
  load: () => import('./SteeringPanel').then((m) => m.SteeringPanel),
});
