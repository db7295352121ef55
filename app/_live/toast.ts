import type { toast as Sonner } from 'sonner';
import { createStore } from './store';

/** Whether the page has had a message to show; the component that shows them is loaded with the first one. */
export const toaster = createStore({ wanted: false });

let mounted: (shows: typeof Sonner) => void = () => {};
const ready = new Promise<typeof Sonner>((resolve) => {
  mounted = resolve;
});
/** Called by the component that shows messages. */
export const toasterMounted = (shows: typeof Sonner): void => mounted(shows);

function whenShown(show: (shows: typeof Sonner) => void): void {
  if (!toaster.get().wanted) toaster.set({ wanted: true });
  void ready.then(show);
}

/** Short messages in a corner of the page. */
export const toast = Object.assign((...given: Parameters<typeof Sonner>) => whenShown((shows) => shows(...given)), {
  message: (...given: Parameters<typeof Sonner.message>) => whenShown((shows) => shows.message(...given)),
  info: (...given: Parameters<typeof Sonner.info>) => whenShown((shows) => shows.info(...given)),
  success: (...given: Parameters<typeof Sonner.success>) => whenShown((shows) => shows.success(...given)),
  warning: (...given: Parameters<typeof Sonner.warning>) => whenShown((shows) => shows.warning(...given)),
  error: (...given: Parameters<typeof Sonner.error>) => whenShown((shows) => shows.error(...given)),
  dismiss: (id: string) => whenShown((shows) => shows.dismiss(id)),
});
