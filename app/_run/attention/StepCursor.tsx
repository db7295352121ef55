import { type StepAxis, xOf } from '~/app/_charts/attention/stepAxis';
import { formatStep } from '~/app/_charts/format';
import { useCursor } from '~/app/_live/cursor';
import { useWorkspace } from './workspaceContext';

/** The page's current step, the hovered step, and the recorded step that is shown, over any plot with a step axis. The plots themselves stay as they are. */
export function StepCursor({ axis }: { axis: StepAxis }) {
  const recorded = useWorkspace().scene.recorded.step;
  const { step, hoverStep } = useCursor((c) => ({ step: c.step, hoverStep: c.hoverStep }));
  const line = (at: number | null, faint: boolean) =>
    at !== null &&
    at >= axis.first &&
    at <= axis.last && (
      <div
        aria-hidden
        className={`pointer-events-none absolute top-0 h-full w-px ${faint ? 'bg-dim' : 'bg-ink outline-1 outline-panel/60'}`}
        style={{ transform: `translateX(${xOf(axis, at)}px)` }}
        data-testid={faint ? undefined : 'step-line'}
      />
    );
  return (
    <>
      {line(hoverStep, true)}
      {recorded !== step && line(recorded, true)}
      {line(step, false)}
    </>
  );
}

export function StepTicks({ axis }: { axis: StepAxis }) {
  return (
    <div aria-hidden className="relative mb-1 h-3.5 text-[9px] leading-3 text-dim">
      {[0, 0.25, 0.5, 0.75, 1].map((f) => (
        <span key={f} className="absolute" style={{ left: `${100 * f}%`, transform: `translateX(${-100 * f}%)` }}>
          {f === 0 ? 'step ' : ''}
          {formatStep(axis.first + f * (axis.last - axis.first))}
        </span>
      ))}
    </div>
  );
}
