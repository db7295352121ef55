'use client';

import { Pause, Pin, Play, Radio, SkipBack, SkipForward } from 'lucide-react';
import { useEffect, useId, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import { moveByKey } from '~/app/_charts/cursorKeys';
import { formatStep } from '~/app/_charts/format';
import { Button } from '~/app/_components/Button';
import { setCursor, useCursor } from '~/app/_live/cursor';
import type { History } from '~/app/_live/history';
import { timelineOf, useNear, useSample } from '~/app/_live/lists';
import { createPlayer, speeds } from '~/app/_live/player';
import { useRunStore } from '~/app/_live/RunProvider';
import { timeAnchors } from '~/app/_live/runMarks';
import { nearestIndex } from '~/app/_live/snapshotFeed';
import { useView } from '~/app/_live/useRun';
import { useCharts } from '~/app/_run/curves/useCharts';
import { ended } from '~/shared/view';
import { ScrubberTrack } from './ScrubberTrack';
import { snapshotWords } from './snapshotWords';

const host = {
  nowMs: () => performance.now(),
  frame: (then: () => void) => {
    const id = requestAnimationFrame(then);
    return () => cancelAnimationFrame(id);
  },
};

/** On `window`: plays or pauses, as the button does. */
export const togglePlay = 'headroom:play';

/** Moves the whole page through the run: follow its newest step, or stay at one. */
export function Scrubber() {
  const { mode, step } = useCursor((c) => ({ mode: c.mode, step: c.step }));
  const head = useView((v) => v.step, 0);
  const over = useView((v) => ended(v.status), false);
  const snapshots = useSample('snapshots');
  useNear('snapshots', step);
  const { history, chart } = useCharts();
  const { subscribe, marks, stops } = chart;
  const nearest = snapshots[nearestIndex(snapshots, step)] ?? null;
  const said = snapshotWords(step, nearest?.step ?? null);
  const live = mode === 'live';
  const state = live ? (over ? 'Last step' : 'Live') : 'Pinned';
  return (
    <section aria-label="Scrubber" className="sticky top-0 z-30 rounded border border-line bg-panel">
      <div className="flex flex-wrap items-center gap-x-2 gap-y-1 px-3 pt-2">
        <PlayButtons over={over} head={head} history={history} />
        <span className="flex items-center gap-0.5">
          <Button
            look="bare"
            size="icon"
            aria-label="Previous snapshot"
            title="Previous snapshot (Page Up)"
            disabled={!stops.some((s) => s < step)}
            onClick={() => setCursor.pin(stops.findLast((s) => s < step)!)}
          >
            <SkipBack aria-hidden size={14} />
          </Button>
          <Button
            look="bare"
            size="icon"
            aria-label="Next snapshot"
            title="Next snapshot (Page Down)"
            disabled={!stops.some((s) => s > step)}
            onClick={() => setCursor.pin(stops.find((s) => s > step)!)}
          >
            <SkipForward aria-hidden size={14} />
          </Button>
        </span>
        <span
          className={`inline-flex items-center gap-1.5 rounded px-1.5 py-0.5 text-xs font-semibold ${live && !over ? 'bg-good/15 text-good' : live ? 'bg-raised text-ink' : 'bg-accent/15 text-accent'}`}
        >
          {live ? <Radio aria-hidden size={12} /> : <Pin aria-hidden size={12} />}
          {state}
        </span>
        <StepField step={step} head={head} />
        <span className="font-mono text-2xs text-dim">of {formatStep(head)}</span>
        {!live && (
          <Button size="small" onClick={() => setCursor.follow()} title="Key: End">
            {over ? 'Go to last step' : 'Follow live'}
          </Button>
        )}
        <span
          role="status"
          className="ml-auto text-xs text-dim"
          title="Panels that need a snapshot show the nearest one; of two equally near, the earlier."
        >
          {said}
        </span>
      </div>
      <ScrubberTrack
        head={head}
        step={step}
        live={live}
        valueText={`${state}, step ${formatStep(step)} of ${formatStep(head)}. ${said}`}
        snapshots={stops}
        marks={marks}
        history={history}
        subscribe={subscribe}
        onKeyDown={(e) => {
          if (!moveByKey(e, setCursor, stops)) return;
          e.preventDefault();
          e.stopPropagation();
        }}
      />
    </section>
  );
}

function PlayButtons({ over, head, history }: { over: boolean; head: number; history: History }) {
  const store = useRunStore();
  const [speed, setSpeed] = useState(1);
  const id = useId();
  const isOver = useRef(over);
  isOver.current = over;
  const pace = useRef(history);
  pace.current = history;
  const player = useMemo(
    () =>
      createPlayer(
        setCursor,
        host,
        () => {
          const view = timelineOf(store);
          if (!view) return 10;
          const rows = pace.current.times();
          const anchors = rows.length > 1 ? rows : timeAnchors(view);
          let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
          for (const { at } of anchors) {
            first = Math.min(first, at);
            last = Math.max(last, at);
          }
          const [seconds, steps] = [(last - first) / 1000, view.step - setCursor.startStep()];
          return seconds > 0 && steps > 0 ? steps / seconds : 10;
        },
        () => isOver.current,
      ),
    [store],
  );
  const playing = useSyncExternalStore(player.subscribe, player.playing, () => false);
  useEffect(() => () => player.pause(), [player]);
  const toggle = () => (playing ? player.pause() : player.play(speed));
  const toggled = useRef(toggle);
  toggled.current = toggle;
  useEffect(() => {
    const onToggle = () => toggled.current();
    window.addEventListener(togglePlay, onToggle);
    return () => window.removeEventListener(togglePlay, onToggle);
  }, []);
  return (
    <span className="flex items-center gap-1">
      <Button
        size="icon"
        aria-label={playing ? 'Pause the replay' : 'Play the run from here'}
        title={playing ? 'Pause the replay' : 'Play the run from here'}
        disabled={head === 0}
        onClick={toggle}
      >
        {playing ? <Pause aria-hidden size={14} /> : <Play aria-hidden size={14} />}
      </Button>
      <label htmlFor={id} className="sr-only">
        Replay speed
      </label>
      <select
        id={id}
        value={speed}
        title="Times the pace at which the run was trained"
        onChange={(e) => {
          setSpeed(Number(e.target.value));
          player.setSpeed(Number(e.target.value));
        }}
        className="h-7 rounded border border-line bg-raised px-1 text-xs"
      >
        {speeds.map((s) => (
          <option key={s} value={s}>
            {s}×
          </option>
        ))}
      </select>
    </span>
  );
}

/** Shows the step and takes one: typed, then Enter or leaving the field. */
function StepField({ step, head }: { step: number; head: number }) {
  const [draft, setDraft] = useState<string | null>(null);
  const [error, setError] = useState<string | null>(null);
  const id = useId();
  const go = () => {
    if (draft === null) return;
    const wish = draft.trim().replaceAll(',', '').replace('−', '-');
    const start = Math.min(0, setCursor.startStep());
    if (!/^-?\d+$/.test(wish) || Number(wish) > head || Number(wish) < start) {
      setError(`step: give a whole number from ${formatStep(start)} to ${formatStep(head)}`);
      return;
    }
    setCursor.pin(Number(wish));
    setDraft(null);
    setError(null);
  };
  return (
    <span className="relative inline-flex items-center gap-1.5">
      <label htmlFor={id} className="text-xs text-dim">
        step
      </label>
      <input
        id={id}
        inputMode="numeric"
        autoComplete="off"
        value={draft ?? String(step)}
        aria-invalid={error !== null}
        aria-describedby={error ? `${id}error` : undefined}
        onFocus={(e) => e.currentTarget.select()}
        onChange={(e) => {
          setDraft(e.target.value);
          setError(null);
        }}
        onKeyDown={(e) => {
          if (e.key === 'Enter') go();
          else if (e.key === 'Escape') {
            setDraft(null);
            setError(null);
          } else return;
          e.stopPropagation();
        }}
        onBlur={() => {
          if (error) {
            setDraft(null);
            setError(null);
          } else go();
        }}
        className={`h-6 w-20 rounded border bg-raised px-1.5 text-right font-mono text-xs ${error ? 'border-bad' : 'border-line'}`}
      />
      {error && (
        <span
          id={`${id}error`}
          role="alert"
          className="absolute top-full left-0 z-20 mt-1 rounded border border-bad bg-panel px-2 py-1 text-xs whitespace-nowrap text-bad"
        >
          {error}
        </span>
      )}
    </span>
  );
}
