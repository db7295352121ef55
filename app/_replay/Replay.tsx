import { useTheme } from 'next-themes';
import { useEffect } from 'react';
import { moveByKey } from '~/app/_charts/cursorKeys';
import { buttonClass } from '~/app/_components/Button';
import { openShortcuts } from '~/app/_components/commands';
import { count, dateTime, isoTime } from '~/app/_components/format';
import { keyLists, type List } from '~/app/_components/keyLists';
import { Popup } from '~/app/_components/Popup';
import { StatusBadge } from '~/app/_components/StatusBadge';
import { Mark, ThemeToggle } from '~/app/_components/TopBar';
import { setCursor } from '~/app/_live/cursor';
import { useSample } from '~/app/_live/lists';
import { useView } from '~/app/_live/useRun';
import { useUrlState } from '~/app/_live/useUrlState';
import { Shell } from '~/app/_run/shell/Shell';
import { ShortcutHelp, Shortcuts } from '~/app/_run/shell/Shortcuts';
import { useRemembered } from '~/app/_run/shell/useRemembered';
import { togglePlay } from '~/app/_run/timeline/Timeline';
import type { ReplayManifest } from '~/shared/replayFile';
import { wordsOf } from './words';

/** The recorded page of a run: the panels of the live page, without controls. */
export function Replay({ manifest }: { manifest: ReplayManifest }) {
  useUrlState();
  useRemembered();
  useKeys();
  const title = useView((v) => `${v.setup.name} · replay`, 'Replay');
  useEffect(() => {
    document.title = title;
  }, [title]);
  return (
    <>
      <Shell header={<Header manifest={manifest} />} more={<Contents manifest={manifest} />} />
      <Shortcuts of={[keyLists.onReplay, keyLists.onTimeline, readOnly(keyLists.onCharts), readOnly(keyLists.onAttention)]} />
    </>
  );
}

/** The keys with their meaning where nothing can be written. */
const readOnly = ({ title, keys }: List): List => ({
  title,
  keys: keys.flatMap(([key, meaning, reading = meaning]) => (reading === null ? [] : [[key, reading] as const])),
});

/** Lists the contents of the file. */
function Contents({ manifest }: { manifest: ReplayManifest }) {
  return (
    <Popup title="This file" trigger="This file" className={buttonClass('plain', 'small')}>
      <ul className="space-y-1 text-xs" data-testid="contents">
        {wordsOf(manifest).map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
    </Popup>
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
        <Contents manifest={manifest} />
        <ShortcutHelp />
        <ThemeToggle />
      </span>
    </header>
  );
}

/** Keys that move the page through the run, unless the focused field, list or map handles them. */
function useKeys(): void {
  const stops = useSample('snapshots');
  const { resolvedTheme, setTheme } = useTheme();
  useEffect(() => {
    const steps = stops.map((s) => s.step).sort((a, b) => a - b);
    const onKey = (event: KeyboardEvent) => {
      const at = event.target instanceof Element ? event.target : null;
      if (event.defaultPrevented || at?.closest('input, select, textarea, [role="slider"], [role="grid"], [role="dialog"]'))
        return;
      // A focused button handles Space; a scrolling list handles the arrow keys.
      if (event.key === ' ' && at?.closest('button, a, summary, [role="button"]')) return;
      if (event.key !== ' ' && at !== null && at !== document.body && at.closest('[tabindex="0"]')) return;
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === ' ') window.dispatchEvent(new Event(togglePlay));
      else if (event.key.toLowerCase() === 't') setTheme(resolvedTheme === 'dark' ? 'light' : 'dark');
      else if (event.key === '?') window.dispatchEvent(new Event(openShortcuts, { cancelable: true }));
      else if (event.key.toLowerCase() === 'z') setCursor.zoom(null);
      else if (!moveByKey(event, setCursor, steps)) return;
      event.preventDefault();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [stops, resolvedTheme, setTheme]);
}
