import { type CSSProperties, memo, useLayoutEffect, useRef } from 'react';

interface PixelCanvasProps {
  /** Canvas pixels; the element's style enlarges them without smoothing. */
  width: number;
  height: number;
  /** Writes the pixels row by row, in the format of palettes.ts. A new function draws a new picture. */
  draw: (pixels: Uint32Array) => void;
  /** Without a label: other elements describe the picture. */
  label?: string;
  className?: string;
  style?: CSSProperties;
}

/** A picture from computed pixels, drawn before the browser paints. */
export const PixelCanvas = memo(function PixelCanvas(props: PixelCanvasProps) {
  const { width, height, draw, label, className = 'absolute inset-0 size-full', style } = props;
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
