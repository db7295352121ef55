import { useId } from 'react';
import { logTicks } from './domains';
import { formatTick } from './format';
import { heatColor } from './heat';

const width = 190;
const inset = 16;

interface HeatLegendProps {
  domain: readonly [number, number];
  limit: { label: string; value: number } | null;
}

/** The color scale of a heat map with its numbers; a threshold is a tick on it. */
export function HeatLegend({ domain: [lo, hi], limit }: HeatLegendProps) {
  const id = useId();
  const x = (v: number) => inset + ((Math.log(v) - Math.log(lo)) / (Math.log(hi) - Math.log(lo))) * width;
  const ticks = logTicks(lo, hi, 4);
  const inside = limit && limit.value >= lo && limit.value <= hi;
  return (
    <>
      <svg
        className="inline-block align-top"
        width={width + 2 * inset}
        height={26}
        role="img"
        aria-label={`Color scale from ${formatTick(lo)} to ${formatTick(hi)}, logarithmic`}
      >
        <defs>
          <linearGradient id={id}>
            {Array.from({ length: 11 }, (_, i) => (
              <stop key={i} offset={i / 10} stopColor={`rgb(${heatColor(i / 10).join(' ')})`} />
            ))}
          </linearGradient>
        </defs>
        <rect x={inset} y={3} width={width} height={8} rx={1} fill={`url(#${id})`} />
        {ticks.map((t) => (
          <text key={t} x={x(t)} y={22} textAnchor="middle" fontSize={11} fill="var(--color-dim)">
            {formatTick(t)}
          </text>
        ))}
        {inside && <path d={`M${x(limit.value)} 0v14`} stroke="var(--color-warn)" strokeWidth={2} />}
      </svg>
      {limit && (
        <span className="text-xs whitespace-nowrap text-warn">
          {limit.label} {formatTick(limit.value)}
          {!inside && (limit.value > hi ? ': above all cells' : ': below all cells')}
        </span>
      )}
    </>
  );
}
