import { useTheme } from 'next-themes';
import { useEffect } from 'react';
import { moveByKey } from '~/app/_charts/cursorKeys';
import { count, dateTime, isoTime } from '~/app/_components/format';
import { Panel } from '~/app/_components/Panel';
import { StatusBadge } from '~/app/_components/StatusBadge';
import { Mark, ThemeToggle } from '~/app/_components/TopBar';
import { setCursor } from '~/app/_live/cursor';
import { useSample } from '~/app/_live/lists';
import { useView } from '~/app/_live/useRun';
import { useUrlState } from '~/app/_live/useUrlState';
import { ActivityPanel } from '~/app/_run/activity/ActivityPanel';
import { EvaluationsPanel } from '~/app/_run/activity/EvaluationsPanel';
import { AttentionPanel } from '~/app/_run/attention/AttentionPanel';
import { ConsolePanel } from '~/app/_run/console/ConsolePanel';
import { CurvesPanel } from '~/app/_run/curves/CurvesPanel';
import { GradientPanel } from '~/app/_run/curves/GradientPanel';
import { NotesPanel } from '~/app/_run/notes/NotesPanel';
import { SamplesPanel } from '~/app/_run/samples/SamplesPanel';
import { SetupList } from '~/app/_run/shell/Setup';
import { SystemPanel } from '~/app/_run/system/SystemPanel';
import { Scrubber, togglePlay } from '~/app/_run/timeline/Scrubber';
import type { ReplayManifest } from '~/shared/replayFile';
import { wordsOf } from './words';

/** The room of a run as it was: the panels of the live one, less what steers. */
export function Replay({ manifest }: { manifest: ReplayManifest }) {
  useUrlState();
  useKeys();
  const title = useView((v) => `${v.setup.name} · replay`, 'Replay');
  const recorded = useView(
    ({ counts: c }) => ({ maps: c.snapshots.count > 0, evaluations: c.evaluations.count > 0, notes: c.notes.count > 0 }),
    { maps: false, evaluations: false, notes: false },
  );
  useEffect(() => {
    document.title = title;
  }, [title]);
  return (
    <>
      <Header manifest={manifest} />
      <main className="mx-auto grid max-w-[120rem] grid-cols-1 gap-2 p-2 lg:grid-cols-[minmax(0,1fr)_20rem] 2xl:grid-cols-[minmax(0,1fr)_22rem]">
        <div className="flex min-w-0 flex-col gap-2">
          <Scrubber />
          <CurvesPanel />
          <SamplesPanel />
          {recorded.maps && <AttentionPanel />}
          <GradientPanel />
          <SystemPanel />
          <ConsolePanel />
        </div>
        <aside aria-label="Record" className="flex min-w-0 flex-col gap-2">
          <Panel title="This file">
            <ul className="space-y-1 px-3 py-2 text-xs" data-testid="contents">
              {wordsOf(manifest).map((line) => (
                <li key={line}>{line}</li>
              ))}
            </ul>
          </Panel>
          {recorded.evaluations && <EvaluationsPanel />}
          {recorded.notes && <NotesPanel />}
          <ActivityPanel />
          <Panel title="Set-up">
            <div className="px-3 py-2">
              <SetupList />
            </div>
          </Panel>
        </aside>
      </main>
    </>
  );
}

function Header({ manifest }: { manifest: ReplayManifest }) {
  const head = useView(
    (v) => ({
      name: v.setup.name,
      pictures: v.data,
      status: v.status,
      message: v.statusMessage,
      step: v.step,
      device: v.device,
    }),
    null,
  );
  if (!head) return null;
  return (
    <header className="flex min-h-11 flex-wrap items-center gap-x-4 gap-y-1 border-b border-line bg-panel px-3 py-1.5 sm:px-4">
      <span className="inline-flex items-center gap-2 font-semibold tracking-tight">
        <Mark />
        <span className="hidden sm:inline">Headroom</span>
        <span className="rounded bg-accent/15 px-1.5 text-xs text-accent">replay</span>
      </span>
      <h1 className="min-w-0 truncate text-sm font-semibold" title={head.name}>
        {head.name}
      </h1>
      <StatusBadge status={head.status} message={head.message} />
      <span className="font-mono text-xs">
        <span className="font-sans text-dim">steps</span> {count(head.step)}
      </span>
      {head.pictures && <span className="text-xs text-dim">{head.pictures}</span>}
      {head.device && (
        <span className="text-xs text-dim" title={head.device.device}>
          {head.device.backend ?? head.device.device}
        </span>
      )}
      <span className="ml-auto flex items-center gap-3 text-xs text-dim">
        <span>
          run {manifest.runId}, as of <time dateTime={isoTime(manifest.exportedAt)}>{dateTime(manifest.exportedAt)}</time>
        </span>
        <ThemeToggle />
      </span>
    </header>
  );
}

/** Keys that a focused field, list or map does not want for itself move the page through the run. */
function useKeys(): void {
  const stops = useSample('snapshots');
  const { resolvedTheme, setTheme } = useTheme();
  useEffect(() => {
    const steps = stops.map((s) => s.step).sort((a, b) => a - b);
    const onKey = (event: KeyboardEvent) => {
      const at = event.target instanceof Element ? event.target : null;
      if (event.defaultPrevented || at?.closest('input, select, textarea, [role="slider"], [role="grid"], [role="dialog"]'))
        return;
      // A focused button takes Space itself, and a list that scrolls its arrows.
      if (event.key === ' ' && at?.closest('button, a, summary, [role="button"]')) return;
      if (event.key !== ' ' && at !== null && at !== document.body && at.closest('[tabindex="0"]')) return;
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === ' ') window.dispatchEvent(new Event(togglePlay));
      else if (event.key.toLowerCase() === 't') setTheme(resolvedTheme === 'dark' ? 'light' : 'dark');
      else if (event.key.toLowerCase() === 'z') setCursor.zoom(null);
      else if (!moveByKey(event, setCursor, steps)) return;
      event.preventDefault();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [stops, resolvedTheme, setTheme]);
}
