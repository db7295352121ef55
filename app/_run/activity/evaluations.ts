import { BadgeCheck } from 'lucide-react';
import { panel } from '~/app/_run/panel';

export const evaluations = panel({
  id: 'evaluations',
  title: 'Evaluations',
  icon: BadgeCheck,
  where: 'side',
  shown: (v, readOnly) => !readOnly || v.counts.evaluations.count > 0,
  load: () => import('./EvaluationsPanel').then((m) => m.EvaluationsPanel),
});
