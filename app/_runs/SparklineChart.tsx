import { heightsOf } from '~/app/_charts/plot';
import { measured } from '~/app/_components/format';
import type { Sparkline } from '~/shared/runTable';

const [width, height, edge] = [100, 22, 2];

/** A small chart of a run's main series, averaged over stretches of the run. A value that is not finite leaves a gap and a red mark at the edge. */
export function SparklineChart({ line }: { line: Sparkline | undefined }) {
  if (!line) return <span aria-hidden className="block" style={{ width, height }} />;
  const { path, breaks } = pathOf(line);
  const last = line.values.at(-1)!;
  return (
    <svg
      role="img"
      aria-label={`${line.name}, averaged: from ${measured(line.values[0]!)} to ${measured(last)}`}
      width={width}
      height={height}
      viewBox={`0 0 ${width} ${height}`}
      className="block"
    >
      <title>{`${line.name}, averaged: ${measured(line.values[0]!)} → ${measured(last)}`}</title>
      <path d={path} fill="none" stroke="var(--color-series-1)" strokeWidth={1.25} strokeLinejoin="round" strokeLinecap="round" />
      {breaks.map((x) => (
        <circle key={x} cx={x} cy={edge + 1} r={1.75} fill="var(--color-bad)" />
      ))}
    </svg>
  );
}

/** @returns an SVG path of the finite values, and the positions (px) of the others */
export function pathOf({ steps, values }: Pick<Sparkline, 'steps' | 'values'>): { path: string; breaks: number[] } {
  const [first, last] = [steps[0]!, steps.at(-1)!];
  const x = (i: number) => edge + (last === first ? 0.5 : (steps[i]! - first) / (last - first)) * (width - 2 * edge);
  const ys = heightsOf(values, edge, height - edge);
  let path = '';
  let drawing = false;
  const breaks: number[] = [];
  for (const [i, y] of ys.entries()) {
    if (Number.isNaN(y)) {
      breaks.push(Math.round(x(i)));
      drawing = false;
      continue;
    }
    path += `${drawing ? 'L' : 'M'}${x(i).toFixed(1)} ${y.toFixed(1)}`;
    // A single value is drawn as a dot: a line of length zero with round ends.
    if (!drawing && Number.isNaN(ys[i + 1] ?? Number.NaN)) path += 'h0';
    drawing = true;
  }
  return { path, breaks: [...new Set(breaks)] };
}
