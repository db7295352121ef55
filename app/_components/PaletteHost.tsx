import { Command as CommandIcon } from 'lucide-react';
import { Suspense, useEffect, useState } from 'react';
import { IconButton } from '~/app/_components/IconButton';
import { later, Opening } from '~/app/_components/later';
import { openHelp, openPalette, openShortcuts } from './commands';

const Palette = later(() => import('./Palette'));
const Help = later(() => import('./Help'));

/** Opens the command palette with Ctrl K (Cmd K on a Mac) and the help with "?". Both are loaded when first opened. */
export function PaletteHost() {
  const [open, setOpen] = useState<'palette' | 'help' | null>(null);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const at = event.target instanceof Element ? event.target : null;
      if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === 'k') {
        event.preventDefault();
        setOpen((o) => (o === 'palette' ? null : 'palette'));
      } else if (event.key === '?' && !event.ctrlKey && !event.metaKey && !event.altKey) {
        if (event.repeat || at?.closest('input, select, textarea, [role="dialog"], [role="alertdialog"]')) return;
        event.preventDefault();
        // The page of a run lists its own shortcuts, unless it shows no run.
        if (window.dispatchEvent(new Event(openShortcuts, { cancelable: true }))) setOpen('help');
      }
    };
    const palette = () => setOpen('palette');
    const help = () => setOpen('help');
    window.addEventListener('keydown', onKey);
    window.addEventListener(openPalette, palette);
    window.addEventListener(openHelp, help);
    return () => {
      window.removeEventListener('keydown', onKey);
      window.removeEventListener(openPalette, palette);
      window.removeEventListener(openHelp, help);
    };
  }, []);
  const close = () => setOpen(null);
  return (
    <Suspense fallback={<Opening />}>
      {open === 'palette' && <Palette onClose={close} />}
      {open === 'help' && <Help onClose={close} />}
    </Suspense>
  );
}

/** Opens the palette without a keyboard, and shows that it exists. */
export const PaletteButton = () => (
  <IconButton
    icon={CommandIcon}
    label="Search and commands"
    title="Search and commands (Ctrl K)"
    onClick={() => window.dispatchEvent(new Event(openPalette))}
  />
);
