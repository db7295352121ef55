import { MessageSquare } from 'lucide-react';
import { panel } from '~/app/_run/panel';
import { isThread } from './anchors';

export const notes = panel({
  id: 'notes',
  title: 'Notes',
  icon: MessageSquare,
  where: 'side',
  shown: (v, readOnly) => !readOnly || v.counts.notes.count > 0,
  count: (v) => v.recent.notes.items.filter((n) => isThread(n) && !n.resolved).length,
  keeps: true,
  load: () => import('./NotesPanel').then((m) => m.NotesPanel),
});
