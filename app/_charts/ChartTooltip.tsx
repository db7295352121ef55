import { ruleAt } from './draw';
import { formatStep } from './format';
import type { ChartContent } from './lineLayout';
import { MarkList } from './MarkList';
import { around } from './margins';
import type { Palette } from './palette';
import { type Plot, pixelX } from './plot';
import { readout, valueFormat } from './readout';
import { TipBox } from './TipBox';
import { colorOf, type Mark } from './types';

const MOST_LINES = 10;
const MOST_MARKS = 5;
const NEAR_PX = 7;

/** Exact values at the step under the pointer, and events near it. */
export function ChartTooltip(props: {
  px: number;
  step: number;
  what: ChartContent;
  marks: readonly Mark[];
  palette: Palette;
  plot: Plot;
}) {
  const { px, step, what, marks, palette, plot } = props;
  const { lines, points, rule, percent, settings, cursor } = what;
  const { map } = plot;
  // At the head the newest row is shown, which belongs to the step before it.
  const row = Math.min(step, cursor.headStep() - 1);
  const near = marks.filter((m) => Math.abs(pixelX(plot, m.step) - px) <= NEAR_PX);
  const limit = rule ? ruleAt(rule, step) : null;
  const format = valueFormat(percent);
  const measured = points.flatMap((p) => {
    const at = p.points.findLast((v) => Math.abs(pixelX(plot, v.step) - px) <= NEAR_PX);
    return at ? [{ spec: p, at }] : [];
  });
  const shown = lines.slice(0, MOST_LINES).map((line) => ({ line, read: readout(line, row, settings.smoothing, percent) }));
  const range = shown.length === 1 && !map.places ? shown[0]!.read.range : null;
  const { top, right } = around();
  return (
    <TipBox px={px} plot={{ left: plot.left, width: plot.width, right }} style={{ top: top + 6 }}>
      <p className="mb-0.5 font-mono text-2xs text-dim">
        {map.places ? map.say(step) : `step ${formatStep(step)}`}
        {map.kind !== 'step' && ` · ${map.say(step)}`}
      </p>
      <table className="w-full">
        <tbody>
          {shown.map(({ line, read }) => (
            <tr key={line.name}>
              <Name label={line.label} color={colorOf(palette, line.color)} shape="rounded-[1px]" />
              <td className="text-right font-mono font-medium whitespace-nowrap">{read.value}</td>
              {read.smoothed !== null && (
                <td className="pl-2 text-right font-mono whitespace-nowrap text-dim">∼ {read.smoothed}</td>
              )}
              {read.asOf !== null && !map.places && <td className="pl-2 text-2xs text-dim">of step {formatStep(read.asOf)}</td>}
            </tr>
          ))}
          {measured.map(({ spec, at }) => (
            <tr key={spec.name}>
              <Name label={spec.label} color={colorOf(palette, spec.color)} shape="rounded-full" />
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
        <MarkList
          marks={near}
          most={MOST_MARKS}
          palette={palette}
          at={map.places ? map.say : formatStep}
          className="mt-1 border-t border-line pt-1"
        />
      )}
    </TipBox>
  );
}

function Name({ label, color, shape }: { label: string; color: string; shape: string }) {
  return (
    <td className="pr-3 wrap-anywhere">
      <i aria-hidden className={`mr-1.5 inline-block size-2 ${shape}`} style={{ background: color }} />
      {label}
    </td>
  );
}
