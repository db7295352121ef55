import { useMemo, useSyncExternalStore } from 'react';
import { type SignalLine, SignalLines } from '~/app/_charts/attention/SignalLines';
import type { StepAxis } from '~/app/_charts/attention/stepAxis';
import { useRoleName } from '~/app/_live/series';
import { useHistory, useWanted } from '~/app/_live/useHistory';
import { useView } from '~/app/_live/useRun';
import { seriesWithRole } from '~/shared/streams';

/** The loss over the same steps as the ribbons below it, with the loss of a guess. */
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
  const name = useRoleName('loss');
  useWanted(
    history,
    useMemo(() => (name === null ? [] : [name]), [name]),
  );
  const version = useSyncExternalStore(
    (listener) => history.subscribe(listener),
    () => (name === null ? -1 : (history.curve(name)?.version ?? -1)),
    () => -1,
  );
  const chanceLoss = useView((v) => seriesWithRole(v, 'loss')?.chance ?? Number.NaN, Number.NaN);
  const lines = useMemo((): SignalLine[] => {
    void version;
    const curve = name === null ? null : history.curve(name);
    if (!curve || name === null) return [];
    const values = Float64Array.from(
      { length: curve.count },
      (_, i) => curve.values.sum[i]! / (curve.rows[i]! - curve.values.nonFinite[i]!),
    );
    return [{ name, steps: curve.steps.slice(0, curve.count), values, strong: true }];
  }, [history, version, name]);
  const chance = useMemo(() => (Number.isNaN(chanceLoss) ? null : { value: chanceLoss, label: 'guessing' }), [chanceLoss]);
  if (name === null) return null;
  return (
    <SignalLines
      title={name}
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
