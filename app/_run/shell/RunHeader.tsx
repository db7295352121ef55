'use client';

import { Copy, Cpu } from 'lucide-react';
import Link from 'next/link';
import { count, duration, measured } from '~/app/_components/format';
import { LinkState } from '~/app/_components/LinkState';
import { Popup } from '~/app/_components/Popup';
import { Progress } from '~/app/_components/Progress';
import { StatusBadge } from '~/app/_components/StatusBadge';
import { ThemeToggle, TopBar } from '~/app/_components/TopBar';
import { useRun, useView } from '~/app/_live/useRun';
import { BranchButton } from '~/app/_run/steering/BranchDialog';
import { Family } from '~/app/_run/steering/Family';
import { Transport } from '~/app/_run/timeline/Transport';
import { valueAt } from '~/shared/setup';
import { ended, latestValue } from '~/shared/view';
import { People } from './People';
import { Setup } from './Setup';
import { ShortcutHelp } from './Shortcuts';
import { TakeAway } from './TakeAway';

/** One line that says what the run is doing, where, how fast, and who watches. */
export function RunHeader() {
  const { link, error } = useRun(({ link, error }) => ({ link, error }));
  const head = useView(
    (v) => ({
      name: v.setup.name,
      pictures: v.data,
      status: v.status,
      message: v.statusMessage,
      step: v.step,
      total: v.totalSteps,
      copyOf: v.copyOf ?? null,
    }),
    null,
  );
  return (
    <header className="border-b border-line bg-panel">
      <TopBar>
        {head && (
          <>
            <span aria-hidden className="-mx-2 text-dim">
              /
            </span>
            <h1 className="min-w-0 truncate text-sm font-semibold" title={head.name}>
              {head.name}
            </h1>
            <Family />
            {head.copyOf && (
              <Link
                href={`/runs/${head.copyOf}`}
                className="inline-flex items-center gap-1 text-xs text-dim hover:text-ink"
                title={`Imported as a copy of run ${head.copyOf}`}
              >
                <Copy aria-hidden size={12} />
                copy of {head.copyOf}
              </Link>
            )}
            <span role="status" data-testid="status">
              <StatusBadge status={head.status} message={head.message} />
            </span>
            {head.pictures && <span className="hidden text-xs text-dim sm:inline">{head.pictures}</span>}
            <Pace />
            <Backend />
            <Setup />
            <TakeAway />
          </>
        )}
        <div className="ml-auto flex flex-wrap items-center justify-end gap-x-3 gap-y-1">
          <div className="lg:hidden">
            <Transport compact />
          </div>
          <BranchButton />
          <People />
          <LinkState link={link} error={error} />
          <span className="flex">
            <ShortcutHelp />
            <ThemeToggle />
          </span>
        </div>
      </TopBar>
      {head && <Progress step={head.step} total={head.total} label="Progress of the run" />}
    </header>
  );
}

function Pace() {
  const pace = useView(
    (v) => ({
      step: v.step,
      total: v.totalSteps,
      perEpoch: v.stepsPerEpoch,
      epochs: Number(valueAt(v.setup.config, 'epochs') ?? 0),
      rate: latestValue(v, 'stepsPerSecond'),
      moving: v.status === 'running',
      over: ended(v.status),
    }),
    null,
  );
  if (!pace) return null;
  const { step, total, perEpoch, rate } = pace;
  const left = total - step;
  return (
    <dl className="flex flex-wrap items-baseline gap-x-3 font-mono text-xs [&_dd]:inline [&_dt]:mr-1 [&_dt]:inline [&_dt]:font-sans [&_dt]:text-dim">
      <div>
        <dt>step</dt>
        <dd data-testid="step">{count(step)}</dd>
        {total > 0 && <dd className="text-dim">/{count(total)}</dd>}
      </div>
      {perEpoch > 0 && (
        <div className="hidden sm:block">
          <dt>epoch</dt>
          <dd>{(step / perEpoch).toFixed(1)}</dd>
          <dd className="text-dim">/{Math.max(1, Math.round(total / perEpoch))}</dd>
        </div>
      )}
      {pace.moving && rate !== null && rate > 0 && (
        <>
          <div className="hidden md:block">
            <dd>{measured(rate, 3)}</dd>
            <dt className="ml-1">steps/s</dt>
          </div>
          <div>
            <dt>left</dt>
            <dd>{duration((left / rate) * 1000)}</dd>
          </div>
        </>
      )}
    </dl>
  );
}

function Backend() {
  const { backend, trainer } = useView((v) => ({ backend: v.backend, trainer: v.trainer }), { backend: null, trainer: null });
  if (!backend) return null;
  return (
    <span className="hidden text-xs text-dim sm:inline">
      <Popup
        title={`Trained on ${backend.name}`}
        trigger={
          <>
            <Cpu aria-hidden size={13} />
            {backend.name}
            {backend.tried.length > 0 && <span title="other backends were passed over">*</span>}
          </>
        }
      >
        <dl className="space-y-1">
          <div>
            <dt className="inline text-dim">Device: </dt>
            <dd className="inline">{backend.device}</dd>
          </div>
          {trainer && (
            <div>
              <dt className="inline text-dim">Trainer: </dt>
              <dd className="inline">
                {trainer.name} on {trainer.host}
              </dd>
            </div>
          )}
        </dl>
        {backend.tried.length > 0 && (
          <>
            <p className="mt-2 text-dim">Tried before, and passed over:</p>
            <ul className="mt-1 space-y-1">
              {backend.tried.map((t) => (
                <li key={t.backend}>
                  <span className="font-semibold">{t.backend}</span>: <span className="break-words">{t.reason}</span>
                </li>
              ))}
            </ul>
          </>
        )}
      </Popup>
    </span>
  );
}
