/** The title of the tab: what the page says of itself, after the number of unread notifications. */
let said = 'Headroom';
let unread = 0;
let observer: MutationObserver | null = null;
/** The title that was set last, and what the browser made of it: it leaves out spaces. */
let [set, shown] = ['', ''];
const write = () => {
  const title = unread > 0 ? `(${unread}) ${said}` : said;
  if (title === set && document.title === shown) return;
  set = title;
  document.title = title;
  shown = document.title;
  if (observer) return;
  // React may come to the title in the page's HTML after the page has said another.
  observer = new MutationObserver(write);
  observer.observe(document.head, { childList: true, characterData: true, subtree: true });
};

export const pageTitle = {
  /** null: the page has nothing to say of itself any more. */
  say(text: string | null): void {
    said = text ?? 'Headroom';
    write();
  },
  unread(count: number): void {
    unread = count;
    write();
  },
};
