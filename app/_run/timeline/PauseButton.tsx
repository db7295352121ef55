import { Pause, Play } from 'lucide-react';
import { useView } from '~/app/_live/useRun';
import { ActionButton } from '~/app/_run/steering/ActionButton';
import { useWhyNot } from '~/app/_run/steering/useWhyNot';
import type { ActionSpec } from '~/shared/controls';
import { actionWithRole } from '~/shared/controlValues';
import { ended } from '~/shared/view';

/** Whether the header has the button for an action. */
export const isInHeader = ({ role }: ActionSpec): boolean => role === 'pause' || role === 'resume';

/** Pause or resume, as the trainer declares them. */
export function PauseButton() {
  const paused = useView((v) => v.status === 'paused', false);
  const over = useView((v) => ended(v.status), true);
  const action = useView((v) => actionWithRole(v.controls, paused ? 'resume' : 'pause') ?? null, null);
  const why = useWhyNot();
  if (over || !action) return null;
  const Icon = paused ? Play : Pause;
  return (
    <ActionButton action={action} why={why} look="primary" icon={<Icon aria-hidden size={13} fill="currentColor" />} compact />
  );
}
