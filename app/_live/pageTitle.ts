/** The title of the tab: what the page says of itself, after the number of unread notifications. */
let said = 'Headroom';
let unread = 0;
const write = () => {
  document.title = unread > 0 ? `(${unread}) ${said}` : said;
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
