import { Menu } from '@base-ui/react/menu';
import { menuClass, menuItemClass } from '~/app/_charts/ChartMenu';
import type { Tiles } from '~/app/_live/tiles';

/** The menu of a tab: where it can go. */
export default function TileMenu(props: {
  label: string;
  anchor: Element;
  /** null = not possible now. */
  items: readonly { text: string; next: Tiles | null }[];
  onChoose(next: Tiles): void;
  onClose(): void;
}) {
  return (
    <Menu.Root open onOpenChange={(open) => !open && props.onClose()} modal={false}>
      <Menu.Portal>
        <Menu.Positioner anchor={props.anchor} side="bottom" align="start" sideOffset={2} className="z-60">
          <Menu.Popup className={menuClass} aria-label={props.label} finalFocus={false}>
            {props.items.map(({ text, next }) => (
              <Menu.Item
                key={text}
                className={menuItemClass}
                disabled={next === null}
                onClick={() => next && props.onChoose(next)}
              >
                {text}
              </Menu.Item>
            ))}
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  );
}
