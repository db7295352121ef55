import { useMemo, useSyncExternalStore } from 'react';
import { type SignalLine, SignalLines } from '~/app/_charts/attention/SignalLines';
import type { Steps } from '~/app/_charts/attention/StepPlot';
import { withNumbers } from '~/app/_charts/drawLoop';
import { useRoleName } from '~/app/_live/series';
import { useHistory, useWanted } from '~/app/_live/useHistory';
import { useView } from '~/app/_live/useRun';
import { seriesWithRole } from '~/shared/streams';

/** The loss over the same steps as the strips below it, with the loss of a guess. */
export function LossLine({ steps }: { steps: Steps }) {
  const history = useHistory();
  const name = useRoleName('loss');
  useWanted(history, [name]);
  const version = useSyncExternalStore(
    useMemo(() => withNumbers(history.subscribe), [history]),
    () => (name === null ? -1 : (history.curve(name)?.version ?? -1)),
    () => -1,
  );
  const chanceLoss = useView((v) => seriesWithRole(v, 'loss')?.chance ?? Number.NaN, Number.NaN);
  const lines = useMemo((): SignalLine[] => {
    void version;
    const curve = name === null ? null : history.curve(name);
    if (!curve || name === null) return [];
    const values = Float64Array.from({ length: curve.count }, (_, i) => curve.mean(i));
    return [{ steps: curve.steps.slice(0, curve.count), values, strong: true }];
  }, [history, version, name]);
  const chance = useMemo(() => (Number.isNaN(chanceLoss) ? null : { value: chanceLoss, label: 'guessing' }), [chanceLoss]);
  return name !== null && <SignalLines title={name} lines={lines} chance={chance} steps={steps} height={64} domain={null} />;
}
