import { Lock } from 'lucide-react';
import { Suspense, useState } from 'react';
import { Awaited, later } from '~/app/_components/later';
import { useRun, useView } from '~/app/_live/useRun';
import { Nothing, PanelBody } from '~/app/_run/PanelBody';
import { isInHeader } from '~/app/_run/timeline/PauseButton';
import { isQuestionAction } from '~/shared/analyses';
import { ended } from '~/shared/view';
import { ActionButton } from './ActionButton';
import { ControlField } from './ControlField';
import { ControlLock } from './ControlLock';
import { GoOn } from './GoOn';
import { Proposals } from './Proposals';
import { useWhyNot } from './useWhyNot';

const ScheduleForm = later(() => import('./ScheduleForm'));

const summaryClass = 'px-3 py-1 text-2xs font-semibold tracking-wider text-dim uppercase hover:text-ink';
const none = { values: [], actions: [] };

/** All controls and actions of the trainer, drawn only from their declarations. */
export function SteeringPanel() {
  const controls = useView((v) => v.controls, none);
  const status = useView((v) => v.status, 'queued');
  const scheduled = useView((v) => v.openCommands.filter((c) => c.outcome.status === 'scheduled').length, 0);
  const why = useWhyNot();
  const may = useRun((r) => r.you !== null && r.you.role !== 'viewer');
  const [later, setLater] = useState(false);
  const over = ended(status);
  // Scheduled commands are canceled in their own list, and questions are asked beside the maps.
  const others = controls.actions.filter((a) => !isInHeader(a) && a.role !== 'cancel' && !isQuestionAction(a));
  const groups = [...new Set(controls.values.map((c) => c.group))];
  const undeclared = controls.values.length + controls.actions.length === 0;

  return (
    <PanelBody
      title="Steering"
      tools={
        why !== null &&
        !undeclared &&
        // The control lock says itself who holds it, where it stands.
        (over || !may) && (
          <span className="inline-flex min-w-0 items-center gap-1 text-2xs text-dim" data-testid="read-only">
            <Lock aria-hidden size={11} className="shrink-0" />
            {why}
          </span>
        )
      }
    >
      {undeclared ? (
        <Nothing>
          {status === 'queued'
            ? 'Waiting for a trainer: what can be steered appears when one takes the run.'
            : over
              ? 'Nothing could be steered in this run.'
              : 'The trainer has declared nothing to steer yet.'}
        </Nothing>
      ) : (
        <>
          <ControlLock />
          <Proposals />
          {over && <GoOn />}
          {!over && others.length > 0 && (
            <div className="flex flex-wrap gap-x-2 gap-y-1.5 border-b border-line p-2">
              {others.map((action) => (
                <ActionButton
                  key={action.name}
                  action={action}
                  why={why ?? (action.role === 'step' && status !== 'paused' ? 'pause first' : null)}
                  look={action.role === 'stop' ? 'danger' : undefined}
                />
              ))}
            </div>
          )}
          {groups.map((group, i) => {
            const fields = controls.values
              .filter((c) => c.group === group)
              .map((spec) => <ControlField key={spec.name} spec={spec} why={why} />);
            // Most scripts declare no groups.
            if (group === '' && groups.length === 1) return fields;
            return (
              <details key={group} open={i < 2} className="border-b border-line/70 last:border-0">
                <summary className={summaryClass}>{group || 'Other'}</summary>
                <div className="pb-1.5">{fields}</div>
              </details>
            );
          })}
          {!over && (
            <details className="border-t border-line/70" onToggle={() => setLater(true)}>
              <summary className={summaryClass}>
                Change later
                {scheduled > 0 && <span className="ml-1 text-accent">{scheduled}</span>}
              </summary>
              {later && (
                <Suspense fallback={<Awaited>Loading…</Awaited>}>
                  <ScheduleForm why={why} />
                </Suspense>
              )}
            </details>
          )}
        </>
      )}
    </PanelBody>
  );
}
