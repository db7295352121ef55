'use client';

import { memo, useLayoutEffect, useRef } from 'react';
import { paint } from './raster';
import type { ColourScale } from './scale';

/** A map of one pixel per cell, enlarged; for putting several side by side. */
export const MiniMap = memo(function MiniMap({
  values,
  queries,
  keys,
  scale,
  title,
  side,
  flip,
}: {
  values: Float32Array;
  queries: number;
  keys: number;
  scale: ColourScale;
  title: string;
  /** CSS pixels. */
  side: number;
  flip: boolean;
}) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context) return;
    const image = new ImageData(keys, queries);
    const target = { pixels: new Uint32Array(image.data.buffer), stride: keys, x: 0, y: 0, flip };
    paint(values, 0, { queries, keys }, scale, target);
    context.putImageData(image, 0, 0);
  }, [values, queries, keys, scale, flip]);
  return (
    <figure className="m-0" style={{ width: side }}>
      <figcaption className="truncate text-2xs text-dim" title={title}>
        {title}
      </figcaption>
      <canvas
        ref={canvas}
        width={keys}
        height={queries}
        role="img"
        aria-label={title}
        className="w-full [image-rendering:pixelated]"
        style={{ height: (side * queries) / keys }}
      />
    </figure>
  );
});
