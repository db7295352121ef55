import { memo, useMemo, useState } from 'react';
import { MarkGlyph } from '~/app/_charts/MarkGlyph';
import { MarkList } from '~/app/_charts/MarkList';
import { clusterMarks, type MarkCluster } from '~/app/_charts/marks';
import type { Palette } from '~/app/_charts/palette';
import { colorOf, type Mark, type MarkKind } from '~/app/_charts/types';
import { count } from '~/app/_components/format';
import { setCursor } from '~/app/_live/cursor';
import { mostNotes, useList } from '~/app/_live/lists';
import { noteDesk, placeOf } from '~/app/_run/notes/noteDesk';

/** Width of the lane names left of the track, CSS pixels. */
export const labelWidth = 92;
/** Height of a lane of marks and width of a mark, in CSS pixels: the least that a finger hits (WCAG 2.5.8). */
const target = 24;
const tickHeight = 18;
const mostListed = 8;

const lanes: readonly { name: string; kinds: readonly MarkKind[] }[] = [
  { name: 'alerts', kinds: ['alert'] },
  { name: 'commands', kinds: ['command', 'refused', 'status'] },
  { name: 'evaluations', kinds: ['evaluation'] },
  { name: 'checkpoints', kinds: ['checkpoint'] },
  { name: 'notes', kinds: ['note'] },
];

/** What happened to the run, with one lane per kind of event. Hovering over a mark describes it; a click moves the page to its step. */
export const Lanes = memo(function Lanes(props: {
  marks: readonly Mark[];
  /** Steps with a snapshot, ascending. */
  stops: readonly number[];
  px(step: number): number;
  left: number;
  width: number;
  palette: Palette;
}) {
  const { marks, stops, px, left, width, palette } = props;
  const [shown, setShown] = useState<MarkCluster | null>(null);
  const notes = useList('notes', mostNotes);
  const placed = useMemo(
    () =>
      lanes.flatMap(({ name, kinds }) => {
        const own = marks.filter((m) => kinds.includes(m.kind));
        // Most runs end without a command.
        const shownAs = own.every((m) => m.kind === 'status') ? 'status' : name;
        return own.length > 0 ? [{ name: shownAs, clusters: clusterMarks(own, px, width, target) }] : [];
      }),
    [marks, px, width],
  );
  const ticks = useMemo(
    () => [...new Set(stops.map((s) => Math.round(px(s))))].map((x) => `M${x + 0.5} 5v8`).join(''),
    [stops, px],
  );
  const go = (c: MarkCluster, element: Element) => {
    setCursor.pin(c.head.step);
    const threads = notes.filter((n) => c.marks.some((m) => m.id === `n${n.id}`));
    if (threads.length > 0) noteDesk.read(threads, placeOf(element));
  };
  return (
    <div className="relative">
      {placed.map(({ name, clusters }) => (
        // biome-ignore lint/a11y/useSemanticElements: marks along a line, not a form
        <div key={name} role="group" aria-label={name} className="relative" style={{ height: target }}>
          <Name left={left}>{name}</Name>
          <div className="absolute inset-y-0" style={{ left, width }}>
            {clusters.map((c, i) => (
              <button
                key={c.head.id}
                type="button"
                // One tab stop per lane; the arrow keys move along it.
                tabIndex={i === 0 ? 0 : -1}
                aria-label={c.marks.map(say).slice(0, mostListed).join('; ')}
                className="absolute inset-y-0 -translate-x-1/2 rounded-sm hover:bg-raised"
                style={{ left: c.x, width: target }}
                onClick={(e) => go(c, e.currentTarget)}
                onPointerEnter={() => setShown(c)}
                onPointerLeave={() => setShown(null)}
                onFocus={() => setShown(c)}
                onBlur={() => setShown(null)}
                onKeyDown={(e) => {
                  const to =
                    e.key === 'ArrowRight'
                      ? e.currentTarget.nextElementSibling
                      : e.key === 'ArrowLeft'
                        ? e.currentTarget.previousElementSibling
                        : null;
                  if (!(to instanceof HTMLElement)) return;
                  e.preventDefault();
                  e.stopPropagation();
                  to.focus();
                }}
              >
                <svg width={target} height={target} viewBox={`${-target / 2} ${-target / 2} ${target} ${target}`} aria-hidden>
                  <MarkGlyph kind={c.head.kind} color={colorOf(palette, c.head.color)} more={c.marks.length > 1} />
                </svg>
              </button>
            ))}
          </div>
        </div>
      ))}
      {stops.length > 0 && (
        <div className="relative" style={{ height: tickHeight }}>
          <Name left={left}>snapshots</Name>
          <svg aria-hidden className="absolute inset-y-0" style={{ left }} width={width} height={tickHeight}>
            <path d={ticks} stroke="var(--color-dim)" />
          </svg>
        </div>
      )}
      {shown && <Card cluster={shown} left={left} width={width} palette={palette} />}
    </div>
  );
});

function Name({ left, children }: { left: number; children: string }) {
  return (
    <span className={`absolute inset-y-0 left-0 flex items-center text-2xs text-dim ${left >= labelWidth ? 'pl-3' : 'sr-only'}`}>
      {children}
    </span>
  );
}

const say = (m: Mark): string =>
  `${m.kind === 'note' ? 'Note: ' : ''}${m.label} at step ${count(m.step)}${m.detail && `, ${m.detail}`}`;

interface CardProps {
  cluster: MarkCluster;
  left: number;
  width: number;
  palette: Palette;
}

function Card({ cluster: { x, marks }, left, width, palette }: CardProps) {
  const right = x > width / 2;
  return (
    <div
      data-tooltip
      className="pointer-events-none absolute bottom-full z-30 mb-9 w-max max-w-sm rounded border border-line bg-raised px-2.5 py-1.5 text-xs shadow-lg shadow-black/25"
      style={right ? { right: `calc(100% - ${left + x}px)` } : { left: left + x }}
    >
      <MarkList marks={marks} most={mostListed} palette={palette} at={count} />
    </div>
  );
}
