import { ended, type RunStatus } from '~/shared/view';

/** What the timeline shows, in a word or two. "Live" is only what moves. @param still nothing arrives: it is a recording, or the connection broke */
export function stateWord(
  status: RunStatus,
  following: boolean,
  still: boolean,
): 'Pinned' | 'Last step' | 'Live' | 'Paused' | 'Waiting' {
  if (!following) return 'Pinned';
  if (still || ended(status)) return 'Last step';
  if (status === 'running') return 'Live';
  return status === 'paused' ? 'Paused' : 'Waiting';
}
