import { X } from 'lucide-react';
import { IconButton } from '~/app/_components/IconButton';
import { rowNames } from '~/app/_components/rowNames';
import { useView } from '~/app/_live/useRun';
import { useSteer } from '~/app/_live/useSteer';
import { describeCommand } from '~/app/_run/steering/steering';
import { useWhyNot } from '~/app/_run/steering/useWhyNot';
import { workedOn } from '~/shared/analyses';
import { actionWithRole } from '~/shared/controlValues';

const nothing: Record<string, string> = {};

/** Questions and evaluations for which the run stands still until it has answered, each with a button to cancel it. */
export function WorkedOn() {
  const steer = useSteer();
  const why = useWhyNot();
  const cancel = useView((v) => actionWithRole(v.controls, 'cancel')?.name, undefined);
  /** In words, by the id of the command. */
  const asked = useView(
    (v) => Object.fromEntries(workedOn(v).map((c) => [c.command.id, `${describeCommand(v, c.command)} by ${c.actor.name}`])),
    nothing,
  );
  const rows = Object.entries(asked);
  const names = rowNames(rows.map(([, words]) => words));
  if (rows.length === 0 || cancel === undefined) return null;
  return (
    <ul aria-label="The run stands still for" className="flex flex-col gap-1 text-xs">
      {rows.map(([commandId, words], i) => (
        <li key={commandId} className="flex items-center gap-1.5">
          <span className="min-w-0 flex-1 wrap-anywhere">
            {words} <span className="text-dim">is being answered</span>
          </span>
          {why === null && (
            <IconButton
              size="small"
              icon={X}
              label={`Cancel ${names[i]}`}
              onClick={() => void steer({ kind: 'act', action: cancel, args: { commandId } })}
            />
          )}
        </li>
      ))}
    </ul>
  );
}
