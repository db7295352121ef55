import { ended, type RunStatus } from '~/shared/view';

/** What the timeline shows, in a word or two. "Live" is only what moves: no recording does, whatever the run did when it was taken away. */
export function stateWord(
  status: RunStatus,
  following: boolean,
  recorded: boolean,
): 'Pinned' | 'Last step' | 'Live' | 'Paused' | 'Waiting' {
  if (!following) return 'Pinned';
  if (recorded || ended(status)) return 'Last step';
  if (status === 'running') return 'Live';
  return status === 'paused' ? 'Paused' : 'Waiting';
}
