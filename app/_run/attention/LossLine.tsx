import { useMemo, useSyncExternalStore } from 'react';
import { type SignalLine, SignalLines } from '~/app/_charts/attention/SignalLines';
import type { StepAxis } from '~/app/_charts/attention/stepAxis';
import { useHistory, useWanted } from '~/app/_live/useHistory';
import { useView } from '~/app/_live/useRun';

const lossOnly = ['loss'];

/** The loss over the steps of the ribbons below it, with what guessing would give. */
export function LossLine({
  axis,
  cursor,
  onJump,
  onHoverStep,
}: {
  axis: StepAxis;
  cursor: React.ReactNode;
  onJump: (s: number) => void;
  onHoverStep: (s: number | null) => void;
}) {
  const history = useHistory();
  useWanted(history, lossOnly);
  const version = useSyncExternalStore(
    (listener) => history.subscribe(listener),
    () => history.curve('loss')?.version ?? -1,
    () => -1,
  );
  const chanceLoss = useView((v) => v.series.find((s) => s.name === 'loss')?.chance ?? Number.NaN, Number.NaN);
  const lines = useMemo((): SignalLine[] => {
    void version;
    const curve = history.curve('loss');
    if (!curve) return [];
    const steps = Float64Array.from({ length: curve.count }, (_, i) => curve.firstStep + i * curve.bucketSteps);
    const values = Float64Array.from(
      { length: curve.count },
      (_, i) => curve.values.sum[i]! / (curve.rows[i]! - curve.values.nonFinite[i]!),
    );
    return [{ name: 'loss', steps, values, strong: true }];
  }, [history, version]);
  const chance = useMemo(() => (Number.isNaN(chanceLoss) ? null : { value: chanceLoss, label: 'guessing' }), [chanceLoss]);
  return (
    <SignalLines
      title="training loss"
      lines={lines}
      chance={chance}
      axis={axis}
      height={64}
      domain={null}
      cursor={cursor}
      onJump={onJump}
      onHoverStep={onHoverStep}
    />
  );
}
