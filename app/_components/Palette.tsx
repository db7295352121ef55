import { useQuery } from '@tanstack/react-query';
import { Command } from 'cmdk';
import { useRouter } from 'next/navigation';
import { useTheme } from 'next-themes';
import { useDeferredValue, useState } from 'react';
import { atBase } from '~/app/_live/base';
import { findRuns } from '~/app/_live/findRuns';
import { describeError } from '~/app/_trpc/client';
import { copyText } from './CopyLine';
import { offered, openHelp, type PaletteCommand } from './commands';
import { count } from './format';
import { Modal } from './Modal';
import { runNames } from './rowNames';
import { statusWord } from './statusWord';

const runsListed = 8;
/** Most commands shown of one group. */
const mostOfGroup = 12;

/** Finds runs, pages and the page's commands, and runs the chosen one. */
export default function Palette({ onClose }: { onClose(): void }) {
  const router = useRouter();
  const { resolvedTheme, setTheme } = useTheme();
  const [typed, setTyped] = useState('');
  const [chosen, setChosen] = useState('');
  const search = useDeferredValue(typed.trim());
  const { data, error, isFetching } = useQuery({
    queryKey: ['palette', search],
    queryFn: () => findRuns(search, { limit: runsListed }),
    placeholderData: (before) => before,
  });
  const everywhere: PaletteCommand[] = [
    { id: 'go runs', group: 'Go to', title: 'All runs', words: 'list start home', run: () => router.push('/') },
    { id: 'go new', group: 'Go to', title: 'New run', words: 'start train recipe', run: () => router.push('/?new=1') },
    {
      id: 'go compare',
      group: 'Go to',
      title: 'Compare runs',
      // On the comparison page the router would keep the runs shown, although the new address names none.
      run: () => (location.pathname === atBase('/compare') ? location.assign(location.pathname) : router.push('/compare')),
    },
    {
      id: 'go team',
      group: 'Go to',
      title: 'Team',
      words: 'people invite token audit watchdog',
      run: () => router.push('/team'),
    },
    {
      id: 'theme',
      group: 'This page',
      title: resolvedTheme === 'dark' ? 'Switch to light' : 'Switch to dark',
      words: 'theme dark light',
      run: () => setTheme(resolvedTheme === 'dark' ? 'light' : 'dark'),
    },
    {
      id: 'link',
      group: 'This page',
      title: 'Copy a link to this page',
      words: 'share address url',
      run: () => void copyText(window.location.href),
    },
    {
      id: 'help',
      group: 'Help',
      title: 'Keys, and what the words mean',
      words: 'help glossary shortcuts',
      run: () => window.dispatchEvent(new Event(openHelp)),
    },
  ];
  const found = [...offered(typed), ...everywhere].filter((c) => fits(c, typed));
  const groups = new Map<string, PaletteCommand[]>();
  for (const command of found) groups.set(command.group, [...(groups.get(command.group) ?? []), command]);
  const act = (run: () => void) => {
    onClose();
    // A command that opens a dialog does so after this dialog has closed.
    setTimeout(run);
  };
  // Results may arrive after the text was typed; one of them must stay selected: Enter then runs the first.
  const ids = [...groups.values()].flatMap((list) => list.slice(0, mostOfGroup).map((c) => c.id));
  const runs = (data?.rows ?? []).map((row) => row.run);
  const names = runNames(runs);
  ids.push(...runs.map((run) => `run ${run.runId}`));
  const value = ids.includes(chosen) ? chosen : (ids[0] ?? '');
  return (
    <Modal open onClose={onClose} title="Search and commands" wide>
      <Command
        label="Search and commands"
        shouldFilter={false}
        loop
        value={value}
        onValueChange={setChosen}
        className="flex min-h-0 flex-col"
      >
        <Command.Input
          data-first
          value={typed}
          onValueChange={setTyped}
          placeholder="a run, a step, a series, a command…"
          className="h-10 border-b border-line bg-transparent px-4 outline-none placeholder:text-dim"
        />
        <Command.List className="h-[60dvh] min-h-0 overflow-y-auto p-2">
          <Command.Empty className="p-4 text-center text-dim">
            {error
              ? `The runs could not be searched: ${describeError(error).message}.`
              : isFetching
                ? 'Searching…'
                : 'Nothing fits.'}
          </Command.Empty>
          {[...groups].map(([group, commands]) => (
            <Command.Group key={group} heading={group} className={groupClass}>
              {commands.slice(0, mostOfGroup).map((c) => (
                <Item key={c.id} id={c.id} title={c.title} detail={c.detail ?? ''} onSelect={() => act(c.run)} />
              ))}
            </Command.Group>
          ))}
          {runs.length > 0 && (
            <Command.Group heading="Runs" className={groupClass}>
              {runs.map((run, i) => (
                <Item
                  key={run.runId}
                  id={`run ${run.runId}`}
                  title={names[i]!}
                  detail={`${statusWord(run.status)}, step ${count(run.step)}`}
                  onSelect={() => act(() => router.push(`/runs/${run.runId}`))}
                />
              ))}
            </Command.Group>
          )}
        </Command.List>
      </Command>
    </Modal>
  );
}

const groupClass =
  '[&_[cmdk-group-heading]]:px-2 [&_[cmdk-group-heading]]:pt-2 [&_[cmdk-group-heading]]:text-2xs [&_[cmdk-group-heading]]:font-semibold [&_[cmdk-group-heading]]:tracking-wider [&_[cmdk-group-heading]]:text-dim [&_[cmdk-group-heading]]:uppercase';

const Item = ({ id, title, detail, onSelect }: { id: string; title: string; detail: string; onSelect(): void }) => (
  <Command.Item
    value={id}
    onSelect={onSelect}
    className="flex min-h-8 cursor-pointer items-center gap-3 rounded px-2 data-[selected=true]:bg-accent data-[selected=true]:text-on-accent"
  >
    <span className="min-w-0 flex-1 truncate">{title}</span>
    {detail && <span className="shrink-0 text-xs opacity-80">{detail}</span>}
  </Command.Item>
);

/** Whether the command contains every word that was typed. */
const fits = ({ title, words = '', group, detail = '' }: PaletteCommand, typed: string): boolean => {
  const text = `${group} ${title} ${detail} ${words}`.toLowerCase();
  return typed
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
};
