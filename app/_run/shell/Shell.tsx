import { Ellipsis, PanelRightClose } from 'lucide-react';
import { type ReactNode, Suspense, useEffect, useState } from 'react';
import { Button } from '~/app/_components/Button';
import { IconButton } from '~/app/_components/IconButton';
import { later, Opening } from '~/app/_components/later';
import { onPaper } from '~/app/_components/paper';
import { useReadOnly } from '~/app/_live/readOnly';
import { tilesIn } from '~/app/_live/tiles';
import { useRun, useView } from '~/app/_live/useRun';
import { reveal, useWorkspace, workspace } from '~/app/_live/workspace';
import { noteDesk, useNoteDesk } from '~/app/_run/notes/noteDesk';
import { Timeline } from '~/app/_run/timeline/Timeline';
import { Center } from './Center';
import { type Panel, panels } from './panels';
import { Body, TabPanels } from './TabPanels';
import { useNarrow, usePresenting } from './useMedia';

const NotePopup = later(() => import('~/app/_run/notes/NotePopup'));

/** The page around a run's panels: header, center and side panels, and the timeline. Only the panels scroll. */
export function Shell({ header, more }: { header: ReactNode; more?: ReactNode }) {
  const desk = useNoteDesk();
  const narrow = useNarrow();
  const presenting = usePresenting();
  const readOnly = useReadOnly();
  const shown = useView((v) => panels.filter((p) => p.shown(v, readOnly)), []);
  useEffect(() => {
    // All sizes on the page are in rem.
    if (presenting) document.documentElement.style.fontSize = '1.375rem';
    return () => {
      document.documentElement.style.fontSize = '';
    };
  }, [presenting]);
  // A note that is being written is one of this run.
  useEffect(() => noteDesk.close, []);
  return (
    <div className={`flex h-dvh flex-col overflow-hidden ${onPaper}`}>
      <nav aria-label="Skip" className="contents">
        {Object.entries({
          main: 'the panels',
          side: readOnly ? 'the side panel' : 'steering',
          timeline: 'the timeline',
        }).map(([id, what]) => (
          <a
            key={id}
            href={`#${id}`}
            className="sr-only focus:not-sr-only focus:fixed focus:top-1 focus:left-1 focus:z-60 focus:rounded focus:bg-accent focus:px-2 focus:py-1 focus:text-on-accent"
          >
            {`Skip to ${what}`}
          </a>
        ))}
      </nav>
      {header}
      {narrow ? <OneAtATime shown={shown} more={more} /> : <Wide shown={shown} />}
      {desk && (
        <Suspense fallback={<Opening />}>
          <NotePopup desk={desk} />
        </Suspense>
      )}
    </div>
  );
}

function Wide({ shown }: { shown: readonly Panel[] }) {
  const side = useWorkspace((w) => w.side);
  const beside = shown.filter((p) => p.where === 'side');
  const open = side === null ? null : (beside.find((p) => p.id === side) ?? beside[0] ?? null);
  return (
    <>
      <div className="flex min-h-0 flex-1 flex-row-reverse">
        {/* Before the center, so that steering is near in the tab order. */}
        {open && <Side panels={beside} open={open} />}
        <Center shown={shown} />
      </div>
      <Timeline />
    </>
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
        <IconButton
          icon={PanelRightClose}
          label="Close steering and activity"
          title="Close"
          onClick={() => workspace.set({ side: null })}
        />
      </TabPanels>
    </aside>
  );
}

/** Panels in a phone's bar; the others are under More. */
const inBar = ['curves', 'attention', 'steer', 'activity'];

function OneAtATime({ shown, more }: { shown: readonly Panel[]; more: ReactNode }) {
  // The panel that was opened last, else the one that a wide window shows first.
  const wanted = useWorkspace((w) => w.last ?? tilesIn(w.center)[0]!.open);
  const [opened, setOpened] = useState(false);
  const open = shown.find((p) => p.id === wanted) ?? shown[0];
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
      <nav
        aria-label="Panels"
        className="flex shrink-0 print:hidden border-t border-line bg-panel pb-[env(safe-area-inset-bottom)]"
      >
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
        <BarButton
          icon={Ellipsis}
          title="More"
          on={opened || rest.includes(open)}
          dot={false}
          onClick={() => setOpened(!opened)}
        />
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
      className="relative flex h-12 min-w-0 flex-1 flex-col items-center justify-center gap-0.5 text-2xs text-dim aria-pressed:text-accent low:sm:h-8 low:sm:flex-row low:sm:gap-1.5"
    >
      <props.icon aria-hidden size={17} />
      {props.title}
      {props.dot && <span className="absolute top-1.5 ml-6 size-2 rounded-full bg-warn" />}
    </button>
  );
}
