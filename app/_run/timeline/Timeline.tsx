'use client';

import {
  ChevronDown,
  ChevronUp,
  type LucideIcon,
  Pause,
  Pin,
  Play,
  Radio,
  SkipBack,
  SkipForward,
  ZoomOut as ZoomOutIcon,
} from 'lucide-react';
import { useEffect, useId, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import { formatStep } from '~/app/_charts/format';
import { Button, buttonClass } from '~/app/_components/Button';
import { Choose } from '~/app/_components/Choose';
import { IconButton } from '~/app/_components/IconButton';
import { wholeTyped } from '~/app/_components/numberTyped';
import { setCursor, useCursor } from '~/app/_live/cursor';
import type { History } from '~/app/_live/history';
import { timelineOf } from '~/app/_live/lists';
import { beginsAnew, createPlayer, speeds } from '~/app/_live/player';
import { useRunStore } from '~/app/_live/RunProvider';
import { useReadOnly } from '~/app/_live/readOnly';
import { timeAnchors } from '~/app/_live/runMarks';
import type { RunStore } from '~/app/_live/types';
import { useHistory } from '~/app/_live/useHistory';
import { useRun, useView } from '~/app/_live/useRun';
import { useWorkspace, workspace } from '~/app/_live/workspace';
import { useHappenings } from '~/app/_run/curves/useCharts';
import { useLow, useNarrow } from '~/app/_run/shell/useMedia';
import { ended } from '~/shared/view';
import { MissingStep, SnapshotShown, StepSaid } from './SnapshotShown';
import { stateWord } from './stateWord';
import { Track } from './Track';

const host = {
  nowMs: () => performance.now(),
  frame: (then: () => void) => {
    const id = requestAnimationFrame(then);
    return () => cancelAnimationFrame(id);
  },
};

/** Event on `window` that plays or pauses, as the button does. */
export const togglePlay = 'headroom:play';

/** Moves the whole page through the run: follows the newest step, or stays at one. Lanes below it show what happened. */
export function Timeline() {
  const [narrow, low] = [useNarrow(), useLow()];
  const small = narrow || low;
  const wide = useWorkspace((w) => w.lanes);
  const [unfolded, setUnfolded] = useState(false);
  const open = small ? unfolded : wide;
  const live = useCursor((c) => c.mode === 'live');
  const status = useView((v) => v.status, 'queued' as const);
  const history = useHistory();
  const { marks, stops } = useHappenings();
  const recorded = useReadOnly();
  const broken = useRun((r) => r.link === 'reconnecting' || r.link === 'silent');
  const state = stateWord(status, live, recorded || broken);
  const box = useRef<HTMLElement>(null);
  useEffect(() => {
    // Messages stand above the timeline: they would hide its buttons.
    const root = document.documentElement.style;
    const measure = new ResizeObserver(
      () => box.current && root.setProperty('--dock', `${innerHeight - box.current.getBoundingClientRect().top}px`),
    );
    measure.observe(box.current!);
    return () => {
      measure.disconnect();
      root.removeProperty('--dock');
    };
  }, []);
  const follow = (
    <>
      <Pin aria-hidden size={12} />
      {recorded || ended(status) ? 'Go to last step' : 'Follow live'}
    </>
  );
  const track = <Track state={state} stops={stops} marks={marks} lanes={open} history={history} />;
  return (
    <section
      ref={box}
      id="timeline"
      tabIndex={-1}
      aria-label="Timeline"
      className="relative shrink-0 border-t border-line bg-panel outline-none print:hidden"
    >
      <div className="flex flex-wrap items-center gap-x-2 gap-y-1 px-2 py-1 sm:px-3">
        <PlayButtons history={history} speeds={open} />
        {open && stops.length > 0 && (
          <span className="flex items-center gap-0.5">
            <Jump label="Previous snapshot" keys="Page Up" icon={SkipBack} to={(step) => stops.findLast((s) => s < step)} />
            <Jump label="Next snapshot" keys="Page Down" icon={SkipForward} to={(step) => stops.find((s) => s > step)} />
          </span>
        )}
        <StepField />
        <span className="grid items-center justify-items-start *:col-start-1 *:row-start-1">
          {live ? (
            <span
              className={`inline-flex items-center gap-1 rounded px-1.5 py-0.5 text-xs font-semibold ${state === 'Live' ? 'bg-good/15 text-good' : 'bg-raised'}`}
            >
              <Radio aria-hidden size={12} />
              {state}
            </span>
          ) : (
            <Button size="small" look="primary" onClick={() => setCursor.follow()} title="Pinned: press to go on (key End)">
              {follow}
            </Button>
          )}
          {/* As wide live as pinned: the track beside it stays under the finger that pins a step. */}
          <span aria-hidden className={`${buttonClass('primary', 'small')} invisible`}>
            {follow}
          </span>
        </span>
        {open ? <ZoomOut /> : <span className="min-w-16 flex-1">{track}</span>}
        {open && <SnapshotShown />}
        <IconButton
          icon={open ? ChevronDown : ChevronUp}
          aria-expanded={open}
          label={open ? 'Fold the timeline' : 'Unfold the timeline'}
          title={open ? 'Fold the timeline to one line' : 'Unfold the timeline: a lane for each kind of mark'}
          onClick={() => (small ? setUnfolded(!open) : workspace.set({ lanes: !open }))}
        />
      </div>
      <MissingStep said={open} />
      <StepSaid />
      {open && track}
    </section>
  );
}

/** @param to the step to go to from the step shown; undefined: there is none */
function Jump(props: { label: string; keys: string; icon: LucideIcon; to(step: number): number | undefined }) {
  const { label, keys, icon } = props;
  const to = useCursor((c) => props.to(c.step));
  return (
    <IconButton
      {...{ icon, label }}
      title={`${label} (${keys})`}
      disabled={to === undefined}
      onClick={() => to !== undefined && setCursor.pin(to)}
    />
  );
}

/** The range that the charts show, and a button to show all steps again. */
function ZoomOut() {
  const zoom = useCursor((c) => c.zoom);
  return (
    zoom && (
      <Button size="small" onClick={() => setCursor.zoom(null)} title="Show all steps (double-click a chart)">
        <ZoomOutIcon aria-hidden size={12} /> {formatStep(zoom[0])}–{formatStep(zoom[1])}
      </Button>
    )
  );
}

function PlayButtons({ history, speeds: choice }: { history: History; speeds: boolean }) {
  const store = useRunStore();
  const empty = useView((v) => v.step === 0, true);
  const [speed, setSpeed] = useState(1);
  const player = useMemo(
    () =>
      createPlayer(
        setCursor,
        host,
        () => pace(store, history),
        () => store.get().readOnly === true || ended(store.get().view?.status ?? 'queued'),
      ),
    [store, history],
  );
  const playing = useSyncExternalStore(player.subscribe, player.playing, () => false);
  useEffect(() => () => player.pause(), [player]);
  const toggle = () => (playing ? player.pause() : player.play(speed));
  const anew = useCursor((c) => beginsAnew(c, setCursor.headStep()));
  const label = playing ? 'Pause the replay' : `Play the run from ${anew ? 'its beginning' : 'here'}`;
  useEffect(() => {
    window.addEventListener(togglePlay, toggle);
    return () => window.removeEventListener(togglePlay, toggle);
  });
  return (
    <span className="flex items-center gap-1">
      <IconButton look="plain" icon={playing ? Pause : Play} label={label} title={label} disabled={empty} onClick={toggle} />
      {choice && (
        <Choose
          aria-label="Replay speed"
          className="h-7!"
          title="Times the pace at which the run was trained"
          options={speeds.map((s) => ({ value: String(s), text: `${s}×` }))}
          value={String(speed)}
          onPick={(s) => {
            setSpeed(Number(s));
            player.setSpeed(Number(s));
          }}
        />
      )}
    </span>
  );
}

/** Steps a second at which the run was trained; where that is not known 10, or as many as show the whole run in a minute. */
function pace(store: RunStore, history: History): number {
  const view = timelineOf(store);
  const steps = (view?.step ?? 0) - setCursor.startStep();
  const unknown = Math.max(10, steps / 60);
  if (!view) return unknown;
  const rows = history.times();
  const anchors = rows.length > 1 ? rows : timeAnchors(view);
  let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { at } of anchors) {
    first = Math.min(first, at);
    last = Math.max(last, at);
  }
  const seconds = (last - first) / 1000;
  return seconds > 0 && steps > 0 ? steps / seconds : unknown;
}

