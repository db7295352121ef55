import { useEffect, useRef, useState } from 'react';
import { api } from '~/app/_trpc/client';
import type { Sparkline } from '~/shared/runTable';
import type { RunSummary } from '~/shared/summary';

/** Delay between the last scroll and the request for the visible lines. */
const restMs = 120;
/** Interval at which a live run's line is read again. */
const againMs = 5_000;
const atOnce = 60;

/** Trends of the visible runs, as they are read; those of live runs are refreshed. */
export function useSparklines(inSight: readonly RunSummary[]): ReadonlyMap<string, Sparkline> {
  const [lines, setLines] = useState<ReadonlyMap<string, Sparkline>>(new Map());
  const read = useRef(new Map<string, { updatedAt: number; at: number }>());
  const latest = useRef(inSight);
  latest.current = inSight;
  const key = inSight.map((r) => `${r.runId} ${r.updatedAt}`).join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key stands for the list of visible runs
  useEffect(() => {
    const look = () => {
      const now = performance.now();
      const changed = latest.current.filter((r) => r.step > 0 && read.current.get(r.runId)?.updatedAt !== r.updatedAt);
      const dueMs = (r: RunSummary) => againMs - (now - (read.current.get(r.runId)?.at ?? Number.NEGATIVE_INFINITY));
      const wanted = changed.filter((r) => dueMs(r) <= 0);
      // The last change of a run that has ended comes too.
      const later = changed.filter((r) => dueMs(r) > 0).map(dueMs);
      if (later.length > 0) timer = setTimeout(look, Math.min(...later));
      for (const r of wanted) read.current.set(r.runId, { updatedAt: r.updatedAt, at: now });
      for (let i = 0; i < wanted.length; i += atOnce) {
        const part = wanted.slice(i, i + atOnce);
        api.runs.sparklines.query({ runIds: part.map((r) => r.runId) }).then(
          (found) => setLines((before) => new Map([...before, ...found.map((l): [string, Sparkline] => [l.runId, l])])),
          // They are requested again when they become visible again.
          () => {
            for (const r of part) read.current.delete(r.runId);
          },
        );
      }
    };
    let timer = setTimeout(look, restMs);
    return () => clearTimeout(timer);
  }, [key]);
  return lines;
}
