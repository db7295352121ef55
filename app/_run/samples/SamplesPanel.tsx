import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { count } from '~/app/_components/format';
import { LongName } from '~/app/_components/LongName';
import { useCursor } from '~/app/_live/cursor';
import { useRunStore } from '~/app/_live/RunProvider';
import { useView } from '~/app/_live/useRun';
import { ConsolePanel } from '~/app/_run/console/ConsolePanel';
import { GoToStep } from '~/app/_run/GoToStep';
import { Nothing, PanelBody } from '~/app/_run/PanelBody';
import { api } from '~/app/_trpc/client';
import type { MediaItem } from '~/shared/view';
import { Sample } from './Sample';

/** Media that the run logged, the newest of each name as of the page's step, and the output of its process. */
export function SamplesPanel() {
  const media = useView((v) => v.counts.media.count > 0, false);
  const prints = useView((v) => v.console !== null, false);
  return (
    <>
      {media && <Samples />}
      {prints && <ConsolePanel />}
    </>
  );
}

/** While somebody scrubs, the server is asked only after the step rests this long. */
const restMs = 150;

function Samples() {
  const { runId } = useRunStore();
  const newest = useView((v) => v.counts.media.lastSeq, 0);
  const step = useRested(useCursor((c) => (c.mode === 'live' ? null : c.step)));
  const { data, error } = useQuery({
    // The result for an earlier step may change too: the run may go back before it.
    queryKey: ['samples', runId, step, newest],
    queryFn: () => api.runs.samples.query({ runId, step }),
    placeholderData: keepPreviousData,
  });
  return (
    <PanelBody
      title="Samples"
      tools={<span className="text-2xs text-dim">{step === null ? 'the newest' : `as of step ${count(step)}`}</span>}
    >
      {error && <p className="px-3 py-2 text-bad">{error.message}</p>}
      {data?.length === 0 && <Nothing>The run had shown none by this step.</Nothing>}
      <ul className="grid grid-cols-[repeat(auto-fill,minmax(min(100%,22rem),1fr))] gap-3 p-3" data-testid="samples">
        {data?.map((item) => (
          <li key={item.name} className="min-w-0">
            <Card item={item} />
          </li>
        ))}
      </ul>
    </PanelBody>
  );
}

function Card({ item }: { item: MediaItem }) {
  const { name, step, caption } = item;
  return (
    <figure className="rounded border border-line">
      <figcaption className="flex items-baseline justify-between gap-2 border-b border-line px-2 py-1 text-xs">
        <LongName className="font-medium">{name}</LongName>
        <GoToStep step={step} className="text-2xs">
          step {count(step)}
        </GoToStep>
      </figcaption>
      <Sample key={item.seq} item={item} />
      {caption && <p className="border-t border-line px-2 py-1 text-2xs text-dim">{caption}</p>}
    </figure>
  );
}

/** The value once it has not changed for `restMs`; the first value immediately. */
function useRested<T>(value: T): T {
  const [rested, setRested] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setRested(value), restMs);
    return () => clearTimeout(timer);
  }, [value]);
  return rested;
}
