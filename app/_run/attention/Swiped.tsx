import { type ReactNode, useRef } from 'react';
import { pickHead } from './focusStore';
import { useWorkspace } from './workspaceContext';

/** A phone shows one head at a time; a swipe or the buttons change to the next. */
export function Swiped({ enabled, children }: { enabled: boolean; children: ReactNode }) {
  const { scene, large } = useWorkspace();
  const start = useRef<{ x: number; y: number } | null>(null);
  const { shown } = scene;
  const { head } = large;
  const at = head ? shown.findIndex(([l, h]) => l === head.layer && h === head.head) : -1;
  // Beyond the first and the last head comes the average of all.
  const go = (by: number) => pickHead(shown[at < 0 && by < 0 ? shown.length - 1 : at + by] ?? null);
  if (!enabled) return children;
  return (
    <div
      className="flex flex-col gap-2"
      onTouchStart={(e) => {
        const t = e.touches[0]!;
        start.current = e.touches.length === 1 ? { x: t.clientX, y: t.clientY } : null;
      }}
      onTouchEnd={(e) => {
        const t = e.changedTouches[0]!;
        const [dx, dy] = start.current ? [t.clientX - start.current.x, t.clientY - start.current.y] : [0, 0];
        start.current = null;
        if (Math.abs(dx) > 60 && Math.abs(dx) > 2 * Math.abs(dy)) go(dx < 0 ? 1 : -1);
      }}
    >
      <div className="flex items-center justify-between text-xs text-dim">
        <button type="button" className="rounded border border-line px-2 py-1" onClick={() => go(-1)}>
          ‹ previous head
        </button>
        <span>
          {at < 0 ? 'all' : at + 1} of {shown.length}
        </span>
        <button type="button" className="rounded border border-line px-2 py-1" onClick={() => go(1)}>
          next head ›
        </button>
      </div>
      {children}
    </div>
  );
}
