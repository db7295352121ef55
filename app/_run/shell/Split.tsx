import { type ReactNode, useRef } from 'react';
import { leastSplit, useWorkspace, workspace } from '~/app/_live/workspace';

const clamp = (share: number) => Math.min(100 - leastSplit, Math.max(leastSplit, Math.round(share)));
const resize = (share: number) => workspace.set({ split: clamp(share) });

/** Two panels side by side; the mouse, a finger or the arrow keys move the bar between them. */
export function Split({ first, second }: { first: ReactNode; second: ReactNode }) {
  const split = useWorkspace((w) => w.split);
  const box = useRef<HTMLDivElement>(null);
  return (
    <div ref={box} className="flex min-h-0 min-w-0 flex-1">
      <div className="flex min-w-0 flex-col" style={{ width: `${split}%` }}>
        {first}
      </div>
      {/* biome-ignore lint/a11y/useSemanticElements: a movable separator, not a line */}
      <div
        role="separator"
        aria-orientation="vertical"
        aria-label="Width of the panels"
        aria-valuenow={split}
        aria-valuemin={leastSplit}
        aria-valuemax={100 - leastSplit}
        tabIndex={0}
        className="relative w-1 shrink-0 cursor-col-resize touch-none border-x border-line bg-bg before:absolute before:inset-y-0 before:-inset-x-2.5 hover:bg-accent/50"
        onKeyDown={(e) => {
          const by = e.key === 'ArrowLeft' ? -5 : e.key === 'ArrowRight' ? 5 : 0;
          if (by === 0) return;
          e.preventDefault();
          resize(split + by);
        }}
        onDoubleClick={() => resize(50)}
        onPointerDown={(e) => e.currentTarget.setPointerCapture(e.pointerId)}
        onPointerMove={(e) => {
          if (!e.currentTarget.hasPointerCapture(e.pointerId)) return;
          const { left, width } = box.current!.getBoundingClientRect();
          resize(((e.clientX - left) / width) * 100);
        }}
      />
      <div className="flex min-w-0 flex-1 flex-col">{second}</div>
    </div>
  );
}
