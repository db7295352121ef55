'use client';

import { TriangleAlert } from 'lucide-react';
import { memo, useMemo, useState } from 'react';
import { Button } from '~/app/_components/Button';
import { setCursor } from '~/app/_live/cursor';
import { useList } from '~/app/_live/lists';
import { useRunStore } from '~/app/_live/RunProvider';
import type { ListItems } from '~/shared/view';
import { useDismissed } from './dismissed';

type Alert = ListItems['alerts'];

/** Says that attention has collapsed, as the run's log tells it (the server's rule), until somebody has taken note. Silent otherwise. */
export const Watch = memo(function Watch() {
  const { runId } = useRunStore();
  const all = useList('alerts');
  const alerts = useMemo(() => all.filter((a) => a.kind === 'collapse'), [all]);
  const { dismissed, dismiss, restore } = useDismissed(runId);
  const open = alerts.filter((a) => !dismissed.some((d) => d.id === idOf(a)));
  const closed = dismissed.filter((d) => alerts.some((a) => idOf(a) === d.id));
  return (
    <>
      {open.map((alert) => (
        <Alarm key={alert.seq} alert={alert} onDismiss={(note) => dismiss({ id: idOf(alert), note })} />
      ))}
      {closed.length > 0 && (
        <p className="border-b border-line px-3 py-1 text-xs text-dim">
          {closed.map((d) => (
            <span key={d.id} className="mr-3">
              dismissed: {d.id.replace('@', ' at step ')}
              {d.note && ` (${d.note})`}{' '}
              <button type="button" className="underline" onClick={() => restore(d.id)}>
                show again
              </button>
            </span>
          ))}
        </p>
      )}
    </>
  );
});

const idOf = (a: Alert): string => `${a.kind}@${a.step}`;

function Alarm({ alert, onDismiss }: { alert: Alert; onDismiss: (note: string) => void }) {
  const [note, setNote] = useState('');
  const { step, message } = alert;
  return (
    <div
      role="alert"
      className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-bad/50 bg-bad/10 px-3 py-1.5 text-xs"
      data-alarm={alert.kind}
    >
      <TriangleAlert aria-hidden size={14} className="text-bad" />
      <span className="min-w-0 flex-1">
        <strong className="text-bad">Attention has collapsed.</strong> {message.charAt(0).toUpperCase() + message.slice(1)}. Usual
        causes: learning rate too high, no warm-up, no clipping.
      </span>
      {step !== null && (
        <Button size="small" onClick={() => setCursor.pin(step)}>
          go to step {step}
        </Button>
      )}
      <form
        className="flex items-center gap-1"
        onSubmit={(e) => {
          e.preventDefault();
          onDismiss(note.trim());
        }}
      >
        <input
          className="h-6 w-36 rounded border border-line bg-panel px-1.5 text-xs"
          placeholder="why it is fine (optional)"
          aria-label="note on dismissing"
          value={note}
          maxLength={200}
          onChange={(e) => setNote(e.target.value)}
        />
        <Button size="small" type="submit">
          dismiss
        </Button>
      </form>
    </div>
  );
}
