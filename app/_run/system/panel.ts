import { Cpu } from 'lucide-react';
import { panel } from '~/app/_run/panel';
import { isSystem } from './systemGroup';

export const system = panel({
  id: 'system',
  title: 'System',
  icon: Cpu,
  where: 'center',
  shown: (v) => v.streams.some((s) => s.columns.some(isSystem)),
  load: () => import('./SystemPanel').then((m) => m.SystemPanel),
});
