import type { Entry } from '~/shared/events';

/** Blobs an event cannot be shown or resumed without. */
export function blobsNamed(event: Entry['event']): string[] {
  switch (event.type) {
    case 'run.created':
      return [event.parent?.checkpoint.hash, event.config.startFrom].filter((hash): hash is string => !!hash);
    case 'run.assigned':
      return event.checkpoint ? [event.checkpoint.hash] : [];
    case 'snapshot':
      return [event.blob.hash, ...(event.pictures ? [event.pictures.hash] : [])];
    default:
      return 'blob' in event && event.blob ? [event.blob.hash] : [];
  }
}
