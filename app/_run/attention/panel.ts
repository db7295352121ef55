import { Grid3x3 } from 'lucide-react';
import { panel } from '~/app/_run/panel';

export const attention = panel({
  id: 'attention',
  title: 'Attention',
  icon: Grid3x3,
  where: 'center',
  shown: (v) => v.counts.snapshots.count > 0,
  load: () => import('./AttentionPanel').then((m) => m.AttentionPanel),
});
