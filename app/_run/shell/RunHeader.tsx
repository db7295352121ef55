'use client';

import { Copy, Cpu } from 'lucide-react';
import Link from 'next/link';
import { count, duration, measured, percent } from '~/app/_components/format';
import { LinkState } from '~/app/_components/LinkState';
import { Popup } from '~/app/_components/Popup';
import { Progress } from '~/app/_components/Progress';
import { StatusBadge } from '~/app/_components/StatusBadge';
import { ThemeToggle, TopBar } from '~/app/_components/TopBar';
import { useRun, useView } from '~/app/_live/useRun';
import { BranchButton } from '~/app/_run/steering/BranchDialog';
import { Family } from '~/app/_run/steering/Family';
import { Transport } from '~/app/_run/timeline/Transport';
import { latestOf, latestWithRole, mainSeries, seriesWithRole } from '~/shared/streams';
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
            <Newest />
            <Device />
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

/** Where the run is: only what is known of it. */
function Pace() {
  const pace = useView(
    (v) => ({
      step: v.step,
      total: v.totalSteps,
      perEpoch: v.stepsPerEpoch,
      epoch: latestWithRole(v, 'epoch'),
      rate: latestWithRole(v, 'stepsPerSecond'),
      moving: v.status === 'running',
    }),
    null,
  );
  if (!pace) return null;
  const { step, total, perEpoch, rate } = pace;
  const epoch = perEpoch > 0 ? step / perEpoch : pace.epoch;
  const left = total - step;
  return (
    <dl className={listClass}>
      <div>
        <dt>step</dt>
        <dd data-testid="step">{count(step)}</dd>
        {total > 0 && <dd className="text-dim">/{count(total)}</dd>}
      </div>
      {epoch !== null && (
        <div className="hidden sm:block">
          <dt>epoch</dt>
          <dd>{Number.isFinite(epoch) ? epoch.toFixed(1) : measured(epoch)}</dd>
          {perEpoch > 0 && total > 0 && <dd className="text-dim">/{Math.max(1, Math.round(total / perEpoch))}</dd>}
        </div>
      )}
      {pace.moving && rate !== null && rate > 0 && (
        <>
          <div className="hidden md:block">
            <dd>{measured(rate, 3)}</dd>
            <dt className="ml-1">steps/s</dt>
          </div>
          {left > 0 && Number.isFinite(rate) && (
            <div>
              <dt>left</dt>
              <dd>{duration((left / rate) * 1000)}</dd>
            </div>
          )}
        </>
      )}
    </dl>
  );
}

const listClass =
  'flex flex-wrap items-baseline gap-x-3 font-mono text-xs [&_dd]:inline [&_dt]:mr-1 [&_dt]:inline [&_dt]:font-sans [&_dt]:text-dim';

/** The newest values of what says how the run goes: its main series, loss and accuracy. What the run does not record is not there. */
function Newest() {
  const values = useView((v) => {
    const shown = [mainSeries(v), seriesWithRole(v, 'loss'), seriesWithRole(v, 'accuracy')].filter((s) => s !== null);
    return [...new Map(shown.map((s) => [s.name, s])).values()].flatMap((s) => {
      const value = latestOf(v, s.name);
      return value === null ? [] : [`${s.name}\n${s.role === 'accuracy' && !s.unit ? percent(value) : measured(value)}`];
    });
  }, none);
  return (
    <dl className={`${listClass} hidden lg:flex`} data-testid="newest">
      {values.map((text) => {
        const [name, value] = text.split('\n');
        return (
          <div key={name}>
            <dt className="max-w-32 truncate align-bottom inline-block!" title={name}>
              {name}
            </dt>
            <dd>{value}</dd>
          </div>
        );
      })}
    </dl>
  );
}
const none: string[] = [];

function Device() {
  const { device, trainer } = useView((v) => ({ device: v.device, trainer: v.trainer }), { device: null, trainer: null });
  if (!device) return null;
  const name = device.backend ?? device.device;
  const tried = device.tried ?? [];
  return (
    <span className="hidden text-xs text-dim sm:inline">
      <Popup
        title={`Trained on ${name}`}
        trigger={
          <>
            <Cpu aria-hidden size={13} />
            <span className="max-w-40 truncate">{name}</span>
            {tried.length > 0 && <span title="other backends were passed over">*</span>}
          </>
        }
      >
        <dl className="space-y-1">
          <div>
            <dt className="inline text-dim">Device: </dt>
            <dd className="inline">{device.device}</dd>
          </div>
          {device.software !== undefined && (
            <div>
              <dt className="inline text-dim">Software: </dt>
              <dd className="inline">{device.software}</dd>
            </div>
          )}
          {trainer && (
            <div>
              <dt className="inline text-dim">Trainer: </dt>
              <dd className="inline">
                {trainer.name} on {trainer.host}
              </dd>
            </div>
          )}
        </dl>
        {tried.length > 0 && (
          <>
            <p className="mt-2 text-dim">Tried before, and passed over:</p>
            <ul className="mt-1 space-y-1">
              {tried.map((t) => (
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
