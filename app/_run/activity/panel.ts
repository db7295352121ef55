import { History } from 'lucide-react';
import { panel } from '~/app/_run/panel';

export const activity = panel({
  id: 'activity',
  title: 'Activity',
  icon: History,
  where: 'side',
  shown: () => true,
  load: () => import('./ActivityPanel').then((m) => m.ActivityPanel),
});
