import { Popover } from '@base-ui/react/popover';
import type { ReactNode } from 'react';

/** A button with more to read behind it. */
export function Popup({
  trigger,
  title,
  children,
  className = '',
  onOpen,
}: {
  trigger: ReactNode;
  title: string;
  children: ReactNode;
  className?: string;
  onOpen?(): void;
}) {
  return (
    <Popover.Root onOpenChange={(open) => open && onOpen?.()}>
      <Popover.Trigger className={`inline-flex items-center gap-1 rounded text-left hover:text-ink ${className}`}>
        {trigger}
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Positioner sideOffset={6} collisionPadding={8} className="z-40">
          <Popover.Popup className="relative max-h-(--available-height) w-80 max-w-[calc(100vw-1rem)] overflow-auto rounded border border-line bg-raised p-3 shadow-lg shadow-black/20 outline-none">
            <Popover.Title className="mb-1 font-semibold">{title}</Popover.Title>
            {children}
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}
