import { TriangleAlert, X } from 'lucide-react';
import { Button } from '~/app/_components/Button';
import { count } from '~/app/_components/format';
import { IconButton } from '~/app/_components/IconButton';
import { setCursor } from '~/app/_live/cursor';
import { useLoaded, useNear, useSample } from '~/app/_live/lists';
import { useRunStore } from '~/app/_live/RunProvider';
import { useView } from '~/app/_live/useRun';
import { reveal } from '~/app/_live/workspace';
import { CheckpointActions } from '~/app/_run/steering/CheckpointActions';
import { counted } from '~/shared/numbers';
import type { ListItems, RunView } from '~/shared/view';
import { useDismissed } from './dismissed';

type Alarming = Pick<ListItems['alerts'], 'seq' | 'kind' | 'step' | 'message'>;

/** Alerts that are loaded: an error is not to be hidden by the warnings after it. */
const mostAlerts = 100;

const titles: Record<string, string> = {
  'not-finite': 'NaN or infinity',
  collapse: 'Attention has collapsed',
  failed: 'The run failed:',
  crashed: 'The run crashed:',
};

/** The newest error that nobody has dismissed in this browser, and possible remedies. Renders nothing without one. */
export function AlarmBar() {
  const { runId } = useRunStore();
  const { items: alerts, whole } = useLoaded('alerts', mostAlerts);
  const end = useView(badEnd, null);
  const { dismissed, dismiss } = useDismissed(runId);
  const errors: Alarming[] = alerts.filter((a) => a.level === 'error');
  const open = (end ? [...errors, end] : errors).filter((a) => !dismissed.includes(a.seq));
  const alarm = open.at(-1);
  const others = open.length > 1 ? `${whole ? '' : 'at least '}${counted(open.length - 1, 'more alarm')}` : null;
  return alarm ? <Alarm alarm={alarm} others={others} onDismiss={() => dismiss(open.map((a) => a.seq))} /> : null;
}

/** Why the run ended, when it did not end by itself or by somebody's wish. */
function badEnd({ status, recent }: RunView): Alarming | null {
  const last = recent.statuses.items.at(-1);
  if (!last || last.status !== status || (status !== 'failed' && status !== 'crashed')) return null;
  return { seq: last.seq, kind: status, step: last.step, message: last.message };
}

function Alarm({ alarm, others, onDismiss }: { alarm: Alarming; others: string | null; onDismiss(): void }) {
  const { kind, step, message } = alarm;
  const traceback = useView((v) => kind === 'failed' && v.traceback !== null, false);
  return (
    <div
      role="alert"
      data-alarm={kind}
      className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-bad/50 bg-bad/10 px-3 py-1 text-xs"
    >
      <TriangleAlert aria-hidden size={14} className="shrink-0 text-bad" />
      <span className="min-w-0 flex-1 basis-60">
        <strong className="text-bad">{titles[kind] ?? kind}</strong> {message}
      </span>
      <span className="flex flex-wrap items-center gap-1">
        {step !== null && <WaysBack step={step} />}
        {step !== null && (
          <Button size="small" look="bare" onClick={() => setCursor.pin(step)}>
            Show step {count(step)}
          </Button>
        )}
        {traceback && (
          <Button size="small" look="bare" onClick={() => reveal('setup', 'center')}>
            Traceback
          </Button>
        )}
        <Button size="small" look="bare" onClick={() => reveal('activity', 'side')}>
          {others ?? 'What happened'}
        </Button>
        <IconButton icon={X} label="Take note of the alarm" title="Take note: hides it for you" onClick={onDismiss} />
      </span>
    </div>
  );
}

/** Offers the last checkpoint before a step: its contents come from before the bad numbers. */
function WaysBack({ step }: { step: number }) {
  useNear('checkpoints', step);
  const checkpoints = useSample('checkpoints');
  const last = checkpoints.findLast((c) => c.step < step);
  const head = useView((v) => v.step, 0);
  return last && last.step < head ? <CheckpointActions step={last.step} hash={last.blob.hash} look="plain" named /> : null;
}
