import { scaleLinear } from '@visx/scale';
import { LinePath } from '@visx/shape';
import { useMemo } from 'react';
import { count } from '~/app/_components/format';
import { useView } from '~/app/_live/useRun';
import type { ControlValue } from '~/shared/controls';
import { previewSchedule } from '~/shared/schedule';

const [width, height] = [240, 44];

/** How a change would alter the future learning rate, before it is sent. Renders nothing when it would not. */
export default function RatePreview({ control, value }: { control: string; value: ControlValue }) {
  const view = useView(
    ({ schedule, controls, values, step, stepsPerEpoch, totalSteps }) => ({
      schedule,
      controls,
      values,
      step,
      stepsPerEpoch,
      totalSteps,
    }),
    null,
  );
  const preview = useMemo(() => view && previewSchedule(view, { control, value }), [view, control, value]);
  if (!preview || preview.words === '') return null;
  const { steps, now, changed, words } = preview;
  const [first, last] = [steps[0]!, steps[steps.length - 1]!];
  const x = scaleLinear({ domain: [first, last], range: [1, width - 1] });
  const y = scaleLinear({ domain: [0, Math.max(...now, ...changed)], range: [height - 1, 1] });
  const line = (rates: Float64Array) => ({
    data: [...rates],
    x: (_: number, i: number) => x(steps[i]!),
    y: (rate: number) => y(rate),
  });
  return (
    <figure className="mt-0.5">
      <svg viewBox={`0 0 ${width} ${height}`} className="w-full" role="img" aria-label={words}>
        <LinePath {...line(now)} stroke="var(--color-dim)" strokeDasharray="3 3" />
        <LinePath {...line(changed)} stroke="var(--color-series-3)" strokeWidth={1.5} />
      </svg>
      <figcaption className="flex justify-between gap-2 text-2xs text-dim">
        <span className="font-mono">{count(first)}</span>
        <span className="min-w-0">{words}</span>
        <span className="font-mono">{count(last)}</span>
      </figcaption>
    </figure>
  );
}
