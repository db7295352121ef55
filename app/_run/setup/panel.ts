import { Settings2 } from 'lucide-react';
import { panel } from '~/app/_run/panel';

export const setup = panel({
  id: 'setup',
  title: 'Set-up',
  icon: Settings2,
  where: 'center',
  shown: () => true,
  load: () => import('./SetupPanel').then((m) => m.SetupPanel),
});
