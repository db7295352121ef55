import { Maximize2, Minimize2 } from 'lucide-react';
import { createContext, type ReactNode, type Ref, useContext, useEffect, useId, useRef, useState } from 'react';
import type { MenuChoice } from '~/app/_components/AnchorMenu';
import { IconButton } from '~/app/_components/IconButton';
import { LongName } from '~/app/_components/LongName';
import { ChartMenu, type Takeaway } from './ChartMenu';
import { moveByKey } from './cursorKeys';
import type { ChartCursor } from './types';
import { useSize } from './useSize';

/** Width of a chart that is known before the browser has laid it out, CSS pixels; 0 = not known. A chart with a known size is drawn in its first rendering. */
export const KnownWidth = createContext(0);

/** The box of a chart and its size, and whether it fills the window; Escape closes it. `figure`: properties of its ChartFigure. */
export function useFigure(height = 0) {
  const width = Math.floor(useContext(KnownWidth));
  const box = useRef<HTMLDivElement>(null);
  const [large, setLarge] = useState(false);
  useEffect(() => {
    if (!large) return;
    const close = (e: KeyboardEvent) => {
      if (e.key !== 'Escape') return;
      e.stopPropagation();
      setLarge(false);
    };
    document.addEventListener('keydown', close, true);
    return () => document.removeEventListener('keydown', close, true);
  }, [large]);
  return {
    box,
    size: useSize(box, width > 0 ? { width, height } : undefined),
    large,
    figure: { id: useId(), boxRef: box, large, onLarge: setLarge },
  };
}

/** The frame of every chart: title, legend, menu, full screen, and the box that handles keys and contains `children`. */
export function ChartFigure(props: {
  id: string;
  title: string;
  /** "chart", "heat map" */
  kind: string;
  legend: ReactNode;
  /** Content beside the menu. */
  aside?: ReactNode;
  takeaway: Takeaway;
  /** More items of the menu. */
  menu?: readonly MenuChoice[] | undefined;
  /** The chart in words, for people who cannot see it. */
  said: ReactNode;
  saidRef?: Ref<HTMLParagraphElement>;
  large: boolean;
  onLarge(large: boolean): void;
  boxRef: Ref<HTMLDivElement>;
  height: number;
  cursor: ChartCursor;
  /** Steps with a snapshot, ascending: where Page Up and Page Down go. */
  stops: readonly number[];
  /** Handles a key that only this chart uses. @returns whether it did */
  onKey?(event: React.KeyboardEvent): boolean;
  /** Shown over an empty plot: why there is no data. */
  notice?: ReactNode;
  children: ReactNode;
}) {
  const { id, title, large } = props;
  return (
    <figure
      aria-labelledby={`${id}title`}
      className={
        large
          ? 'fixed inset-2 z-50 flex flex-col rounded border border-line bg-panel p-3 shadow-[0_0_0_100vmax_rgb(0_0_0/0.5)]'
          : 'group relative flex h-full min-w-0 flex-col'
      }
    >
      {/* Title and tools float, so that the legend's first line stands between them and the others have the whole width. */}
      <figcaption className="flow-root min-h-6">
        <span
          id={`${id}title`}
          className={`float-left mr-2 flex max-w-3/5 leading-6 font-semibold ${large ? 'text-base wrap-anywhere' : ''}`}
        >
          {large ? title : <LongName>{title}</LongName>}
        </span>
        <span className="float-right ml-2 flex items-center gap-0.5">
          {props.aside}
          <ChartMenu title={title} items={props.menu} {...props.takeaway} />
          <IconButton
            size="small"
            icon={large ? Minimize2 : Maximize2}
            label={large ? `Leave full screen: ${title}` : `Full screen: ${title}`}
            title={large ? 'Back (Esc)' : 'Full screen'}
            onClick={() => props.onLarge(!large)}
          />
        </span>
        {props.legend}
      </figcaption>
      <p ref={props.saidRef} id={`${id}said`} className="sr-only">
        {props.said}
      </p>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset belongs to a form, and this is a chart */}
      <div
        ref={props.boxRef}
        className={`relative min-h-0 ${large ? '' : 'mt-auto'}`}
        style={large ? { flex: 1 } : { height: props.height }}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the chart handles the arrow keys
        tabIndex={0}
        role="group"
        aria-roledescription={props.kind}
        aria-labelledby={`${id}title`}
        aria-describedby={`${id}said`}
        onKeyDown={(e) => {
          if (!props.onKey?.(e) && !moveByKey(e, props.cursor, props.stops)) return;
          e.preventDefault();
          e.stopPropagation();
        }}
      >
        {props.children}
        {props.notice && (
          <div className="pointer-events-none absolute inset-0 flex items-center justify-center p-4 text-center text-dim">
            {props.notice}
          </div>
        )}
      </div>
    </figure>
  );
}
