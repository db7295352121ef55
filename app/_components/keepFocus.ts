const reachable = 'a[href], button, input, select, textarea, summary, [tabindex]';
const mostRemembered = 20;

const visible = (e: Element) => e.checkVisibility?.() ?? e.closest('[hidden]') === null;
const takesFocus = (e: HTMLElement) =>
  e.isConnected && e.tabIndex >= 0 && !e.matches(':disabled, [data-base-ui-focus-guard]') && visible(e);

/**
 * Keeps the keyboard's place. The focus would be nowhere when its element goes away or is disabled: then it goes to what stands there now, or
 * back to the element once that is enabled again. After the last page of a dialog it goes to where it was before the dialog, and on another page
 * to the page's beginning. Only after a key: somebody who points loses no place, and a phone would show its keyboard.
 *
 * @returns stops it
 */
export function keepFocus(page: Document): () => void {
  let last: HTMLElement | null = null;
  /** From the parent of `last` to the body. */
  let around: HTMLElement[] = [];
  let earlier: HTMLElement[] = [];
  let byKey = false;
  const nowhere = () =>
    page.activeElement === null || page.activeElement === page.body || page.activeElement.matches(':disabled');

  const observer = new MutationObserver((records) => {
    if (!last) return;
    const gone = last;
    if (gone.isConnected && visible(gone)) {
      const enabled = records.some((r) => r.attributeName === 'disabled' && r.target.contains(gone)) && takesFocus(gone);
      if (enabled && byKey && nowhere()) gone.focus();
      return;
    }
    const removed = records.find((r) => [...r.removedNodes].some((n) => n.contains(gone)));
    const place = { around, previous: removed ? removed.previousSibling : gone };
    // Whoever removes an element may move the focus himself, a moment later.
    requestAnimationFrame(() => requestAnimationFrame(() => byKey && nowhere() && last === gone && putBack(place)));
  });

  function putBack(place: { around: HTMLElement[]; previous: Node | null }): void {
    const home = place.around.find((e) => e.isConnected && visible(e)) ?? page.body;
    const anchor = place.previous && home.contains(place.previous) ? place.previous : home;
    const follows = (e: Node) =>
      (anchor.compareDocumentPosition(e) & Node.DOCUMENT_POSITION_FOLLOWING) !== 0 && (anchor === home || !anchor.contains(e));
    for (let a: HTMLElement | null = home; a && a !== page.body; a = a.parentElement) {
      const found = [...a.querySelectorAll<HTMLElement>(reachable)].filter(takesFocus);
      const next = found.find(follows) ?? found.at(-1);
      if (next) {
        next.focus();
        return;
      }
    }
    const back = earlier.find(takesFocus);
    if (back) back.focus();
    else {
      // The next Tab then goes to the first element of the page.
      page.body.tabIndex = -1;
      page.body.focus({ preventScroll: true });
      page.body.removeAttribute('tabindex');
    }
  }

  const onFocus = ({ target }: Event) => {
    if (!(target instanceof HTMLElement) || target === page.body) return;
    if (last) earlier = [last, ...earlier.filter((e) => e !== last)].slice(0, mostRemembered);
    last = target;
    around = [];
    for (let e = target.parentElement; e; e = e.parentElement) around.push(e);
    observer.disconnect();
    for (const e of [target, ...around])
      observer.observe(e, { childList: true, attributes: true, attributeFilter: ['disabled', 'hidden', 'inert'] });
  };
  const onKey = () => {
    byKey = true;
  };
  const onPointer = () => {
    byKey = false;
  };
  page.addEventListener('focusin', onFocus);
  page.addEventListener('keydown', onKey, true);
  page.addEventListener('pointerdown', onPointer, true);
  return () => {
    observer.disconnect();
    page.removeEventListener('focusin', onFocus);
    page.removeEventListener('keydown', onKey, true);
    page.removeEventListener('pointerdown', onPointer, true);
  };
}
