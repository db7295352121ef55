'use client';

import Link from 'next/link';
import { useEffect, useState } from 'react';
import { buttonClass } from '~/app/_components/Button';
import { count } from '~/app/_components/format';
import { PaletteButton } from '~/app/_components/PaletteHost';
import { PeopleColors } from '~/app/_components/PeopleColors';
import { ProblemBar } from '~/app/_components/ProblemBar';
import { RefusedBar } from '~/app/_components/RefusedBar';
import { statusWord } from '~/app/_components/statusWord';
import { PageHeader, ThemeToggle } from '~/app/_components/TopBar';
import { whenShown } from '~/app/_live/awake';
import { takeEarly } from '~/app/_live/early';
import { PresenceProvider } from '~/app/_live/PresenceProvider';
import { pageTitle } from '~/app/_live/pageTitle';
import { RunProvider, useRunStore } from '~/app/_live/RunProvider';
import { openEarly } from '~/app/_live/runSources';
import { serverTime, silentAfterMs } from '~/app/_live/serverTime';
import { tilesIn } from '~/app/_live/tiles';
import { useRun } from '~/app/_live/useRun';
import { useUrlState } from '~/app/_live/useUrlState';
import { fromWorkspaceParams } from '~/app/_live/workspace';
import { mainCharts } from '~/app/_run/curves/mainCharts';
import { BranchButton } from '~/app/_run/steering/BranchDialog';
import { LateBar } from '~/app/_run/steering/LateBar';
import { useOutcomes } from '~/app/_run/steering/useOutcomes';
import { pointer } from '~/app/_run/timeline/pointer';
import type { RunView } from '~/shared/view';
import { AlarmBar } from './AlarmBar';
import { useBadge } from './Bell';
import { FollowBar } from './People';
import { panelOf } from './panels';
import { useRunCommands } from './RunCommands';
import { RunHeader } from './RunHeader';
import { ShareMenu } from './ShareMenu';
import { Shell } from './Shell';
import { ShortcutHelp, ShortcutList, useShortcuts } from './Shortcuts';
import { Tour } from './Tour';
import { TrashBar } from './TrashBar';
import { useNews } from './useNews';
import { useRemembered } from './useRemembered';
import { Waits } from './Waits';

// The run and the scripts of its panels are requested at once, while React starts.
if (typeof window !== 'undefined')
  whenShown(() => {
    openEarly();
    const { center, side } = fromWorkspaceParams(new URLSearchParams(location.search));
    const open = tilesIn(center).map((tile) => tile.open);
    for (const id of side === null ? open : [...open, side]) void panelOf(id)?.preload();
  });

/** Series of the charts at the top of the page. */
const first = (view: RunView) =>
  mainCharts(
    view.streams.flatMap((s) => s.columns),
    [],
  ).flatMap((c) => c.lines);

/** The page of one run. In a tab that was opened in the background it waits: many may be opened at once. */
export function Room({ runId }: { runId: string }) {
  const [shown, setShown] = useState(() => typeof document !== 'undefined' && !document.hidden);
  useEffect(() => whenShown(() => setShown(true)), []);
  return shown ? <Shown runId={runId} /> : <Waiting runId={runId} />;
}

/** Only its title says which run it is, and how many notifications are unread. */
function Waiting({ runId }: { runId: string }) {
  useBadge();
  useEffect(() => {
    if (document.hidden) void takeEarly(runId).then((found) => found && document.hidden && sayTitle(found.view, Date.now()));
  }, [runId]);
  return <Loading />;
}

function Shown({ runId }: { runId: string }) {
  return (
    <RunProvider runId={runId} first={first} fallback={<Loading />}>
      <PresenceProvider runId={runId} pointer={pointer}>
        <Inside />
      </PresenceProvider>
    </RunProvider>
  );
}

function Inside() {
  const { link, error } = useRun(({ link, error }) => ({ link, error }));
  const there = useRun((r) => r.view !== null);
  if (!there) return link === 'refused' ? <Refused error={error ?? ''} /> : <Loading />;
  return <Opened />;
}

