import { Pause, Play, Square, StepForward } from 'lucide-react';
import { useView } from '~/app/_live/useRun';
import { ActionButton } from '~/app/_run/steering/ActionButton';
import { useWhyNot } from '~/app/_run/steering/useWhyNot';
import type { ActionSpec } from '~/shared/controls';
import { ended } from '~/shared/view';

const roles = ['pause', 'resume', 'step', 'stop'] as const;

/** Whether an action has its button here. */
export const isTransport = ({ role }: ActionSpec): boolean => roles.some((r) => r === role);

/** Pause or resume, step, stop: those of them that the trainer declares. */
export function Transport({ compact = false }: { compact?: boolean }) {
  const actions = useView((v) => v.controls.actions, []);
  const status = useView((v) => v.status, 'queued');
  const why = useWhyNot();
  const [pause, resume, step, stop] = roles.map((role) => actions.find((a) => a.role === role));
  const paused = status === 'paused';
  if (ended(status)) return null;
  return (
    <div className="flex flex-wrap items-start gap-1.5">
      {paused
        ? resume && (
            <ActionButton action={resume} why={why} look="primary" icon={<Play aria-hidden size={13} fill="currentColor" />} />
          )
        : pause && (
            <ActionButton action={pause} why={why} look="primary" icon={<Pause aria-hidden size={13} fill="currentColor" />} />
          )}
      {step && (
        <ActionButton
          action={step}
          why={why ?? (paused ? null : 'pause first')}
          icon={<StepForward aria-hidden size={13} />}
          compact={compact}
        />
      )}
      {stop && !compact && (
        <div className="ml-auto">
          <ActionButton action={stop} why={why} look="danger" icon={<Square aria-hidden size={11} fill="currentColor" />} />
        </div>
      )}
    </div>
  );
}
