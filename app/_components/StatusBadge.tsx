import { Check, CircleDashed, Hourglass, Pause, Play, Skull, Square, TriangleAlert, Unplug } from 'lucide-react';
import type { RunStatus } from '~/shared/view';
import { statusWord } from './statusWord';

// Each status has its own shape, so that color is never the only sign.
const looks = {
  queued: { icon: Hourglass, color: 'text-dim' },
  starting: { icon: CircleDashed, color: 'text-dim' },
  running: { icon: Play, color: 'text-good' },
  paused: { icon: Pause, color: 'text-warn' },
  waiting: { icon: Unplug, color: 'text-warn' },
  finished: { icon: Check, color: 'text-accent' },
  stopped: { icon: Square, color: 'text-dim' },
  failed: { icon: TriangleAlert, color: 'text-bad' },
  crashed: { icon: Skull, color: 'text-bad' },
} as const satisfies Record<RunStatus, unknown>;

export function StatusBadge({ status, message = '' }: { status: RunStatus; message?: string }) {
  const { icon: Icon, color } = looks[status];
  return (
    <span className={`inline-flex items-center gap-1.5 font-medium whitespace-nowrap ${color}`} title={message || undefined}>
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
