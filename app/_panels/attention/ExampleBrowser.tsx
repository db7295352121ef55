'use client';

import { ChevronLeft, ChevronRight } from 'lucide-react';
import { memo, useState } from 'react';
import { Button } from '../../_components/Button';
import { Select } from '../../_components/Field';
import { useView } from '../../_live/useRun';
import { useSteer } from '../../_live/useSteer';
import { useWhyNot } from '../useWhyNot';

const splits = ['validation', 'test'] as const;

/** Looks at what the run records next: other probe examples, at once. */
export function useLookAt(): (examples: string) => Promise<void> {
  const steer = useSteer();
  return async (examples) => {
    const changed = await steer({ kind: 'set', control: 'probeExamples', value: examples });
    if (changed.ok) await steer({ kind: 'act', action: 'snapshot', args: {} });
  };
}

/** Pages through the sets of the validation or test split: each page becomes the probe examples, for everybody, and a snapshot shows it. */
export const ExampleBrowser = memo(function ExampleBrowser() {
  const run = useView(
    (v) => ({
      sets: v.config.task.kind === 'anomaly' && v.controls.values.some((c) => c.name === 'probeExamples'),
      page: v.config.probeSize,
    }),
    null,
  );
  const why = useWhyNot();
  const lookAt = useLookAt();
  const [split, setSplit] = useState<(typeof splits)[number]>('test');
  const [first, setFirst] = useState<number | null>(null);
  if (!run?.sets) return null;
  const { page } = run;
  const go = (from: number, of: (typeof splits)[number]) => {
    setSplit(of);
    setFirst(from);
    void lookAt([of, ...Array.from({ length: page }, (_, i) => from + i)].join(' '));
  };
  return (
    <section aria-label="example browser" className="flex flex-wrap items-center gap-1.5 text-xs">
      <span className="font-semibold">Browse</span>
      <Select
        aria-label="which sets"
        className="w-auto! font-sans"
        options={splits}
        value={split}
        disabled={why !== null}
        onChange={(e) => go(0, e.target.value as (typeof splits)[number])}
      />
      <Button
        size="small"
        aria-label="earlier sets"
        title={why ?? 'earlier sets'}
        disabled={why !== null || !first}
        onClick={() => go(Math.max(0, (first ?? 0) - page), split)}
      >
        <ChevronLeft aria-hidden size={12} />
      </Button>
      <span className="font-mono">{first === null ? 'not begun' : `${first} to ${first + page - 1}`}</span>
      <Button
        size="small"
        aria-label="later sets"
        title={why ?? 'later sets'}
        disabled={why !== null}
        onClick={() => go(first === null ? 0 : first + page, split)}
      >
        <ChevronRight aria-hidden size={12} />
      </Button>
    </section>
  );
});