function Opened() {
  useShortcuts();
  useRunCommands();
  useOutcomes();
  useNews();
  useTitle();
  useUrlState();
  useRemembered();
  const here = useRun((r) => r.watchers.listed.map((w) => w.actor.id).join()).split(',');
  return (
    <>
      <PeopleColors seen={here} />
      <ShortcutList />
      <Shell
        header={
          <>
            <RunHeader />
            <FollowBar />
            <Waits />
            <Tour />
            <LinkBar />
            <ProblemBar />
            <TrashBar />
            <LateBar />
            <AlarmBar />
          </>
        }
        more={
          <>
            <BranchButton />
            <ShareMenu />
            <PaletteButton />
            <ShortcutHelp />
            <ThemeToggle />
          </>
        }
      />
    </>
  );
}

/** Warns about the numbers of a page that is not connected. */
function LinkBar() {
  const { link, error } = useRun((r) => ({ link: r.link, error: r.error }));
  if (link === 'silent') return <Silent />;
  if (link === 'refused') return <RefusedBar why={error ?? ''} />;
  if (link === 'resting') return <Rested />;
  if (link !== 'reconnecting') return null;
  return (
    <p role="alert" className="border-b border-warn/50 bg-warn/10 px-4 py-1 text-center text-warn">
      The connection to the server broke: what you see may be old. The run itself goes on.
    </p>
  );
}

/** Least time between two titles: the browser sends each one to its window. */
const titleEveryMs = 1000;

const clockTime = (ms: number) => new Date(ms).toLocaleTimeString();

/** @param asOf when this was so, if it is not known to be so now */
function sayTitle({ step, status, setup }: RunView, asOf: number | null): void {
  pageTitle.say(`${count(step)} ${statusWord(status)}${asOf === null ? '' : ` at ${clockTime(asOf)}`} · ${setup.name}`);
}

/** Shows step, status and name of the run in the title of the tab, without rendering anything. */
function useTitle() {
  const store = useRunStore();
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | null = null;
    let asOf: number | null = null;
    const write = () => {
      timer = null;
      const { view, link } = store.get();
      asOf = link === 'resting' ? (asOf ?? serverTime.now(Date.now())) : null;
      if (view) sayTitle(view, asOf);
    };
    write();
    const stop = store.subscribe(() => {
      timer ??= setTimeout(write, titleEveryMs);
    });
    return () => {
      stop();
      if (timer) clearTimeout(timer);
      pageTitle.say(null);
    };
  }, [store]);
}

function Refused({ error }: { error: string }) {
  return (
    <>
      <PageHeader />
      <main className="px-4 py-20 text-center">
        <h1 className="text-base font-semibold">This run cannot be opened</h1>
        <p className="mt-1 text-dim">{error}</p>
        <Link href="/" className={`${buttonClass('plain')} mt-4`}>
          All runs
        </Link>
      </main>
    </>
  );
}

function Loading() {
  return (
    <div className="flex h-dvh flex-col">
      <PageHeader />
      <main aria-busy className="grid min-h-0 flex-1 gap-px lg:grid-cols-[minmax(0,1fr)_20rem]">
        <h1 className="sr-only">Loading the run</h1>
        <div className="animate-pulse bg-raised" />
        <div className="hidden animate-pulse bg-raised lg:block" />
      </main>
    </div>
  );
}

function Rested() {
  const [since] = useState(() => serverTime.now(Date.now()));
  return (
    <p role="status" className="border-b border-line bg-raised px-4 py-1 text-center text-dim">
      This tab was in the background: what you see is as of {clockTime(since)}, and is being brought up to date.
    </p>
  );
}

/** Warns about a connection that is open but silent: outdated numbers must not look like a run that stands still. */
function Silent() {
  const [since] = useState(() => serverTime.now(Date.now()) - silentAfterMs);
  return (
    <p role="alert" className="border-b border-warn/50 bg-warn/10 px-4 py-1 text-center text-warn">
      Nothing has come from the server since {clockTime(since)}: what you see is as of then.
    </p>
  );
}
