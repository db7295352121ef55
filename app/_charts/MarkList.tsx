import { MarkGlyph } from './MarkGlyph';
import type { Palette } from './palette';
import { colorOf, type Mark } from './types';

/** Marks with their words: what happened, at which step, and who or why. @param most the others are counted @param at a step in words */
export function MarkList(props: {
  marks: readonly Mark[];
  most: number;
  palette: Palette;
  at(step: number): string;
  className?: string;
}) {
  const { marks, most, palette, at } = props;
  return (
    <ul className={props.className}>
      {marks.slice(0, most).map((m) => (
        <li key={m.id} className="flex gap-1.5">
          <svg width={12} height={14} viewBox="-6 -7 12 14" aria-hidden className="mt-0.5 shrink-0">
            <MarkGlyph kind={m.kind} color={colorOf(palette, m.color)} />
          </svg>
          <span className="min-w-0">
            {m.label}{' '}
            <span className="text-dim">
              at {at(m.step)}
              {m.detail && ` · ${m.detail}`}
            </span>
          </span>
        </li>
      ))}
      {marks.length > most && <li className="text-dim">and {marks.length - most} more</li>}
    </ul>
  );
}
