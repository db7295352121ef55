import { memo, useCallback, useMemo } from 'react';
import { deriveMaps, mapOfHeads } from '~/app/_charts/attention/derive';
import { PixelCanvas } from '~/app/_charts/attention/PixelCanvas';
import { paint } from '~/app/_charts/attention/raster';
import { type ColorScale, colorScale } from '~/app/_charts/attention/scale';
import { count } from '~/app/_components/format';
import { useWorkspace } from './workspaceContext';

const side = 150;

/** Both sides of a difference: this map and the one subtracted from it, on one scale from 0 to 1. */
export const BothSides = memo(function BothSides() {
  const { scene, large, view, theme } = useWorkspace();
  const { snapshot, other, source, shown } = scene;
  const [these, those] = useMemo(
    () => (other ? [snapshot, other] : []).map((s) => mapOfHeads(deriveMaps(s, source, null), large.head, shown, view.operation)),
    [snapshot, other, source, shown, large.head, view.operation],
  );
  if (!these || !those) return null;
  const scale = colorScale({ quantity: these.quantity, sequential: view.palette, theme });
  return (
    <div className="flex flex-wrap items-end gap-3" data-testid="both-sides">
      <SmallMap values={these.values} title={`step ${count(scene.recorded.step)}`} scale={scale} />
      <span aria-hidden className="self-center text-lg text-dim">
        −
      </span>
      <SmallMap values={those.values} title={scene.referenceWords ?? ''} scale={scale} />
      <span className="text-2xs text-dim">both 0 to {scale.high}</span>
    </div>
  );
});

function SmallMap({ values, title, scale }: { values: Float32Array; title: string; scale: ColorScale }) {
  const { large, view } = useWorkspace();
  const { size } = large;
  const draw = useCallback(
    (pixels: Uint32Array) => paint(values, 0, size, scale, { pixels, stride: size.keys, x: 0, y: 0, flip: view.flip }),
    [values, size, scale, view.flip],
  );
  return (
    <figure className="m-0" style={{ width: side }}>
      <figcaption className="truncate text-2xs text-dim" title={title}>
        {title}
      </figcaption>
      <PixelCanvas
        width={size.keys}
        height={size.queries}
        draw={draw}
        label={title}
        className="w-full"
        style={{ height: (side * size.queries) / size.keys }}
      />
    </figure>
  );
}
