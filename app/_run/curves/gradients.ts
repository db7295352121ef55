import { Waves } from 'lucide-react';
import { panel } from '~/app/_run/panel';

export const gradients = panel({
  id: 'gradients',
  title: 'Gradients',
  icon: Waves,
  where: 'center',
  shown: (v) => v.streams.some((s) => s.columns.some((c) => c.role === 'gradNormOf')),
  load: () => import('./GradientPanel').then((m) => m.GradientPanel),
});
