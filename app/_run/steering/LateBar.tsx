import { useEffect } from 'react';
import { Ago } from '~/app/_components/Ago';
import { Button } from '~/app/_components/Button';
import { useRunStore } from '~/app/_live/RunProvider';
import { useSelected } from '~/app/_live/select';
import { useRun, useView } from '~/app/_live/useRun';
import { late } from '~/app/_live/useSteer';
import { describeCommand } from './steering';

/** Commands given without a connection. Once the server is back, they are sent only if the person confirms them; leaving the run's page calls them off. */
export function LateBar() {
  const { runId } = useRunStore();
  const { waiting: all } = useSelected(late, (l) => l);
  const waiting = all.filter((l) => l.runId === runId);
  useEffect(
    () => () => {
      for (const l of late.get().waiting) if (l.runId === runId) l.decide(false);
    },
    [runId],
  );
  const link = useRun((r) => r.link);
  const view = useView((v) => ({ controls: v.controls }), null);
  if (waiting.length === 0 || !view) return null;
  return (
    <ul aria-label="Waiting for the server" className="border-b border-warn/50 bg-warn/10 px-3 py-1 text-xs">
      {waiting.map((l) => (
        <li key={l.askedAt} className="flex flex-wrap items-center gap-2">
          <span className="min-w-0 flex-1">
            {link === 'live' ? 'The server is back. Still wanted? ' : 'Waiting for the server: '}
            <strong>{describeCommand(view, { ...l.draft, id: 'late', runId })}</strong>, asked for{' '}
            <Ago at={l.askedAt} suffix=" ago" />
          </span>
          {link === 'live' && (
            <Button size="small" look="primary" onClick={() => l.decide(true)}>
              Apply now
            </Button>
          )}
          <Button size="small" onClick={() => l.decide(false)}>
            Call off
          </Button>
        </li>
      ))}
    </ul>
  );
}
