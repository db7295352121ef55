import { Check, CircleDashed, Hourglass, Pause, Play, Square, TriangleAlert, Unplug } from 'lucide-react';
import type { RunStatus } from '~/shared/fold';

// A shape for each, so that colour is never the only sign.
const looks = {
  queued: { icon: Hourglass, colour: 'text-dim', word: 'queued' },
  starting: { icon: CircleDashed, colour: 'text-dim', word: 'starting' },
  running: { icon: Play, colour: 'text-good', word: 'running' },
  paused: { icon: Pause, colour: 'text-warn', word: 'paused' },
  waiting: { icon: Unplug, colour: 'text-warn', word: 'trainer away' },
  finished: { icon: Check, colour: 'text-accent', word: 'finished' },
  stopped: { icon: Square, colour: 'text-dim', word: 'stopped' },
  failed: { icon: TriangleAlert, colour: 'text-bad', word: 'failed' },
} as const satisfies Record<RunStatus, unknown>;

export const statusWord = (status: RunStatus): string => looks[status].word;

export function StatusBadge({ status, message = '' }: { status: RunStatus; message?: string }) {
  const { icon: Icon, colour, word } = looks[status];
  return (
    <span className={`inline-flex items-center gap-1.5 font-medium whitespace-nowrap ${colour}`} title={message || undefined}>
      <Icon
        aria-hidden
        size={13}
        strokeWidth={2.5}
        fill={status === 'running' || status === 'stopped' ? 'currentColor' : 'none'}
      />
      {word}
    </span>
  );
}
