import { useCallback, useMemo, useRef } from 'react';
import { HeadScatter } from '~/app/_charts/attention/HeadScatter';
import { trailsOf } from '~/app/_charts/attention/scatter';
import { type HeadId, hiddenBut } from '~/app/_charts/attention/selection';
import { useSize } from '~/app/_charts/useSize';
import { Choose } from '~/app/_components/Choose';
import { attentionView } from '~/app/_live/attentionView';
import { useSignals } from '~/app/_live/snapshots';
import { pickHead } from '~/app/_run/attention/focusStore';
import { mainSignal, measuresNothing, nothingMeasured, signalInfo } from '~/app/_run/attention/signalText';
import { useWorkspace } from '~/app/_run/attention/workspaceContext';

/** Any two signals against each other, over all recorded steps up to the one shown. */
export function Scatter() {
  const { snapshots, scene, large, view } = useWorkspace();
  const box = useRef<HTMLDivElement>(null);
  const { width } = useSize(box);
  const { names, series } = useSignals(snapshots);
  const { layers } = scene.maps;
  const main = mainSignal(scene.snapshot, names);
  const usual = [names.find((n) => n !== main) ?? main, main] as const;
  const [x, y] = [0, 1].map((n) => {
    const asked = view.axes?.[n] ?? usual[n] ?? '';
    return names.includes(asked) ? asked : (names[n] ?? names[0] ?? '');
  }) as [string, string];
  const { step } = scene.recorded;
  const trails = useMemo(() => trailsOf(series(x, layers), series(y, layers), layers, step), [series, x, y, layers, step]);
  const onBrush = useCallback((ids: HeadId[]) => attentionView.set({ hidden: [...hiddenBut(ids, layers)] }), [layers]);
  const about = (name: string) => signalInfo(scene.snapshot, name, scene.lines.layers);
  const axis = (name: string) => {
    const { title, range, baseline } = about(name);
    return { label: title, range, chance: baseline };
  };
  const pick = (label: string, value: string, axesFor: (name: string) => [string, string]) => (
    <Choose
      label={label}
      options={names.map((name) => ({ value: name, text: about(name).title }))}
      value={value}
      onPick={(name) => attentionView.set({ axes: axesFor(name) })}
    />
  );
  if (measuresNothing(scene.snapshot, names)) return <p className="text-xs text-dim">{nothingMeasured}</p>;
  return (
    <div ref={box} className="min-w-0">
      <div className="mb-1 flex flex-wrap items-center gap-3 text-xs text-dim">
        {pick('across', x, (name) => [name, y])}
        {pick('up', y, (name) => [x, name])}
        <span>drag over points to show only those heads; drag over nothing for all</span>
      </div>
      {width > 0 && (
        <HeadScatter
          trails={trails}
          x={axis(x)}
          y={axis(y)}
          hidden={scene.hidden}
          active={large.head}
          width={Math.min(width, 720)}
          height={Math.min(360, Math.max(240, width * 0.7))}
          onPick={pickHead}
          onBrush={onBrush}
        />
      )}
    </div>
  );
}
