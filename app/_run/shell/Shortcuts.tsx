'use client';

import { Keyboard } from 'lucide-react';
import { useTheme } from 'next-themes';
import { type ComponentProps, useEffect, useState } from 'react';
import { openShortcuts } from '~/app/_components/commands';
import { IconButton } from '~/app/_components/IconButton';
import { KeyColumns, KeyList, keyLists } from '~/app/_components/keyLists';
import { Modal } from '~/app/_components/Modal';
import { setCursor } from '~/app/_live/cursor';
import { useRunStore } from '~/app/_live/RunProvider';
import { choices, useChoice } from '~/app/_live/remembered';
import { serverTime } from '~/app/_live/serverTime';
import { useSteer } from '~/app/_live/useSteer';
import { startArgs, whyNot } from '~/app/_run/steering/steering';
import type { ActionRole } from '~/shared/controls';
import { actionWithRole } from '~/shared/controlValues';

/** Whether single keys steer the run: off until the person enables them, as a key is easily pressed by mistake. */
const keysAct = (chosen = choices.read('keysAct')): boolean => chosen === 'yes';

/** Whether the focused element handles the key, so that the page ignores it: a button only Space and Enter, a field or a grid every key. */
const taken = (key: string, target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable ||
    target.closest(
      'input, select, textarea, [role="slider"], [role="dialog"], [role="alertdialog"], [role="grid"], [role="menu"]',
    ) !== null ||
    (key === ' ' && target.closest('button, a, summary, [role="button"]') !== null));

/** Keyboard shortcuts of the page; they send the same commands as the buttons. */
export function useShortcuts(): void {
  const store = useRunStore();
  const steer = useSteer();
  const { resolvedTheme, setTheme } = useTheme();
  useEffect(() => {
    const act = (role: ActionRole) => {
      const { view, you } = store.get();
      if (!view || whyNot(view, you, serverTime.now(Date.now())) !== null) return;
      const action = actionWithRole(view.controls, role);
      if (action) void steer({ kind: 'act', action: action.name, args: startArgs(action) });
    };
    const onKey = (event: KeyboardEvent) => {
      if (
        event.defaultPrevented ||
        event.repeat ||
        event.ctrlKey ||
        event.metaKey ||
        event.altKey ||
        taken(event.key, event.target)
      )
        return;
      const paused = store.get().view?.status === 'paused';
      const steering: Record<string, () => void> = {
        ' ': () => act(paused ? 'resume' : 'pause'),
        '.': () => paused && act('step'),
        e: () => act('evaluate'),
      };
      const looking: Record<string, () => void> = {
        l: () => setCursor.follow(),
        z: () => setCursor.zoom(null),
        t: () => setTheme(resolvedTheme === 'dark' ? 'light' : 'dark'),
      };
      const key = event.key.toLowerCase();
      const run = looking[key] ?? (keysAct() ? steering[key] : undefined);
      if (!run) return;
      event.preventDefault();
      run();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [store, steer, resolvedTheme, setTheme]);
}

/** On a phone this button is in a menu that is closed, so the list is elsewhere (ShortcutList). */
export const ShortcutHelp = () => (
  <IconButton
    icon={Keyboard}
    label="Keyboard shortcuts"
    title="Keyboard shortcuts (?)"
    onClick={() => window.dispatchEvent(new Event(openShortcuts, { cancelable: true }))}
  />
);

/** The shortcuts of a run's page. */
export function ShortcutList() {
  const act = keysAct(useChoice('keysAct'));
  return (
    <Shortcuts of={[keyLists.everywhere, keyLists.onRun, keyLists.onTimeline, keyLists.onCharts, keyLists.onAttention]}>
      <KeyList of={keyLists.steering} />
      <label className="mt-2 flex items-center gap-2">
        <input type="checkbox" checked={act} onChange={(e) => choices.write('keysAct', e.target.checked ? 'yes' : 'no')} />
        Let these keys steer the run
      </label>
    </Shortcuts>
  );
}

/** Lists of keys, shown when the page is asked for them. */
export function Shortcuts({ of, children }: ComponentProps<typeof KeyColumns>) {
  const [open, setOpen] = useState(false);
  useEffect(() => {
    const show = (event: Event) => {
      event.preventDefault();
      setOpen(true);
    };
    window.addEventListener(openShortcuts, show);
    return () => window.removeEventListener(openShortcuts, show);
  }, []);
  return (
    <Modal open={open} onClose={() => setOpen(false)} title="Keyboard and gestures" wide>
      <KeyColumns of={of}>{children}</KeyColumns>
    </Modal>
  );
}
