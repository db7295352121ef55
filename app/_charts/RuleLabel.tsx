import { ruleAt } from './draw';
import { type Plot, pixelY } from './plot';
import type { RuleSpec } from './types';

/** Name and value of a threshold at its line; at the upper edge, with an arrow, when the line is above the plot. */
export function RuleLabel({ rule, plot }: { rule: RuleSpec; plot: Plot }) {
  const value = ruleAt(rule, plot.map.stepOf(plot.x[1]));
  if (value === null) return null;
  const y = pixelY(plot, value);
  const above = y < 0;
  const at = Math.min(plot.height - 4, Math.max(11, y - 4));
  return (
    <text
      x={plot.width - 4}
      y={above ? 11 : at}
      textAnchor="end"
      fontSize={11}
      fill="var(--color-warn)"
      stroke="var(--color-panel)"
      strokeWidth={3}
      paintOrder="stroke"
    >
      {rule.label} {value}
      {above ? ' ↑' : ''}
    </text>
  );
}
