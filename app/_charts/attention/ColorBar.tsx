import { memo } from 'react';
import { css, levels } from './palettes';
import { type ColorScale, ticks } from './scale';

interface ColorBarProps {
  scale: ColorScale;
  title: string;
  ownScales?: boolean;
}

/** Legend of the colors, always shown beside the maps. */
export const ColorBar = memo(function ColorBar({ scale, title, ownScales = false }: ColorBarProps) {
  const stops = Array.from({ length: 17 }, (_, i) => css(scale.palette[Math.round((i / 16) * (levels - 1))]!));
  return (
    <figure className="m-0 w-full max-w-sm min-w-44" data-testid="color-bar">
      <figcaption className="flex flex-wrap items-baseline justify-between gap-x-2 text-2xs text-dim">
        <span>{title}</span>
        {ownScales && (
          <span className="rounded-sm border border-warn px-1 font-semibold text-warn">per head: not comparable</span>
        )}
      </figcaption>
      <div className="mt-0.5 h-2.5 border border-line" style={{ background: `linear-gradient(to right, ${stops.join(',')})` }} />
      <div className="relative mt-0.5 h-4 text-2xs text-dim">
        {ticks(scale).map(({ at, label }) => (
          <span
            key={at}
            className="absolute"
            style={{ left: `${at * 100}%`, transform: `translateX(${at === 0 ? 0 : at === 1 ? -100 : -50}%)` }}
          >
            {ownScales && at === 1 ? `${label} (this head)` : label}
          </span>
        ))}
      </div>
    </figure>
  );
});
