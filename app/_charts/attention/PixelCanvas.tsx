'use client';

import { type CSSProperties, memo, useLayoutEffect, useRef } from 'react';

interface PixelCanvasProps {
  /** Canvas pixels; the element is enlarged by its style, every pixel crisp. */
  width: number;
  height: number;
  /** Sets the pixels, as palettes.ts makes them, row by row. Another function = another picture. */
  draw: (pixels: Uint32Array) => void;
  /** Left out: what is drawn is said elsewhere. */
  label?: string;
  className?: string;
  style?: CSSProperties;
}

/** A picture made number by number, drawn before the page is shown. */
export const PixelCanvas = memo(function PixelCanvas({
  width,
  height,
  draw,
  label,
  className = 'absolute inset-0 size-full',
  style,
}: PixelCanvasProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context || width < 1 || height < 1) return;
    const image = new ImageData(width, height);
    draw(new Uint32Array(image.data.buffer));
    context.putImageData(image, 0, 0);
  }, [width, height, draw]);
  return (
    <canvas
      ref={canvas}
      width={width}
      height={height}
      className={`[image-rendering:pixelated] ${className}`}
      style={style}
      {...(label === undefined ? { 'aria-hidden': true } : { role: 'img', 'aria-label': label })}
    />
  );
});
