import { Bell } from '~/app/_run/shell/Bell';
import { PaletteButton } from './PaletteHost';
import { ThemeToggle } from './TopBar';

/** What stands at the right end of the header of every page but a run's: the palette, notifications, and the theme. */
export const PageTools = () => (
  <span className="flex">
    <PaletteButton />
    <Bell />
    <ThemeToggle />
  </span>
);
