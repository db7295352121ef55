import type { RefusalReason } from './commands';
import type { ControlValue } from './controls';

/** The events that answer a command of the log. Messages are cut to what an event can hold. */

interface Asked {
  seq: number;
  command: { id: string };
}

const to = ({ seq, command }: Asked, message: string) => ({ commandId: command.id, seq, message: message.slice(0, 500) });

/** @param change the values before and after; left out: null, for actions without a state */
export const applied = (
  asked: Asked,
  step: number,
  message: string,
  { before = null, after = null }: { before?: ControlValue; after?: ControlValue } = {},
) => ({ type: 'command.applied' as const, ...to(asked, message), step, before, after });

/** It is held until its condition is met, or until somebody can answer it. */
export const scheduled = (asked: Asked, step: number, message: string) => ({
  type: 'command.scheduled' as const,
  ...to(asked, message),
  step,
});

export const refused = (asked: Asked, step: number, reason: RefusalReason, message: string) => ({
  type: 'command.refused' as const,
  ...to(asked, message),
  step,
  reason,
});
