'use client';

import { memo, useCallback } from 'react';
import { PixelCanvas } from './PixelCanvas';
import { paint } from './raster';
import type { ColorScale } from './scale';

/** A map with one pixel per cell, enlarged; small enough to show several side by side. */
export const MiniMap = memo(function MiniMap({
  values,
  queries,
  keys,
  causal = false,
  scale,
  title,
  side,
  flip,
}: {
  values: Float32Array;
  queries: number;
  keys: number;
  causal?: boolean;
  scale: ColorScale;
  title: string;
  /** CSS pixels. */
  side: number;
  flip: boolean;
}) {
  const draw = useCallback(
    (pixels: Uint32Array) => paint(values, 0, { queries, keys, causal }, scale, { pixels, stride: keys, x: 0, y: 0, flip }),
    [values, queries, keys, causal, scale, flip],
  );
  return (
    <figure className="m-0" style={{ width: side }}>
      <figcaption className="truncate text-2xs text-dim" title={title}>
        {title}
      </figcaption>
      <PixelCanvas
        width={keys}
        height={queries}
        draw={draw}
        label={title}
        className="w-full"
        style={{ height: (side * queries) / keys }}
      />
    </figure>
  );
});
