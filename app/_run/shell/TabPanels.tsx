import { Tabs } from '@base-ui/react/tabs';
import { type ComponentProps, type ReactNode, Suspense, useRef } from 'react';
import { useView } from '~/app/_live/useRun';
import type { Panel } from '~/app/_run/panel';
import { Boundary } from './Boundary';

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
  const counts = useView((v) => props.panels.map((p) => p.count?.(v) ?? 0), []);
  return (
    <Tabs.Root value={open.id} onValueChange={(id) => props.onOpen(String(id))} className="flex min-h-0 flex-1 flex-col">
      <div className="flex shrink-0 items-center border-b border-line bg-panel pr-1">
        <Tabs.List aria-label={label} className="flex min-w-0 flex-1 overflow-x-auto [scrollbar-width:none]">
          {props.panels.map((p, i) => {
            const { className = '', ...more } = props.tabProps?.(p.id) ?? {};
            return (
              <Tabs.Tab
                key={p.id}
                value={p.id}
                {...more}
                data-panel={p.id}
                onPointerEnter={() => void p.preload()}
                className={`flex h-8 shrink-0 cursor-default items-center border-b-2 border-transparent px-2.5 text-xs font-medium whitespace-nowrap text-dim outline-offset-[-2px] select-none hover:text-ink aria-selected:border-accent aria-selected:text-ink ${className}`}
              >
                {p.title}
                {counts[i]! > 0 && <span className="ml-1 rounded-sm bg-raised px-1 text-2xs text-dim">{counts[i]}</span>}
              </Tabs.Tab>
            );
          })}
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

export function Body({ panel: { id, title, Body } }: { panel: Panel }) {
  return (
    <Boundary key={id} title={title}>
      <Suspense fallback={<p className="px-3 py-4 text-dim">Opening {title} …</p>}>
        <Body />
      </Suspense>
    </Boundary>
  );
}
