import type { BrowserContext, ElementHandle, Page } from 'playwright-core';
import { seeded } from './seeded';

const texts = [
  '0.5',
  '-1',
  '1e300',
  'abc',
  '',
  '999999',
  'Ada 😀 שלום',
  '<b>x</b>',
  'a'.repeat(300),
  'loss < 2',
  'name:x',
  '1,2,3',
  'NaN',
  ' ',
];
const keys =
  'Tab Tab Shift+Tab Escape ArrowLeft ArrowRight ArrowUp ArrowDown Enter Space Control+k ? Home End Delete PageDown [ ] a e f p';
const sizes = [
  [360, 740],
  [768, 1000],
  [1280, 800],
  [1920, 1080],
  [800, 360],
] as const;
const pressable = [
  'button:not([disabled])',
  'a[href]',
  'summary',
  'input[type=checkbox]',
  'input[type=radio]',
  '[data-head]',
  'canvas',
]
  .concat(['tab', 'menuitem', 'option', 'slider'].map((role) => `[role=${role}]`))
  .map((what) => `${what}:visible`)
  .join();
const fields = ':is(input:not([type=checkbox],[type=radio],[type=file]),textarea):visible';
/** An element that moves or is covered is left alone. */
const within = { timeout: 1500 };
const answersWithinMs = 30_000;

/** A person who uses the pages at random, the same way for the same seed as far as the pages show the same. */
export class RandomPerson {
  /** What was done, in words; the newest last. */
  readonly done: string[] = [];
  readonly #random: () => number;
  #page!: Page;
  #offline = false;

  /** @param fault called with each fault: an error, a text that no page should show, a page wider than its window, an element without a name */
  constructor(
    seed: number,
    private readonly context: BrowserContext,
    private readonly url: string,
    /** Paths of the pages. */
    private readonly paths: readonly string[],
    private readonly fault: (what: string) => void,
  ) {
    this.#random = seeded(seed);
  }

  #below = (n: number) => Math.floor(this.#random() * n);
  #pick = <T>(from: readonly T[]): T => from[this.#below(from.length)]!;