/** Shows the current step and accepts another: type it, then press Enter or leave the field. */
export function StepField() {
  const step = useCursor((c) => c.step);
  const head = useView((v) => v.step, 0);
  const [draft, setDraft] = useState<string | null>(null);
  const [error, setError] = useState<string | null>(null);
  const entered = useRef('');
  const id = useId();
  const leave = () => {
    setDraft(null);
    setError(null);
  };
  const go = () => {
    if (draft === null) return;
    const wish = wholeTyped(draft);
    const start = Math.min(0, setCursor.startStep());
    if (wish === null || wish > head || wish < start) {
      setError(`step: give a whole number from ${formatStep(start)} to ${formatStep(head)}`);
      return;
    }
    setCursor.pin(wish);
    leave();
  };
  return (
    <span className="inline-flex items-center gap-1.5 min-[900px]:relative">
      <label htmlFor={id} className="text-xs text-dim max-[899px]:sr-only">
        step
      </label>
      <input
        id={id}
        inputMode="numeric"
        autoComplete="off"
        value={draft ?? String(step)}
        aria-invalid={error !== null}
        aria-describedby={error ? `${id}error` : undefined}
        onFocus={(e) => {
          // Held while somebody is in the field: a step that arrives would take away the selection, and what is typed would be added to its number.
          entered.current = String(step);
          setDraft(entered.current);
          e.currentTarget.select();
        }}
        onChange={(e) => {
          setDraft(e.target.value);
          setError(null);
        }}
        onKeyDown={(e) => {
          if (e.key === 'Enter') go();
          else if (e.key === 'Escape') leave();
          else return;
          e.stopPropagation();
        }}
        onBlur={error || draft === entered.current ? leave : go}
        style={{ width: `max(4rem, ${String(Math.max(step, head)).length + 2}ch)` }}
        className={`h-6 rounded border bg-raised px-1.5 text-right font-mono text-xs ${error ? 'border-bad' : 'border-line'}`}
      />
      {error && (
        <span
          id={`${id}error`}
          role="alert"
          className="absolute bottom-full left-0 z-30 mb-1 w-max rounded border border-bad bg-panel px-2 py-1 text-xs text-bad max-[899px]:inset-x-2 max-[899px]:w-auto"
        >
          {error}
        </span>
      )}
    </span>
  );
}
