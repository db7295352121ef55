import { StepLine } from '~/app/_charts/attention/Ribbons';
import { type StepAxis, xOf } from '~/app/_charts/attention/stepAxis';
import { useCursor } from '~/app/_live/cursor';

/** The page's current step, the hovered step, and the recorded step that is shown, over any plot with a step axis. */
export function StepCursor({ axis, recordedStep }: { axis: StepAxis; recordedStep: number }) {
  const { step, hoverStep } = useCursor((c) => ({ step: c.step, hoverStep: c.hoverStep }));
  const inside = (s: number) => s >= axis.first && s <= axis.last;
  return (
    <>
      {hoverStep !== null && inside(hoverStep) && <StepLine x={xOf(axis, hoverStep)} height="100%" faint />}
      {inside(recordedStep) && recordedStep !== step && <StepLine x={xOf(axis, recordedStep)} height="100%" faint />}
      {inside(step) && <StepLine x={xOf(axis, step)} height="100%" />}
    </>
  );
}

export function StepTicks({ axis }: { axis: StepAxis }) {
  const at = [0, 0.25, 0.5, 0.75, 1];
  return (
    <div aria-hidden className="relative mb-1 h-3.5 text-[9px] leading-3 text-dim">
      {at.map((f) => (
        <span key={f} className="absolute" style={{ left: `${100 * f}%`, transform: `translateX(${-100 * f}%)` }}>
          {f === 0 ? 'step ' : ''}
          {Math.round(axis.first + f * (axis.last - axis.first)).toLocaleString('en-US')}
        </span>
      ))}
    </div>
  );
}
