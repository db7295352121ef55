import { createElement, Fragment } from 'react';
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

type Given = Parameters<typeof Sonner>;

/** Several messages may offer the same: the message is part of the name of its button. */
const named = ([message, data]: Given): Given => {
  const action = data?.action;
  if (typeof message !== 'string' || !action || typeof action !== 'object' || !('label' in action)) return [message, data];
  const of = createElement('span', { className: 'sr-only' }, `: ${message}`);
  return [message, { ...data, action: { ...action, label: createElement(Fragment, null, action.label, of) } }];
};

/** Short messages in a corner of the page. */
export const toast = Object.assign((...given: Given) => whenShown((shows) => shows(...named(given))), {
  message: (...given: Given) => whenShown((shows) => shows.message(...named(given))),
  info: (...given: Given) => whenShown((shows) => shows.info(...named(given))),
  success: (...given: Given) => whenShown((shows) => shows.success(...named(given))),
  warning: (...given: Given) => whenShown((shows) => shows.warning(...named(given))),
  error: (...given: Given) => whenShown((shows) => shows.error(...named(given))),
  dismiss: (id: string) => whenShown((shows) => shows.dismiss(id)),
});
