import { ChevronLeft, ChevronRight, type LucideIcon } from 'lucide-react';
import { memo, useState } from 'react';
import { inputClass, Select } from '~/app/_components/Field';
import { IconButton } from '~/app/_components/IconButton';
import { Remark } from '~/app/_components/Remark';
import { useRunStore } from '~/app/_live/RunProvider';
import type { RunStore } from '~/app/_live/types';
import { useView } from '~/app/_live/useRun';
import { useSteer } from '~/app/_live/useSteer';
import { useWhyNot } from '~/app/_run/steering/useWhyNot';
import { actionWithRole } from '~/shared/controlValues';
import { describePage, type PagedSplit, pagedSplits, readPage } from './examplePages';

/** Returns a function that changes the probe examples and records a snapshot of them. @param control name of the control that chooses them */
export function useLookAt(control: string): (examples: string) => Promise<void> {
  const steer = useSteer();
  const store = useRunStore();
  return async (examples) => {
    const changed = await steer({ kind: 'set', control, value: examples });
    if (!changed.ok || !(await wasApplied(store, changed.seq))) return;
    const { view } = store.get();
    const snapshot = view && actionWithRole(view.controls, 'snapshot');
    if (snapshot) await steer({ kind: 'act', action: snapshot.name, args: {} });
  };
}

/** Waits for the trainer's answer to the command with this seq. @returns whether it was applied */
function wasApplied(store: RunStore, seq: number): Promise<boolean> {
  return new Promise((resolve) => {
    let stop = () => {};
    const look = () => {
      const { view } = store.get();
      const known = [...(view?.openCommands ?? []), ...(view?.recent.commands.items ?? [])];
      const outcome = known.find((c) => c.seq === seq)?.outcome.status;
      if (outcome === undefined || outcome === 'requested') return;
      stop();
      resolve(outcome === 'applied');
    };
    stop = store.subscribe(look);
    look();
  });
}

/** Pages through the validation or test split. A page becomes the probe examples for all viewers, and a snapshot shows it. */
export const ExampleBrowser = memo(function ExampleBrowser({ control, examples: size }: { control: string; examples: number }) {
  const run = useView(
    (v) => ({
      declared: v.controls.values.some((c) => c.name === control),
      chosen: Object.hasOwn(v.values, control) ? v.values[control]!.value : null,
    }),
    null,
  );
  const why = useWhyNot();
  const lookAt = useLookAt(control);
  const [typed, setTyped] = useState<string | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  if (!run?.declared) return null;
  // Without a choice the probe examples are the first ones of the validation split.
  const page = run.chosen === null ? { split: 'validation' as const, first: 0, size } : readPage(run.chosen);
  const go = (split: PagedSplit, first: number) => {
    setTyped(null);
    setProblem(null);
    void lookAt(describePage({ split, first, size }));
  };
  const split = page?.split ?? 'test';
  const turn = (label: string, icon: LucideIcon, off: boolean, first: number) => (
    <IconButton
      {...{ icon, label }}
      look="plain"
      size="small"
      title={why ?? label}
      disabled={why !== null || off}
      onClick={() => go(split, first)}
    />
  );
  return (
    <section aria-label="example browser" className="flex flex-wrap items-center gap-1.5 text-xs">
      <span className="font-semibold">Browse</span>
      <Select
        aria-label="which sets"
        className="w-auto! font-sans"
        options={pagedSplits}
        value={split}
        disabled={why !== null}
        onPick={(next) => go(next, 0)}
      />
      {turn('earlier sets', ChevronLeft, !page?.first, Math.max(0, (page?.first ?? 0) - size))}
      <form
        className="flex items-center gap-1"
        onSubmit={(e) => {
          e.preventDefault();
          const text = (typed ?? '').trim();
          if (text === '') return setTyped(null);
          if (!/^\d{1,9}$/.test(text)) return setProblem(`"${text}" is no set; give its number, 0 is the first`);
          go(split, Number(text));
        }}
      >
        <input
          aria-label="from set"
          title="The number of a set: Enter shows the page that begins with it"
          className={`${inputClass} w-16!`}
          inputMode="numeric"
          value={typed ?? (page ? String(page.first) : '')}
          placeholder="set"
          disabled={why !== null}
          onChange={(e) => setTyped(e.target.value)}
          onBlur={() => setTyped(null)}
        />
        <span className="font-mono" data-testid="example-page">
          {page ? `to ${page.first + page.size - 1}` : 'chosen one by one'}
        </span>
      </form>
      {turn('later sets', ChevronRight, false, page ? page.first + page.size : 0)}
      {problem && <Remark tone="bad">{problem}</Remark>}
    </section>
  );
});
