import { Popover } from '@base-ui/react/popover';
import type { ReactNode, RefObject } from 'react';

/** The popup of Popup and Explain, shown beside the button that opened it. */
export default function PopupBody(props: {
  anchor: RefObject<HTMLButtonElement | null>;
  title: string;
  wide?: boolean;
  onClose(): void;
  children: ReactNode;
}) {
  const { anchor, title, wide = false, onClose, children } = props;
  return (
    <Popover.Root
      open
      onOpenChange={(open, { event }) => {
        // A press on the button is handled by the button.
        const onButton = event?.target instanceof Node && anchor.current?.contains(event.target);
        if (!open && !onButton) onClose();
      }}
    >
      <Popover.Portal>
        <Popover.Positioner anchor={anchor} sideOffset={6} collisionPadding={8} className="z-60">
          <Popover.Popup
            finalFocus={anchor}
            className={`relative max-h-(--available-height) max-w-[calc(100vw-1rem)] overflow-auto rounded border border-line bg-raised p-3 text-left font-sans text-[0.8125rem] font-normal tracking-normal text-ink normal-case shadow-lg shadow-black/20 outline-none ${wide ? 'w-128' : 'w-80'}`}
          >
            <Popover.Title className="mb-1 font-semibold">{title}</Popover.Title>
            {children}
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}
