import { type ComponentProps, type KeyboardEvent, type ReactNode, Suspense, useEffect, useId, useRef } from 'react';
import { Boundary } from '~/app/_components/Boundary';
import { Button } from '~/app/_components/Button';
import { Awaited } from '~/app/_components/later';
import { useView } from '~/app/_live/useRun';
import type { Panel } from './panels';

/** Tabs of panels; one of them is open. */
export function TabPanels(props: {
  label: string;
  panels: readonly Panel[];
  open: Panel;
  onOpen(id: string): void;
  /** More properties of a panel's tab. */
  tabProps?(id: string): ComponentProps<'button'>;
  /** Shown after the tabs. */
  children: ReactNode;
}) {
  const { label, open } = props;
  const counts = useView((v) => props.panels.map((p) => p.count?.(v) ?? ''), []);
  const id = useId();
  const selected = useRef<HTMLButtonElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another tab was opened
  useEffect(() => {
    selected.current?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [open]);
  /** The arrow keys, Home and End move the focus; Enter and Space open the tab that has it. */
  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    const tabs = [...event.currentTarget.querySelectorAll<HTMLElement>('[role=tab]')];
    const at = tabs.indexOf(event.target as HTMLElement);
    const to = { ArrowLeft: at - 1, ArrowRight: (at + 1) % tabs.length, Home: 0, End: -1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    tabs.at(to)!.focus();
  };
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <div className="flex shrink-0 items-center border-b border-line bg-panel pr-1">
        <div
          role="tablist"
          aria-label={label}
          onKeyDown={onKeyDown}
          className="flex min-w-0 flex-1 overflow-x-auto [scrollbar-width:none]"
        >
          {props.panels.map((p, i) => {
            const { className = '', onClick, ...more } = props.tabProps?.(p.id) ?? {};
            return (
              <button
                key={p.id}
                ref={p === open ? selected : null}
                type="button"
                role="tab"
                id={`${id}tab${p.id}`}
                aria-selected={p === open}
                aria-controls={p.keeps || p === open ? `${id}panel${p.id}` : undefined}
                tabIndex={p === open ? 0 : -1}
                {...more}
                data-panel={p.id}
                onClick={(event) => {
                  onClick?.(event);
                  props.onOpen(p.id);
                }}
                onPointerEnter={() => void p.preload()}
                className={`flex h-8 shrink-0 cursor-default items-center border-b-2 border-transparent px-2.5 text-xs font-medium whitespace-nowrap text-dim outline-offset-[-2px] select-none hover:text-ink aria-selected:border-accent aria-selected:text-ink ${className}`}
              >
                {p.title}
                {counts[i] && <span className="ml-1 rounded-sm bg-raised px-1 text-2xs text-dim">{counts[i]}</span>}
              </button>
            );
          })}
        </div>
        {props.children}
      </div>
      {props.panels.map(
        (p) =>
          (p.keeps || p === open) && (
            <div
              key={p.id}
              role="tabpanel"
              id={`${id}panel${p.id}`}
              aria-labelledby={`${id}tab${p.id}`}
              // biome-ignore lint/a11y/noNoninteractiveTabindex: the panel scrolls, and the keys reach it
              tabIndex={0}
              hidden={p !== open}
              className="min-h-0 flex-1 overflow-y-auto bg-panel outline-offset-[-2px]"
            >
              {p.keeps ? <Kept open={p === open} panel={p} /> : <Body panel={p} />}
            </div>
          ),
      )}
    </div>
  );
}

/** Mounts a panel when it is first opened, and keeps it mounted. */
function Kept({ panel, open }: { panel: Panel; open: boolean }) {
  const opened = useRef(false);
  opened.current ||= open;
  return opened.current && <Body panel={panel} />;
}

export function Body({ panel: { id, title, Body } }: { panel: Panel }) {
  return (
    <Boundary
      key={id}
      failed={(error, again) => (
        <div role="alert" className="space-y-2 px-3 py-4">
          <p>
            {title} could not be shown: <span className="text-bad">{error.message}</span>
          </p>
          <Button onClick={again}>Show it again</Button>
        </div>
      )}
    >
      <Suspense fallback={<Awaited>Opening {title} …</Awaited>}>
        <Body />
      </Suspense>
    </Boundary>
  );
}
