import { ChartLine } from 'lucide-react';
import { panel } from '~/app/_run/panel';

export const curves = panel({
  id: 'curves',
  title: 'Curves',
  icon: ChartLine,
  where: 'center',
  shown: () => true,
  load: () => import('./CurvesPanel').then((m) => m.CurvesPanel),
});