  async live(actions: number): Promise<void> {
    this.#page = await this.context.newPage();
    this.#page.on('pageerror', ({ message, stack }) => this.fault(`${message}\n${stack?.split('\n').slice(1, 4).join('\n')}`));
    this.#page.on('dialog', (dialog) => void dialog.dismiss().catch(() => {}));
    this.#page.on('console', (said) => {
      if (said.type() === 'error' && !/Failed to load resource|RSC payload|WebSocket|ERR_/.test(said.text()))
        this.fault(said.text());
    });
    this.#page.on('response', (answer) => {
      if (answer.status() >= 500) this.fault(`${answer.status()} for ${answer.url()}`);
    });
    await this.#page.goto(this.url + this.#pick(this.paths));
    for (let i = 1; i <= actions; i++) {
      await this.#act().catch(() => {});
      for (const other of this.context.pages()) if (other !== this.#page) await other.close();
      if (!this.#page.url().startsWith(this.url) && !this.#offline) await this.#page.goto(this.url);
      await this.#look();
      if (i % 25 === 0) await this.#closeDialogs();
    }
    await this.context.setOffline(false);
    await this.#page.goto(this.url);
    await this.#page.getByRole('heading', { level: 1 }).first().waitFor();
  }

  async #act(): Promise<void> {
    const page = this.#page;
    const kind = this.#below(100);
    if (kind < 50) {
      const found = await this.#find(pressable, 'press');
      await found?.click({
        ...within,
        button: this.#below(12) === 0 ? 'right' : 'left',
        clickCount: 1 + Number(this.#below(15) === 0),
      });
    } else if (kind < 62) {
      const found = await this.#find(fields, 'type into');
      const text = this.#pick(texts);
      this.done.push(`"${text.slice(0, 20)}"`);
      await found?.fill(text, within);
      if (this.#below(2) === 0) await found?.press('Enter', within);
    } else if (kind < 67) {
      const found = await this.#find('select:visible', 'choose in');
      const choices = await found?.evaluate((list) => (list as HTMLSelectElement).options.length);
      await found?.selectOption({ index: this.#below(choices ?? 1) }, within);
    } else if (kind < 80) {
      const key = this.#pick(keys.split(' '));
      this.done.push(`key ${key}`);
      await page.keyboard.press(key);
    } else if (kind < 86) {
      const { width, height } = page.viewportSize()!;
      this.done.push('drag');
      await page.mouse.move(this.#below(width), this.#below(height));
      await page.mouse.down();
      await page.mouse.move(this.#below(width), this.#below(height), { steps: 4 });
      await page.mouse.up();
    } else if (kind < 89) await page.mouse.wheel(0, this.#below(2000) - 800);
    else if (kind < 91) {
      const [width, height] = this.#pick(sizes);
      this.done.push(`${width} x ${height}`);
      await page.setViewportSize({ width, height });
    } else if (kind < 93) {
      this.done.push('back');
      await page.goBack({ timeout: 3000 });
    } else if (kind < 95) {
      this.#offline = !this.#offline;
      this.done.push(this.#offline ? 'offline' : 'online');
      await this.context.setOffline(this.#offline);
    } else if (!this.#offline) {
      const path = this.#pick(this.paths);
      this.done.push(`go to ${path}`);
      await page.goto(this.url + path);
    }
  }

  async #find(selector: string, verb: string): Promise<ElementHandle | null> {
    const all = await this.#page.$$(selector);
    if (all.length === 0) return null;
    const found = this.#pick(all);
    const name = await found.evaluate((e) => e.getAttribute('aria-label') ?? e.textContent?.slice(0, 30) ?? e.id);
    this.done.push(`${verb} ${name.replace(/\s+/g, ' ')}`);
    return found;
  }

  async #look(): Promise<void> {
    const late = new Promise<string[]>((resolve) =>
      setTimeout(() => resolve([`the page does not answer for ${answersWithinMs / 1000} s`]), answersWithinMs).unref(),
    );
    const looked = async () => {
      const found = await this.#page.evaluate(faultsOfPage);
      // A change of the size, or of a layout, may take a frame or two.
      if (found.length > 0) await this.#page.waitForTimeout(1000);
      return found.length > 0 ? this.#page.evaluate(faultsOfPage) : [];
    };
    for (const fault of await Promise.race([looked().catch(() => []), late])) this.fault(fault);
  }

  async #closeDialogs(): Promise<void> {
    const open = this.#page.locator('[role=dialog]:visible, [role=alertdialog]:visible');
    for (let tries = 0; tries < 6 && (await open.count()) > 0; tries++) {
      await this.#page.keyboard.press('Escape');
      await this.#page.waitForTimeout(300);
    }
    if ((await open.count()) > 0) this.fault(`a dialog does not close: ${(await open.first().textContent())?.slice(0, 80)}`);
  }
}

/** Runs in the page. */
function faultsOfPage(): string[] {
  const where = ` at ${location.pathname}, ${innerWidth} pixels wide`;
  const out: string[] = [];
  // biome-ignore lint/performance/useDomNodeTextContent: what is hidden, scripts among it, says nothing to people
  const text = document.body.innerText;
  const said = /.{0,60}(?:\bundefined\b|\[object |This page could not be shown|Application error).{0,80}/.exec(text);
  if (said) out.push(`the text "${said[0]}"${where}`);
  const over = document.documentElement.scrollWidth - innerWidth;
  if (over > 1) {
    const right = (e: Element) => e.getBoundingClientRect().right + scrollX;
    const widest = [...document.querySelectorAll('body *')].filter((e) => right(e) >= innerWidth + over - 1)[0];
    out.push(`wider than the window by ${over} pixels, for example ${widest?.outerHTML.slice(0, 200)}${where}`);
  }
  const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);
  const twice = ids.find((id, i) => ids.indexOf(id) !== i);
  if (twice) out.push(`two elements of id ${twice}${where}`);
  for (const e of document.querySelectorAll<HTMLElement>('button, a[href]'))
    if (e.offsetParent && !e.textContent.trim() && !e.ariaLabel && !e.title && !e.querySelector('[aria-label], title, .sr-only'))
      out.push(`without a name: ${e.outerHTML.slice(0, 150)}${where}`);
  return out;
}
