'use client';

import Link from 'next/link';
import { useEffect, useState } from 'react';
import { buttonClass } from '~/app/_components/Button';
import { count } from '~/app/_components/format';
import { PeopleColours } from '~/app/_components/PeopleColours';
import { statusWord } from '~/app/_components/statusWord';
import { TopBar } from '~/app/_components/TopBar';
import { PresenceProvider } from '~/app/_live/PresenceProvider';
import { RunProvider } from '~/app/_live/RunProvider';
import { serverTime, silentAfterMs } from '~/app/_live/serverTime';
import { useRun, useView } from '~/app/_live/useRun';
import { useUrlState } from '~/app/_live/useUrlState';
import { ActivityPanel } from '~/app/_run/activity/ActivityPanel';
import { EvaluationsPanel } from '~/app/_run/activity/EvaluationsPanel';
import { AttentionPanel } from '~/app/_run/attention/AttentionPanel';
import { ConsolePanel } from '~/app/_run/console/ConsolePanel';
import { CurvesPanel } from '~/app/_run/curves/CurvesPanel';
import { GradientPanel } from '~/app/_run/curves/GradientPanel';
import { NotesPanel } from '~/app/_run/notes/NotesPanel';
import { SamplesPanel } from '~/app/_run/samples/SamplesPanel';
import { SteeringPanel } from '~/app/_run/steering/SteeringPanel';
import { useOutcomes } from '~/app/_run/steering/useOutcomes';
import { SystemPanel } from '~/app/_run/system/SystemPanel';
import { pointer } from '~/app/_run/timeline/pointer';
import { Scrubber } from '~/app/_run/timeline/Scrubber';
import { FollowBar } from './People';
import { RunHeader } from './RunHeader';
import { ScriptPanel } from './ScriptPanel';
import { useShortcuts } from './Shortcuts';
import { Waits } from './Waits';

/** The page of one run. */
export function Room({ runId }: { runId: string }) {
  return (
    <RunProvider runId={runId} fallback={<Loading />}>
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
  useOutcomes();
  useTitle();
  useUrlState();
  const { link, error } = useRun((r) => ({ link: r.link, error: r.error }));
  const here = useRun((r) => r.watchers.map((w) => w.actor.id).join()).split(',');
  return (
    <>
      <PeopleColours seen={here} />
      <RunHeader />
      <FollowBar />
      <Waits />
      {link === 'refused' && (
        <p role="alert" className="border-b border-bad/50 bg-bad/10 px-4 py-1 text-center text-bad">
          {error} What you see is as it was then.
        </p>
      )}
      {link === 'silent' && <Silent />}
      {link === 'reconnecting' && (
        <p role="alert" className="border-b border-warn/50 bg-warn/10 px-4 py-1 text-center text-warn">
          The connection to the server broke: what you see may be old. The run itself goes on.
        </p>
      )}
      <main className="mx-auto grid max-w-[120rem] grid-cols-1 gap-2 p-2 lg:grid-cols-[minmax(0,1fr)_20rem] 2xl:grid-cols-[minmax(0,1fr)_22rem]">
        <div className="flex min-w-0 flex-col gap-2">
          <Scrubber />
          <CurvesPanel />
          <AttentionPanel />
          <SamplesPanel />
          <GradientPanel />
          <ConsolePanel />
          <SystemPanel />
        </div>
        <aside aria-label="Steering and activity" className="flex min-w-0 flex-col gap-2">
          <ScriptPanel />
          <SteeringPanel />
          <EvaluationsPanel />
          <NotesPanel />
          <ActivityPanel />
        </aside>
      </main>
    </>
  );
}

function useTitle() {
  const title = useView((v) => `${count(v.step)} ${statusWord(v.status)} · ${v.setup.name}`, 'Headroom');
  useEffect(() => {
    document.title = title;
    return () => {
      document.title = 'Headroom';
    };
  }, [title]);
}

function Refused({ error }: { error: string }) {
  return (
    <>
      <header className="border-b border-line bg-panel">
        <TopBar />
      </header>
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
    <>
      <header className="border-b border-line bg-panel">
        <TopBar />
      </header>
      <main aria-busy className="grid gap-2 p-2 lg:grid-cols-[minmax(0,1fr)_20rem]">
        <h1 className="sr-only">Loading the run</h1>
        <div className="h-96 animate-pulse rounded bg-raised" />
        <div className="h-96 animate-pulse rounded bg-raised" />
      </main>
    </>
  );
}

/** A connection that is open and carries nothing: numbers that stand still must not look like a run that stands still. */
function Silent() {
  const [since] = useState(() => serverTime.now(Date.now()) - silentAfterMs);
  return (
    <p role="alert" className="border-b border-warn/50 bg-warn/10 px-4 py-1 text-center text-warn">
      Nothing has come from the server since {new Date(since).toLocaleTimeString()}: what you see is as of then.
    </p>
  );
}
