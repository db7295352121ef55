import { Menu } from '@base-ui/react/menu';
import type { LucideIcon } from 'lucide-react';

export interface MenuChoice {
  text: string;
  /** Smaller, below the text. */
  detail?: string;
  icon?: LucideIcon;
  disabled?: boolean;
  /** A file to download. */
  href?: string;
  onChoose?(): void;
}

const menuClass = 'min-w-44 rounded border border-line bg-raised p-1 text-xs shadow-lg shadow-black/25 outline-none';
const menuItemClass =
  'block w-full cursor-default rounded px-2 py-1 text-left outline-none data-disabled:text-dim data-disabled:opacity-60 data-highlighted:bg-line';

/** An open menu beside an element or a point; loaded when it is first opened. @param focuses whether the element gets the focus afterwards */
export default function AnchorMenu(props: {
  label: string;
  anchor: Element | { getBoundingClientRect(): DOMRect } | null;
  choices: readonly MenuChoice[];
  align?: 'start' | 'end';
  focuses?: boolean;
  onClose(): void;
}) {
  const { label, anchor, choices, align = 'start', focuses = true, onClose } = props;
  return (
    <Menu.Root
      open
      modal={false}
      onOpenChange={(open, { event }) => {
        // A press on the element is handled by the element; a choice that opens something comes before the closing.
        const onAnchor = event?.target instanceof Node && anchor instanceof Element && anchor.contains(event.target);
        if (!open && !onAnchor) queueMicrotask(onClose);
      }}
    >
      <Menu.Portal>
        <Menu.Positioner anchor={anchor} side="bottom" align={align} sideOffset={2} collisionPadding={8} className="z-60">
          <Menu.Popup
            className={menuClass}
            aria-label={label}
            finalFocus={focuses ? () => (anchor instanceof HTMLElement ? anchor : true) : false}
          >
            {choices.map(({ text, detail, icon: Icon, disabled, href, onChoose }) => (
              <Menu.Item
                key={text}
                className={menuItemClass}
                disabled={disabled}
                onClick={onChoose}
                // biome-ignore lint/a11y/useAnchorContent: the item's text is its content
                {...(href !== undefined && { render: <a href={href} download /> })}
              >
                {Icon && <Icon aria-hidden size={13} className="mr-2 inline align-[-2px]" />}
                {text}
                {detail && <span className="block text-2xs text-dim">{detail}</span>}
              </Menu.Item>
            ))}
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  );
}
