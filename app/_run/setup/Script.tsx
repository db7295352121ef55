import { Ago } from '~/app/_components/Ago';
import { useView } from '~/app/_live/useRun';
import { isOpened, type RunView } from '~/shared/view';
import { Lines } from './Lines';
import { restartWords } from './restartWords';

/** Only for runs that a script opened: what the script declares, whether its process is alive, and how to restart it. */
export function Script() {
  const opened = useView(isOpened, false);
  const about = useView(
    (v) => ({
      setup: v.setup,
      status: v.status,
      trainer: v.trainer,
      released: v.released,
      at: v.recent.statuses.items.at(-1)?.at ?? v.createdAt,
    }),
    null,
  );
  const traceback = useView((v) => v.traceback, null);
  const restart = useView(restartWords, null);
  if (!about || !opened) return null;
  const { tags, notes } = about.setup;
  return (
    <div className="space-y-2 text-xs wrap-anywhere">
      <Presence {...about} />
      {traceback && (
        <details open>
          <summary className="cursor-pointer text-bad">Traceback</summary>
          <pre className="mt-1 rounded bg-bg p-2 font-mono text-2xs break-words whitespace-pre-wrap" data-testid="traceback">
            {traceback}
          </pre>
        </details>
      )}
      <Lines lines={[['Tags', tags.join(', ') || null]]} />
      {notes && <p className="whitespace-pre-wrap text-dim">{notes}</p>}
      {restart && (
        <p className="text-dim" data-testid="restart">
          {restart}
        </p>
      )}
    </div>
  );
}

function Presence({ status, trainer, released, at }: Pick<RunView, 'status' | 'trainer' | 'released'> & { at: number }) {
  const where = trainer ? `${trainer.name} on ${trainer.host}` : 'no process yet';
  const away = released || status === 'waiting' || status === 'crashed';
  const over = status === 'finished' || status === 'stopped' || status === 'failed';
  return (
    <p data-testid="owner">
      <span className="font-medium">{where}</span>{' '}
      {away ? (
        <span className={status === 'crashed' ? 'text-bad' : 'text-warn'}>
          {released ? 'let go of the run' : 'is away'}, <Ago at={at} suffix=" ago" />
        </span>
      ) : (
        <span className="text-dim">{over ? 'has ended' : 'is connected'}</span>
      )}
    </p>
  );
}
