import { memo } from 'react';
import { MarkGlyph } from './MarkGlyph';
import { clusterMarks } from './marks';
import type { Palette } from './palette';
import { type Plot, pixelX } from './plot';
import { colorOf, type Mark } from './types';

interface MarksLayerProps {
  marks: readonly Mark[];
  plot: Plot;
  palette: Palette;
}

/** Events along the top edge of a plot; the important ones also as a line through it. */
export const MarksLayer = memo(function MarksLayer({ marks, plot, palette }: MarksLayerProps) {
  const { width, height } = plot;
  const px = (step: number) => pixelX(plot, step);
  return (
    <g>
      {lined(marks.filter((m) => m.line && px(m.step) >= 0 && px(m.step) <= width)).map((m) => (
        <line
          key={m.id}
          x1={px(m.step)}
          x2={px(m.step)}
          y1={0}
          y2={height}
          stroke={colorOf(palette, m.color)}
          strokeOpacity={0.55}
          strokeDasharray="2 3"
        />
      ))}
      <MarkGlyphs {...{ marks, px, width, palette }} gap={marks.length > 60 ? 18 : 12} y={-7} />
    </g>
  );
});

interface MarkGlyphsProps {
  marks: readonly Mark[];
  px(step: number): number;
  width: number;
  palette: Palette;
  /** Marks that are nearer to each other share a glyph. */
  gap: number;
  y: number;
}

/** All kinds of marks on one line. */
export const MarkGlyphs = memo(function MarkGlyphs({ marks, px, width, palette, gap, y }: MarkGlyphsProps) {
  return clusterMarks(marks, px, width, gap).map((c) => (
    <g key={c.head.id} transform={`translate(${c.x},${y})`}>
      <MarkGlyph kind={c.head.kind} color={colorOf(palette, c.head.color)} more={c.marks.length > 1} />
    </g>
  ));
});

const MOST_LINES = 14;

/** Marks that get a line: commands first, then errors, then the rest, as many as keep the plot readable; the glyphs at the top show all. */
function lined(marks: readonly Mark[]): readonly Mark[] {
  if (marks.length <= MOST_LINES) return marks;
  const commands = marks.filter((m) => m.kind === 'command');
  const errors = marks.filter((m) => m.kind === 'alert' && m.color === 'bad');
  if (commands.length + errors.length <= MOST_LINES) return [...commands, ...errors];
  return commands.length <= MOST_LINES ? commands : [];
}
