import { Ago } from '~/app/_components/Ago';
import { Button } from '~/app/_components/Button';
import { useSelected } from '~/app/_live/select';
import { useRun, useView } from '~/app/_live/useRun';
import { late } from '~/app/_live/useSteer';
import { describeCommand } from './steering';

/** Commands given without a connection. Once the server is back, they are sent only if the person confirms them. */
export function LateBar() {
  const { waiting } = useSelected(late, (l) => l);
  const link = useRun((r) => r.link);
  const view = useView((v) => ({ controls: v.controls, runId: v.runId }), null);
  if (waiting.length === 0 || !view) return null;
  return (
    <ul aria-label="Waiting for the server" className="border-b border-warn/50 bg-warn/10 px-3 py-1 text-xs">
      {waiting.map((l) => (
        <li key={l.askedAt} className="flex flex-wrap items-center gap-2">
          <span className="min-w-0 flex-1">
            {link === 'live' ? 'The server is back. Still wanted? ' : 'Waiting for the server: '}
            <strong>{describeCommand(view, { ...l.draft, id: 'late', runId: view.runId })}</strong>, asked for{' '}
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
