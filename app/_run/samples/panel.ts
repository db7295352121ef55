import { GalleryThumbnails } from 'lucide-react';
import { panel } from '~/app/_run/panel';

/** Media and the output of the process. */
export const samples = panel({
  id: 'samples',
  title: 'Samples',
  icon: GalleryThumbnails,
  where: 'center',
  shown: (v) => v.counts.media.count > 0 || v.console !== null,
  load: () => import('./SamplesPanel').then((m) => m.SamplesPanel),
});
