import { ended, type RunStatus } from '~/shared/view';

/** What the timeline shows, in a word or two. "Live" is only what moves. */
export function stateWord(status: RunStatus, following: boolean): 'Pinned' | 'Last step' | 'Live' | 'Paused' | 'Waiting' {
  if (!following) return 'Pinned';
  if (ended(status)) return 'Last step';
  if (status === 'running') return 'Live';
  return status === 'paused' ? 'Paused' : 'Waiting';
}
