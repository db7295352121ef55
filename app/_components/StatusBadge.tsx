import { Check, CircleDashed, Hourglass, Pause, Play, Skull, Square, TriangleAlert, Unplug } from 'lucide-react';
import type { RunStatus } from '~/shared/view';
import { statusWord } from './statusWord';

// A shape for each, so that colour is never the only sign.
const looks = {
  queued: { icon: Hourglass, colour: 'text-dim' },
  starting: { icon: CircleDashed, colour: 'text-dim' },
  running: { icon: Play, colour: 'text-good' },
  paused: { icon: Pause, colour: 'text-warn' },
  waiting: { icon: Unplug, colour: 'text-warn' },
  finished: { icon: Check, colour: 'text-accent' },
  stopped: { icon: Square, colour: 'text-dim' },
  failed: { icon: TriangleAlert, colour: 'text-bad' },
  crashed: { icon: Skull, colour: 'text-bad' },
} as const satisfies Record<RunStatus, unknown>;

export function StatusBadge({ status, message = '' }: { status: RunStatus; message?: string }) {
  const { icon: Icon, colour } = looks[status];
  return (
    <span className={`inline-flex items-center gap-1.5 font-medium whitespace-nowrap ${colour}`} title={message || undefined}>
      <Icon
        aria-hidden
        size={13}
        strokeWidth={2.5}
        fill={status === 'running' || status === 'stopped' ? 'currentColor' : 'none'}
      />
      {statusWord(status)}
    </span>
  );
}
