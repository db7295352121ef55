import type { Entry, SnapshotEvent } from '~/shared/events';
import { blobHash } from '~/shared/ids';
import { valuesOf } from '~/shared/settings';
import type { RunSetup } from '~/shared/setup';

/**
 * Hashes in a recipe's config: of a checkpoint to start from, of a teacher. Only the recipe knows which of them are blobs;
 * keeping a blob unnecessarily does no harm.
 */
function hashesIn({ recipe, config }: RunSetup): string[] {
  if (recipe === null) return [];
  return valuesOf(config).flatMap(([, value]) => {
    const hash = blobHash.safeParse(value);
    return hash.success ? [hash.data] : [];
  });
}

/** Blobs without which an event cannot be shown or resumed. */
export function blobsNamed(event: Entry['event']): string[] {
  switch (event.type) {
    case 'run.created':
      return [...(event.parent?.checkpoint ? [event.parent.checkpoint.hash] : []), ...hashesIn(event.setup)];
    case 'run.assigned':
      return event.checkpoint ? [event.checkpoint.hash] : [];
    case 'snapshot':
      return blobsOfSnapshot(event);
    default:
      return 'blob' in event && event.blob ? [event.blob.hash] : [];
  }
}

/** A snapshot's maps, and the pictures of its examples. */
export const blobsOfSnapshot = (snapshot: Pick<SnapshotEvent, 'blob' | 'pictures'>): string[] => [
  snapshot.blob.hash,
  ...(snapshot.pictures ? [snapshot.pictures.hash] : []),
];
