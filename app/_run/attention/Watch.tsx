'use client';

import { TriangleAlert } from 'lucide-react';
import { memo, useCallback, useMemo, useState, useSyncExternalStore } from 'react';
import { short } from '~/app/_charts/attention/scale';
import { headName } from '~/app/_charts/attention/tokens';
import { Button } from '~/app/_components/Button';
import { setCursor } from '~/app/_live/cursor';
import { useRunStore } from '~/app/_live/RunProvider';
import { useRoleName } from '~/app/_live/series';
import { type Snapshots, useSignalVersion } from '~/app/_live/snapshots';
import { useHistory } from '~/app/_live/useHistory';
import { useView } from '~/app/_live/useRun';
import { type CollapseAlarm, collapseRule, collapses, type WatchPoint } from '~/shared/collapse';
import { seriesWithRole } from '~/shared/streams';
import { useDismissed } from './dismissed';

/** Says when attention has collapsed, with the numbers that say so, until somebody has taken note. Silent otherwise. */
export const Watch = memo(function Watch({ snapshots, layers, heads }: { snapshots: Snapshots; layers: number; heads: number }) {
  const { runId } = useRunStore();
  const chance = useView((v) => seriesWithRole(v, 'loss')?.chance ?? Number.NaN, Number.NaN);
  const alarms = useAlarms(snapshots, layers * heads, chance);
  const { dismissed, dismiss, restore } = useDismissed(runId);
  const open = alarms.filter((a) => !dismissed.some((d) => d.id === idOf(a)));
  const closed = dismissed.filter((d) => alarms.some((a) => idOf(a) === d.id));
  return (
    <>
      {open.map((alarm) => (
        <Alarm
          key={idOf(alarm)}
          alarm={alarm}
          heads={heads}
          chance={chance}
          onDismiss={(note) => dismiss({ id: idOf(alarm), note })}
        />
      ))}
      {closed.length > 0 && (
        <p className="border-b border-line px-3 py-1 text-xs text-dim">
          {closed.map((d) => (
            <span key={d.id} className="mr-3">
              dismissed: {d.id.replace('@', ' at step ')}
              {d.note && ` (${d.note})`}{' '}
              <button type="button" className="underline" onClick={() => restore(d.id)}>
                show again
              </button>
            </span>
          ))}
        </p>
      )}
    </>
  );
});

const idOf = (a: CollapseAlarm): string => `${a.kind}@${a.step}`;

function Alarm({
  alarm,
  heads,
  chance,
  onDismiss,
}: {
  alarm: CollapseAlarm;
  heads: number;
  chance: number;
  onDismiss: (note: string) => void;
}) {
  const [note, setNote] = useState('');
  const head = alarm.head === null ? 'a head' : headName(Math.floor(alarm.head / heads), alarm.head % heads);
  return (
    <div
      role="alert"
      className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-bad/50 bg-bad/10 px-3 py-1.5 text-xs"
      data-alarm={alarm.kind}
    >
      <TriangleAlert aria-hidden size={14} className="text-bad" />
      <span className="min-w-0 flex-1">
        {alarm.kind === 'collapse' ? (
          <>
            <strong className="text-bad">Attention has collapsed.</strong> From step {alarm.sinceStep} to {alarm.step} heads were
            nearly one-hot (entropy {short(alarm.entropy)} in {head}; below {collapseRule.entropyBelow} counts) while the loss
            stayed at chance ({short(alarm.loss)}; guessing gives {short(chance)}). Usual causes: learning rate too high, no
            warm-up, no clipping.
          </>
        ) : (
          <>
            <strong className="text-bad">Attention is no longer a number.</strong> Entropy of {head} is {String(alarm.entropy)} at
            step {alarm.step}.
          </>
        )}
      </span>
      <Button size="small" onClick={() => setCursor.pin(alarm.sinceStep)}>
        go to step {alarm.sinceStep}
      </Button>
      <form
        className="flex items-center gap-1"
        onSubmit={(e) => {
          e.preventDefault();
          onDismiss(note.trim());
        }}
      >
        <input
          className="h-6 w-36 rounded border border-line bg-panel px-1.5 text-xs"
          placeholder="why it is fine (optional)"
          aria-label="note on dismissing"
          value={note}
          maxLength={200}
          onChange={(e) => setNote(e.target.value)}
        />
        <Button size="small" type="submit">
          dismiss
        </Button>
      </form>
    </div>
  );
}

function useAlarms(snapshots: Snapshots, width: number, chance: number): CollapseAlarm[] {
  const version = useSignalVersion(snapshots);
  const history = useHistory();
  const name = useRoleName('loss');
  const lossOf = useCallback(() => (name === null ? null : (history.wholeCurve(name) ?? history.curve(name))), [history, name]);
  // Once per snapshot is enough: the loss between two of them decides nothing. A range that is read later does.
  const known = useSyncExternalStore(
    (listener) => history.subscribe(listener),
    () => lossOf() !== null,
    () => false,
  );
  return useMemo(() => {
    void version;
    void known;
    const { feed, table } = snapshots;
    const series = table.series('entropy', feed.recorded, width);
    const curve = lossOf();
    const points = Array.from(series.steps, (step, n): WatchPoint => {
      // Parameters after `step` updates: their loss is that of the last update before.
      const i = curve ? curve.at(Math.max(0, step - 1)) : -1;
      const rows = curve && i >= 0 ? curve.rows[i]! - curve.values.nonFinite[i]! : 0;
      return {
        step,
        entropy: series.values.subarray(n * width, (n + 1) * width),
        loss: rows > 0 ? curve!.values.sum[i]! / rows : Number.NaN,
      };
    });
    // A snapshot whose signals are still being read is no news of a broken head.
    const complete = points.filter((p) => !Number.isNaN(p.entropy[0]) || table.missing(feed.recorded) === 0);
    return collapses(complete, chance);
  }, [snapshots, lossOf, width, chance, version, known]);
}
