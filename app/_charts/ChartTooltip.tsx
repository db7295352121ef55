import { ruleAt } from './draw';
import { formatStep } from './format';
import { MarkGlyph } from './MarkGlyph';
import { around } from './margins';
import type { Palette } from './palette';
import { type Plot, pixelX } from './plot';
import { readout, valueFormat } from './readout';
import { colorOf, type LineSpec, type Mark, type PointSpec, type RuleSpec } from './types';

const MOST_LINES = 10;
const MOST_MARKS = 5;
const NEAR_PX = 7;

/** Exact values at the step under the pointer, and events near it. */
export function ChartTooltip(props: {
  px: number;
  step: number;
  lines: readonly LineSpec[];
  points: readonly PointSpec[];
  rule: RuleSpec | null;
  marks: readonly Mark[];
  /** Number of steps done. */
  head: number;
  smoothing: number;
  percent: boolean;
  palette: Palette;
  plot: Plot;
}) {
  const { px, step, lines, points, rule, marks, head, smoothing, percent, palette, plot } = props;
  const { map } = plot;
  // At the head the newest row is shown, which belongs to the step before it.
  const row = Math.min(step, head - 1);
  const near = marks.filter((m) => Math.abs(pixelX(plot, m.step) - px) <= NEAR_PX);
  const limit = rule ? ruleAt(rule, step) : null;
  const format = valueFormat(percent);
  const measured = points.flatMap((p) => {
    const at = p.points.findLast((v) => Math.abs(pixelX(plot, v.step) - px) <= NEAR_PX);
    return at ? [{ spec: p, at }] : [];
  });
  const shown = lines.slice(0, MOST_LINES).map((line) => ({ line, read: readout(line, row, smoothing, percent) }));
  const range = shown.length === 1 && !map.places ? shown[0]!.read.range : null;
  const right = px > plot.width / 2;
  return (
    <div
      data-tooltip
      className="pointer-events-none absolute z-20 w-max max-w-md rounded border border-line bg-raised/95 px-2.5 py-1.5 text-xs shadow-lg shadow-black/25 backdrop-blur-sm"
      style={{
        top: around().top + 6,
        ...(right ? { right: around().right + plot.width - px + 12 } : { left: plot.left + px + 12 }),
      }}
    >
      <p className="mb-0.5 font-mono text-2xs text-dim">
        {map.places ? map.say(step) : `step ${formatStep(step)}`}
        {map.kind !== 'step' && ` · ${map.say(step)}`}
      </p>
      <table className="w-full">
        <tbody>
          {shown.map(({ line, read }) => (
            <tr key={line.name}>
              <td className="pr-3 whitespace-nowrap">
                <i
                  aria-hidden
                  className="mr-1.5 inline-block size-2 rounded-[1px]"
                  style={{ background: colorOf(palette, line.color) }}
                />
                {line.label}
              </td>
              <td className="text-right font-mono font-medium whitespace-nowrap">{read.value}</td>
              {read.smoothed !== null && (
                <td className="pl-2 text-right font-mono whitespace-nowrap text-dim">∼ {read.smoothed}</td>
              )}
              {read.asOf !== null && !map.places && (
                <td className="pl-2 text-2xs whitespace-nowrap text-dim">of step {formatStep(read.asOf)}</td>
              )}
            </tr>
          ))}
          {measured.map(({ spec, at }) => (
            <tr key={spec.name}>
              <td className="pr-3 whitespace-nowrap">
                <i
                  aria-hidden
                  className="mr-1.5 inline-block size-2 rounded-full"
                  style={{ background: colorOf(palette, spec.color) }}
                />
                {spec.label}
              </td>
              <td className="text-right font-mono font-medium whitespace-nowrap">{format(at.value)}</td>
            </tr>
          ))}
          {limit !== null && (
            <tr className="text-warn">
              <td className="pr-3">{rule!.label}</td>
              <td className="text-right font-mono">{format(limit)}</td>
            </tr>
          )}
        </tbody>
      </table>
      {lines.length > MOST_LINES && <p className="text-dim">and {lines.length - MOST_LINES} more</p>}
      {range && <p className="text-2xs text-dim">{range}</p>}
      {near.length > 0 && (
        <ul className="mt-1 border-t border-line pt-1">
          {near.slice(0, MOST_MARKS).map((m) => (
            <li key={m.id} className="flex gap-1.5">
              <svg width={12} height={14} viewBox="-6 -7 12 14" aria-hidden className="mt-0.5 shrink-0">
                <MarkGlyph kind={m.kind} color={colorOf(palette, m.color)} />
              </svg>
              <span>
                {m.label}{' '}
                <span className="text-dim">
                  at {map.places ? map.say(m.step) : formatStep(m.step)}
                  {m.detail && ` · ${m.detail}`}
                </span>
              </span>
            </li>
          ))}
          {near.length > MOST_MARKS && <li className="text-dim">and {near.length - MOST_MARKS} more</li>}
        </ul>
      )}
    </div>
  );
}
