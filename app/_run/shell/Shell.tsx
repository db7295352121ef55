'use client';

import { Tabs } from '@base-ui/react/tabs';
import { Columns2, PanelRightClose, PanelRightOpen, X } from 'lucide-react';
import { type ReactNode, Suspense, useEffect, useRef, useState } from 'react';
import { Button } from '~/app/_components/Button';
import { useReadOnly } from '~/app/_live/readOnly';
import { useRun, useView } from '~/app/_live/useRun';
import { placed, reveal, useWorkspace, workspace } from '~/app/_live/workspace';
import { NotePopup } from '~/app/_run/notes/NotePopup';
import type { Panel } from '~/app/_run/panel';
import { Timeline } from '~/app/_run/timeline/Timeline';
import { Boundary } from './Boundary';
import { panels } from './panels';
import { Split } from './Split';
import { useNarrow } from './useMedia';
import { useRemembered } from './useRemembered';

/** The page around a run's panels: header, center and side panels, and the timeline. Only the panels scroll. */
export function Shell({ header, more }: { header: ReactNode; more?: ReactNode }) {
  useRemembered();
  const narrow = useNarrow();
  const present = useWorkspace((w) => w.layout === 'present');
  const readOnly = useReadOnly();
  const shown = useView((v) => panels.filter((p) => p.shown(v, readOnly)), []);
  useEffect(() => {
    // All sizes on the page are in rem.
    if (present && !narrow) document.documentElement.style.fontSize = '1.375rem';
    return () => {
      document.documentElement.style.fontSize = '';
    };
  }, [present, narrow]);
  return (
    <div className="flex h-dvh flex-col overflow-hidden">
      <nav aria-label="Skip" className="contents">
        {['main', 'side', 'timeline'].map((id) => (
          <a
            key={id}
            href={`#${id}`}
            className="sr-only focus:not-sr-only focus:fixed focus:top-1 focus:left-1 focus:z-60 focus:rounded focus:bg-accent focus:px-2 focus:py-1 focus:text-on-accent"
          >
            {id === 'main' ? 'Skip to the panels' : id === 'side' ? 'Skip to steering' : 'Skip to the timeline'}
          </a>
        ))}
      </nav>
      {header}
      {narrow ? <OneAtATime shown={shown} more={more} /> : <Wide shown={shown} />}
      <NotePopup />
    </div>
  );
}

/** The chosen center panels, of those that this run has. */
function useCenter(shown: readonly Panel[]): Panel[] {
  const ids = useWorkspace((w) => w.center);
  const found = ids.flatMap((id) => shown.find((p) => p.id === id && p.where === 'center') ?? []);
  return found.length > 0 ? found : shown.filter((p) => p.where === 'center').slice(0, 1);
}

function Wide({ shown }: { shown: readonly Panel[] }) {
  const center = useCenter(shown);
  const side = useWorkspace((w) => w.side);
  const beside = shown.filter((p) => p.where === 'side');
  const open = side === null ? null : (beside.find((p) => p.id === side) ?? beside[0] ?? null);
  const pane = (at: number) => <Center key={at} at={at} shown={shown} center={center} />;
  return (
    <>
      <div className="flex min-h-0 flex-1 flex-row-reverse">
        {/* Before the center, so that steering is near in the tab order. */}
        {open && <Side panels={beside} open={open} />}
        <main id="main" tabIndex={-1} className="flex min-h-0 min-w-0 flex-1 outline-none">
          {center.length > 1 ? (
            <Split first={pane(0)} second={pane(1)} />
          ) : (
            <div className="flex min-w-0 flex-1 flex-col">{pane(0)}</div>
          )}
        </main>
      </div>
      <Timeline />
    </>
  );
}

function Center({ at, shown, center }: { at: number; shown: readonly Panel[]; center: readonly Panel[] }) {
  const own = center[at]!;
  const ids = center.map((p) => p.id);
  const choices = shown.filter((p) => p.where === 'center');
  const side = useWorkspace((w) => w.side);
  const last = at === center.length - 1;
  const other = choices.find((p) => !ids.includes(p.id));
  return (
    <TabPanels
      label={center.length > 1 ? `Panels, ${at === 0 ? 'left' : 'right'}` : 'Panels'}
      panels={choices}
      open={own}
      onOpen={(id) => workspace.set({ center: placed(ids, at, id) })}
    >
      {center.length > 1 ? (
        <Button
          look="bare"
          size="icon"
          aria-label={`Close ${own.title}`}
          title="Close this half"
          onClick={() => workspace.set({ center: ids.filter((id) => id !== own.id) })}
        >
          <X aria-hidden size={14} />
        </Button>
      ) : (
        other && (
          <Button
            look="bare"
            size="icon"
            aria-label="Two panels beside each other"
            title="Two panels beside each other"
            onClick={() => workspace.set({ center: [own.id, other.id] })}
          >
            <Columns2 aria-hidden size={14} />
          </Button>
        )
      )}
      {last && side === null && (
        <Button
          look="bare"
          size="icon"
          aria-label="Open steering and activity"
          title="Open steering and activity"
          onClick={() => workspace.set({ side: shown.find((p) => p.where === 'side')?.id ?? null })}
        >
          <PanelRightOpen aria-hidden size={14} />
        </Button>
      )}
    </TabPanels>
  );
}

