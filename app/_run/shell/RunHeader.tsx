import { Copy } from 'lucide-react';
import Link from 'next/link';
import { Select } from '~/app/_components/Field';
import { count, duration, measured, percent } from '~/app/_components/format';
import { LinkState } from '~/app/_components/LinkState';
import { LongName } from '~/app/_components/LongName';
import { PaletteButton } from '~/app/_components/PaletteHost';
import { Progress } from '~/app/_components/Progress';
import { StatusBadge } from '~/app/_components/StatusBadge';
import { Mark, ThemeToggle } from '~/app/_components/TopBar';
import { usePresence, usePresent } from '~/app/_live/PresenceProvider';
import { useRun, useView } from '~/app/_live/useRun';
import { arranged, type LayoutName, layoutNames, useWorkspace, workspace } from '~/app/_live/workspace';
import { BranchButton } from '~/app/_run/steering/BranchDialog';
import { Family } from '~/app/_run/steering/Family';
import { PauseButton } from '~/app/_run/timeline/PauseButton';
import { latestOf, latestWithRole, mainSeries, seriesWithRole } from '~/shared/streams';
import { Bell } from './Bell';
import { People } from './People';
import { ShareMenu } from './ShareMenu';
import { ShortcutHelp } from './Shortcuts';
import { useNarrow, usePresenting } from './useMedia';

/** The run's status, its progress and remaining time, who is watching, and the Pause button. Always visible. */
export function RunHeader() {
  const narrow = useNarrow();
  const presenting = usePresenting();
  const { link, error } = useRun(({ link, error }) => ({ link, error }));
  const head = useView(
    (v) => ({
      name: v.setup.name,
      status: v.status,
      message: v.statusMessage,
      copyOf: v.copyOf ?? null,
    }),
    null,
  );
  if (!head) return null;
  return (
    <header className="shrink-0 border-b border-line bg-panel">
      <div
        className={`flex min-h-10 ${presenting ? 'whitespace-nowrap' : 'flex-wrap'} items-center gap-x-3 gap-y-0.5 px-2 py-1 sm:px-3`}
      >
        <Link
          href="/"
          prefetch={false}
          className="-m-1 inline-flex items-center p-1"
          aria-label="Headroom: all runs"
          title="All runs"
        >
          <Mark />
        </Link>
        <h1 className={`min-w-0 truncate text-sm font-semibold ${narrow ? 'flex-1' : 'max-w-xs'}`} title={head.name}>
          {head.name}
        </h1>
        {!narrow && <Family />}
        {head.copyOf && !narrow && (
          <Link
            href={`/runs/${head.copyOf}`}
            className="inline-flex items-center gap-1 text-xs text-dim hover:text-ink"
            title={`Imported as a copy of run ${head.copyOf}`}
          >
            <Copy aria-hidden size={12} />
            copy of {head.copyOf}
          </Link>
        )}
        <span
          className={
            narrow ? 'order-last flex w-full flex-wrap items-center gap-x-3 low:sm:order-none low:sm:w-auto' : 'contents'
          }
        >
          <span role="status" data-testid="status">
            <StatusBadge status={head.status} message={head.message} />
          </span>
          <Pace />
          {narrow && link !== 'live' && <LinkState link={link} error={error} />}
        </span>
        {!narrow && <Newest />}
        <span className="ml-auto flex items-center gap-1.5">
          <PauseButton />
          {!narrow && !presenting && <BranchButton />}
          <People />
          <Bell />
          {!narrow && (
            <>
              <LinkState link={link} error={error} />
              <Layout />
              {!presenting && <ShareMenu />}
              <PaletteButton />
              <ShortcutHelp />
              {!presenting && <ThemeToggle />}
            </>
          )}
        </span>
      </div>
      <RunProgress />
    </header>
  );
}

