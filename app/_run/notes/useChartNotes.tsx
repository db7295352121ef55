import { MessageSquarePlus } from 'lucide-react';
import { useCallback } from 'react';
import { cut } from '~/app/_charts/format';
import { MarkGlyph } from '~/app/_charts/MarkGlyph';
import type { ChartPlace, ChartPoint, Reading } from '~/app/_charts/place';
import { useCursor } from '~/app/_live/cursor';
import { mostNotes, useList } from '~/app/_live/lists';
import { useReadOnly } from '~/app/_live/readOnly';
import { grouped } from '~/shared/grouped';
import { describeAnchorAtStep, isThread } from './anchors';
import { noteDesk, type Place, placeOf, type ScreenPlace } from './noteDesk';

const write = (step: number, readings: readonly Reading[], at: ScreenPlace) => {
  const places = [
    ...readings.map(({ name, value }) => ({ step, chart: name, value, head: null })),
    { step, chart: null, head: null },
  ].map((anchor): Place => ({ words: describeAnchorAtStep(anchor), anchor }));
  noteDesk.write(places, at);
};

/** Props that let a chart of the run show its notes and add new ones; spread them into a LineChart. */
export function useChartNotes(): { overlay(place: ChartPlace): React.ReactNode; onPoint?(point: ChartPoint): void } {
  const readOnly = useReadOnly();
  const overlay = useCallback((place: ChartPlace) => <ChartNotes place={place} />, []);
  return readOnly ? { overlay } : { overlay, onPoint };
}

const onPoint = (point: ChartPoint) => write(point.step, point.readings, point);

/** Notes pinned to the chart's lines, at their positions, and a button at the crosshair for a new one. */
function ChartNotes({ place }: { place: ChartPlace }) {
  const readOnly = useReadOnly();
  const notes = useList('notes', mostNotes);
  const pinned = useCursor((c) => (c.mode === 'pinned' ? c.step : null));
  const shown = notes.filter(isThread).flatMap((note) => {
    const { step, chart, value } = note.anchor;
    if (chart === null || note.resolved) return [];
    const reading = place.readings(step).find((r) => r.name === chart);
    if (!reading) return [];
    const height = value ?? reading.value;
    if (height === null) return [];
    const [x, y] = [place.x(step), place.y(height)];
    return x < 0 || x > place.width ? [] : [{ note, x, y: Math.min(place.height - 4, Math.max(4, Number.isNaN(y) ? 0 : y)) }];
  });
  const pinX = pinned === null ? Number.NaN : place.x(pinned);
  return (
    <>
      {[...grouped(shown, ({ x, y }) => `${Math.round(x / 12)} ${Math.round(y / 12)}`)].map(([key, group]) => (
        <button
          key={key}
          type="button"
          className="pointer-events-auto absolute grid size-6 -translate-x-1/2 -translate-y-1/2 place-items-center rounded-full hover:bg-accent/25"
          style={{ left: group[0]!.x, top: group[0]!.y }}
          aria-label={`${group.length === 1 ? 'Note' : `${group.length} notes`} at ${describeAnchorAtStep(group[0]!.note.anchor)}: ${cut(group[0]!.note.text, 80)}`}
          title={group.map(({ note }) => `${note.author.name}: ${cut(note.text, 120)}`).join('\n')}
          onClick={(e) =>
            noteDesk.read(
              group.map(({ note }) => note),
              placeOf(e.currentTarget),
            )
          }
        >
          <svg width={16} height={16} viewBox="-8 -8 16 16" aria-hidden>
            <circle r={7.5} fill="var(--color-panel)" />
            <MarkGlyph kind="note" color="var(--color-accent)" more={group.length > 1} />
          </svg>
        </button>
      ))}
      {!readOnly && pinned !== null && pinX >= 0 && pinX <= place.width && (
        <button
          type="button"
          aria-label="Note at the crosshair"
          title="Write a note here (N, or a right click anywhere on the chart)"
          className="pointer-events-auto absolute bottom-0.5 grid size-6 -translate-x-1/2 place-items-center rounded border border-line bg-raised text-dim opacity-0 group-focus-within:opacity-100 group-hover:opacity-100 hover:text-ink pointer-coarse:opacity-100"
          style={{ left: Math.min(place.width - 12, Math.max(12, pinX)) }}
          onClick={(e) => write(pinned, place.readings(pinned), placeOf(e.currentTarget))}
        >
          <MessageSquarePlus aria-hidden size={13} />
        </button>
      )}
    </>
  );
}
