import { useRef } from 'react';
import { focusStore } from './focusStore';
import type { Large } from './large';
import type { Scene } from './useScene';

/** A phone shows one head at a time; a swipe or the buttons change to the next. */
export function Swiped({
  scene,
  large,
  enabled,
  children,
}: {
  scene: Scene;
  large: Large;
  enabled: boolean;
  children: React.ReactNode;
}) {
  const start = useRef<{ x: number; y: number } | null>(null);
  const { shown } = scene;
  const at = large.head ? shown.findIndex(([l, h]) => l === large.head!.layer && h === large.head!.head) : -1;
  const go = (by: number) => {
    const next = at < 0 ? (by > 0 ? 0 : shown.length - 1) : at + by;
    const [layer, head] = shown[next] ?? [null, null];
    // Beyond the first and the last head comes the average of all.
    focusStore.send({ type: 'click', spot: layer === null || head === null ? null : { layer, head, query: null, key: null } });
  };
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