function RunProgress() {
  const { step, total } = useView((v) => ({ step: v.step, total: v.totalSteps }), { step: 0, total: 0 });
  return <Progress step={step} total={total} label="Progress of the run" />;
}

const layoutWords: Record<LayoutName, string> = { steer: 'Steer', watch: 'Watch', review: 'Review', present: 'Present' };

/** Arranges the page for a task. Presenting is also leading: the other people are asked to follow. */
function Layout() {
  const layout = useWorkspace((w) => w.layout);
  const presence = usePresence();
  const alone = usePresent((p) => p.others.length === 0);
  const choose = (next: LayoutName) => {
    workspace.set(arranged(next));
    if (next === 'present' && !alone) presence.lead(true);
    else if (layout === 'present') presence.lead(false);
  };
  return (
    <label className="flex items-center gap-1.5 text-xs text-dim">
      <span className="max-2xl:sr-only">Layout</span>
      <Select
        title="Steer: curves and controls. Watch: curves and what happens. Review: curves beside attention. Present: large type, the others are asked to follow"
        className="w-auto! font-sans"
        options={layoutNames.map((value) => ({ value, text: layoutWords[value] }))}
        value={layout}
        onPick={choose}
      />
    </label>
  );
}

/** The run's progress, as far as it is known. */
function Pace() {
  const presenting = usePresenting();
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
  const moves = pace.moving && rate !== null && rate > 0;
  return (
    <dl className={presenting ? `${listClass} flex-nowrap!` : listClass}>
      <div>
        <dt>step</dt>
        <dd data-testid="step">{count(step)}</dd>
        {total > 0 && <dd className="text-dim"> of {count(total)}</dd>}
      </div>
      {moves && left > 0 && Number.isFinite(rate) && (
        <div>
          <dd>{duration((left / rate) * 1000)}</dd>
          <dt className="ml-1">left</dt>
        </div>
      )}
      {epoch !== null && (
        <div className={`hidden ${presenting ? '2xl:block' : 'lg:block'}`}>
          <dt>epoch</dt>
          <dd>{Number.isFinite(epoch) ? epoch.toFixed(1) : measured(epoch)}</dd>
          {perEpoch > 0 && total > 0 && <dd className="text-dim"> of {Math.max(1, Math.round(total / perEpoch))}</dd>}
        </div>
      )}
      {moves && !presenting && (
        <div className="hidden xl:block">
          {/* Steps of minutes or hours are told by how long one takes. */}
          <dd>{rate < 0.1 ? duration(1000 / rate) : measured(rate, 3)}</dd>
          <dt className="ml-1">{rate < 0.1 ? 'per step' : 'steps/s'}</dt>
        </div>
      )}
    </dl>
  );
}

const listClass =
  'flex flex-wrap items-baseline gap-x-3 font-mono text-xs [&_dd]:inline [&_dt]:mr-1 [&_dt]:inline [&_dt]:font-sans [&_dt]:text-dim';

/** Newest values at the last step of the main series, loss and accuracy. Series that the run does not record are left out. */
function Newest() {
  const values = useView((v) => {
    const shown = [mainSeries(v), seriesWithRole(v, 'loss'), seriesWithRole(v, 'accuracy')].filter((s) => s !== null);
    return [...new Map(shown.map((s) => [s.name, s])).values()].flatMap((s) => {
      const value = latestOf(v, s.name);
      return value === null ? [] : [`${s.name}\n${s.role === 'accuracy' && !s.unit ? percent(value) : measured(value)}`];
    });
  }, none);
  return (
    <dl className={`${listClass} hidden 2xl:flex`} data-testid="newest" title="Values of the newest step">
      {values.map((text) => {
        const [name, value] = text.split('\n');
        return (
          <div key={name}>
            <dt className="align-bottom inline-block!">
              <LongName className="max-w-32">{name!}</LongName>
            </dt>
            <dd>{value}</dd>
          </div>
        );
      })}
    </dl>
  );
}
const none: string[] = [];
