import type { Entry, SnapshotEvent } from '~/shared/events';
import { blobHash } from '~/shared/ids';
import type { RunSetup } from '~/shared/setup';

/** The checkpoint whose parameters a run starts from; null = none. */
export function checkpointNamed({ config }: RunSetup): string | null {
  const hash = blobHash.safeParse(config.startFrom);
  return hash.success ? hash.data : null;
}

/** Blobs an event cannot be shown or resumed without. */
export function blobsNamed(event: Entry['event']): string[] {
  switch (event.type) {
    case 'run.created':
      return [event.parent?.checkpoint?.hash, checkpointNamed(event.setup)].filter((hash) => hash != null);
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