function Side({ panels: beside, open }: { panels: readonly Panel[]; open: Panel }) {
  return (
    <aside
      id="side"
      tabIndex={-1}
      aria-label="Steering and activity"
      className="flex w-80 min-w-0 shrink-0 flex-col border-l border-line outline-none 2xl:w-96"
    >
      <TabPanels label="Steering and activity" panels={beside} open={open} onOpen={(side) => workspace.set({ side })}>
        <Button
          look="bare"
          size="icon"
          aria-label="Close steering and activity"
          title="Close"
          onClick={() => workspace.set({ side: null })}
        >
          <PanelRightClose aria-hidden size={14} />
        </Button>
      </TabPanels>
    </aside>
  );
}

/** Tabs of panels; one of them is open. */
function TabPanels(props: {
  label: string;
  panels: readonly Panel[];
  open: Panel;
  onOpen(id: string): void;
  /** Shown after the tabs. */
  children: ReactNode;
}) {
  const { label, open } = props;
  const counts = useView((v) => props.panels.map((p) => p.count?.(v) ?? 0), []);
  return (
    <Tabs.Root value={open.id} onValueChange={(id) => props.onOpen(String(id))} className="flex min-h-0 flex-1 flex-col">
      <div className="flex shrink-0 items-center border-b border-line bg-panel pr-1">
        <Tabs.List aria-label={label} className="flex min-w-0 flex-1 overflow-x-auto [scrollbar-width:none]">
          {props.panels.map((p, i) => (
            <Tabs.Tab
              key={p.id}
              value={p.id}
              onPointerEnter={() => void p.preload()}
              className="h-8 shrink-0 border-b-2 border-transparent px-2.5 text-xs font-medium whitespace-nowrap text-dim outline-offset-[-2px] hover:text-ink aria-selected:border-accent aria-selected:text-ink"
            >
              {p.title}
              {counts[i]! > 0 && <span className="ml-1 rounded-sm bg-raised px-1 text-2xs text-dim">{counts[i]}</span>}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {props.children}
      </div>
      {props.panels.map((p) => (
        <Tabs.Panel
          key={p.id}
          value={p.id}
          keepMounted={p.keeps}
          className="min-h-0 flex-1 overflow-y-auto bg-panel outline-offset-[-2px] data-[hidden]:hidden"
        >
          {p.keeps ? <Kept open={p === open} panel={p} /> : <Body panel={p} />}
        </Tabs.Panel>
      ))}
    </Tabs.Root>
  );
}

/** Mounts a panel when it is first opened, and keeps it mounted. */
function Kept({ panel, open }: { panel: Panel; open: boolean }) {
  const opened = useRef(false);
  opened.current ||= open;
  return opened.current && <Body panel={panel} />;
}

function Body({ panel: { id, title, Body } }: { panel: Panel }) {
  return (
    <Boundary key={id} title={title}>
      <Suspense fallback={<p className="px-3 py-4 text-dim">Opening {title} …</p>}>
        <Body />
      </Suspense>
    </Boundary>
  );
}

/** Panels in a phone's bar; the others are under More. */
const inBar = ['curves', 'attention', 'steer', 'activity'];

function OneAtATime({ shown, more }: { shown: readonly Panel[]; more: ReactNode }) {
  const center = useCenter(shown);
  const last = useWorkspace((w) => w.last);
  const [opened, setOpened] = useState(false);
  const open = shown.find((p) => p.id === last) ?? center[0] ?? shown[0];
  const proposals = useRun((r) => r.view?.openCommands.some((c) => c.outcome.status === 'proposed') ?? false);
  const choose = (p: Panel) => {
    setOpened(false);
    reveal(p.id, p.where);
  };
  if (!open) return null;
  const bar = shown.filter((p) => inBar.includes(p.id));
  const rest = shown.filter((p) => !inBar.includes(p.id));
  return (
    <>
      <main id="main" tabIndex={-1} className="relative min-h-0 flex-1 overflow-y-auto bg-panel outline-none">
        <Body panel={open} />
      </main>
      <Timeline />
      {opened && (
        <section id="side" aria-label="More" className="max-h-[60dvh] shrink-0 overflow-y-auto border-t border-line bg-panel p-2">
          <div className="grid grid-cols-2 gap-1">
            {rest.map((p) => (
              <Button key={p.id} className="h-10 justify-start!" onClick={() => choose(p)}>
                <p.icon aria-hidden size={15} /> {p.title}
              </Button>
            ))}
          </div>
          <div className="mt-2 flex flex-wrap items-center gap-2 border-t border-line pt-2">{more}</div>
        </section>
      )}
      <nav aria-label="Panels" className="flex shrink-0 border-t border-line bg-panel pb-[env(safe-area-inset-bottom)]">
        {bar.map((p) => (
          <BarButton
            key={p.id}
            icon={p.icon}
            title={p.title}
            on={p === open && !opened}
            dot={p.id === 'steer' && proposals}
            onClick={() => choose(p)}
          />
        ))}
        <BarButton icon={Columns2} title="More" on={opened} dot={false} onClick={() => setOpened(!opened)} />
      </nav>
    </>
  );
}

function BarButton(props: { icon: Panel['icon']; title: string; on: boolean; dot: boolean; onClick(): void }) {
  return (
    <button
      type="button"
      aria-pressed={props.on}
      onClick={props.onClick}
      className="relative flex h-12 min-w-0 flex-1 flex-col items-center justify-center gap-0.5 text-2xs text-dim aria-pressed:text-accent"
    >
      <props.icon aria-hidden size={17} />
      {props.title}
      {props.dot && <span className="absolute top-1.5 ml-6 size-2 rounded-full bg-warn" />}
    </button>
  );
}
