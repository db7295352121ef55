'use client';

import { Ago } from '~/app/_components/Ago';
import { useView } from '~/app/_live/useRun';
import type { Json } from '~/shared/setup';
import { isOpened, type RunView } from '~/shared/view';
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
  const { project, group, jobType, tags, notes, config } = about.setup;
  const facts = [
    ['Project', project],
    ['Group', group],
    ['Job type', jobType],
    ['Tags', tags.join(', ')],
  ].filter((f): f is [string, string] => !!f[1]);
  return (
    <div className="space-y-2 text-xs">
      <Presence {...about} />
      {traceback && (
        <details open>
          <summary className="cursor-pointer text-bad">Traceback</summary>
          <pre className="mt-1 rounded bg-bg p-2 font-mono text-2xs break-words whitespace-pre-wrap" data-testid="traceback">
            {traceback}
          </pre>
        </details>
      )}
      <dl className="grid grid-cols-[auto_1fr] gap-x-3 gap-y-0.5">
        {facts.map(([label, text]) => (
          <div key={label} className="col-span-2 grid grid-cols-subgrid">
            <dt className="text-dim">{label}</dt>
            <dd className="text-right break-words" dir="auto">
              {text}
            </dd>
          </div>
        ))}
      </dl>
      {notes && <p className="whitespace-pre-wrap text-dim">{notes}</p>}
      {Object.keys(config).length > 0 && (
        <details>
          <summary className="cursor-pointer text-dim">Config</summary>
          <div className="relative mt-1 max-h-72 overflow-y-auto font-mono" data-testid="config">
            <Tree value={config} />
          </div>
        </details>
      )}
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

/** Nested settings, to any depth. */
function Tree({ value }: { value: Json }) {
  if (typeof value !== 'object' || value === null) return <span className="break-all text-accent">{JSON.stringify(value)}</span>;
  if (Array.isArray(value) && value.every((v) => typeof v !== 'object' || v === null))
    return <span className="break-all text-accent">{JSON.stringify(value)}</span>;
  return (
    <ul className="space-y-0.5">
      {Object.entries(value).map(([key, inner]) => (
        <li key={key} className="min-w-0">
          <span className="text-dim" dir="auto">
            {key}
          </span>
          {': '}
          {typeof inner === 'object' && inner !== null && Object.keys(inner).length > 0 ? (
            <div className="ml-3 border-l border-line pl-2">
              <Tree value={inner} />
            </div>
          ) : (
            <Tree value={inner} />
          )}
        </li>
      ))}
    </ul>
  );
}
