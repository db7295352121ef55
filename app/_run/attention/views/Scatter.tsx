import { useMemo, useRef } from 'react';
import { HeadScatter } from '~/app/_charts/attention/HeadScatter';
import { hiddenBut, trailsOf } from '~/app/_charts/attention/scatter';
import type { HeadId } from '~/app/_charts/attention/selection';
import { useSize } from '~/app/_charts/useSize';
import { attentionView } from '~/app/_live/attentionView';
import { useSignalVersion } from '~/app/_live/snapshots';
import { focusStore } from '~/app/_run/attention/focusStore';
import type { HeadViewProps } from '~/app/_run/attention/headViewProps';
import { mainSignal, signalInfo } from '~/app/_run/attention/signalText';
import { selectClass } from '~/app/_run/attention/Toolbar';

/** Any two signals against each other, over all recorded steps up to the one shown. */
export function Scatter({ snapshots, scene, large, view }: HeadViewProps) {
  const box = useRef<HTMLDivElement>(null);
  const { width } = useSize(box);
  const version = useSignalVersion(snapshots);
  const { feed, table } = snapshots;
  const { layers } = scene.maps;
  const names = useMemo(() => {
    void version;
    return table.names(feed.recorded);
  }, [table, feed, version]);
  const main = mainSignal(scene.snapshot, names);
  const usual = [names.find((n) => n !== main) ?? main, main] as const;
  const [x, y] = [0, 1].map((n) => {
    const asked = view.axes?.[n] ?? usual[n] ?? '';
    return names.includes(asked) ? asked : (names[n] ?? names[0] ?? '');
  }) as [string, string];
  const trails = useMemo(() => {
    void version;
    const series = (name: string) => table.series(name, feed.recorded, layers);
    return trailsOf(series(x), series(y), layers, scene.recorded.step);
  }, [table, feed, x, y, layers, scene.recorded.step, version]);
  const act = useMemo(
    () => ({
      onPick: ([layer, head]: HeadId) => focusStore.send({ type: 'click', spot: { layer, head, query: null, key: null } }),
      onBrush: (ids: HeadId[]) => attentionView.set({ hidden: [...hiddenBut(ids, layers)] }),
    }),
    [layers],
  );
  const axis = (name: string) => {
    const { title, range, baseline } = signalInfo(scene.snapshot, name, scene.lines.layers);
    return { label: title, range, chance: baseline };
  };
  const pick = (n: 0 | 1, label: string) => (
    <label className="flex items-center gap-1">
      {label}
      <select
        className={selectClass}
        value={n === 0 ? x : y}
        onChange={(e) => attentionView.set({ axes: n === 0 ? [e.target.value, y] : [x, e.target.value] })}
      >
        {names.map((name) => (
          <option key={name} value={name}>
            {signalInfo(scene.snapshot, name, scene.lines.layers).title}
          </option>
        ))}
      </select>
    </label>
  );
  return (
    <div ref={box} className="min-w-0">
      <div className="mb-1 flex flex-wrap items-center gap-3 text-xs text-dim">
        {pick(0, 'across')}
        {pick(1, 'up')}
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
          {...act}
        />
      )}
    </div>
  );
}
