import type { Page } from 'playwright-core';
import sharp from 'sharp';

const width = 960;

/**
 * What a page shows while `story` lasts, as an animated WebP of 960 pixels' width. Of equal pictures in a row the first is shown for the time of all.
 * @param everyMs between two pictures, at least
 */
export async function record(page: Page, everyMs: number, story: () => Promise<void>): Promise<Buffer> {
  const taken: { png: Buffer; at: number }[] = [];
  let over = false;
  const told = story().finally(() => {
    over = true;
  });
  // Its error is thrown below, when no picture is being taken any more.
  told.catch(() => {});
  while (!over) {
    const at = performance.now();
    taken.push({ png: await page.screenshot({ type: 'png' }), at });
    await page.waitForTimeout(Math.max(0, at + everyMs - performance.now()));
  }
  const end = performance.now();
  await told;
  const frames = taken.filter(({ png }, i) => i === 0 || !png.equals(taken[i - 1]!.png));
  const small = await Promise.all(frames.map(({ png }) => sharp(png).resize({ width }).png().toBuffer()));
  const delay = frames.map(({ at }, i) => Math.round((frames[i + 1]?.at ?? end) - at));
  return sharp(small, { join: { animated: true } })
    .webp({ quality: 60, effort: 6, delay, loop: 0, minSize: true })
    .toBuffer();
}

/** Shows in pictures where the mouse is: Chromium leaves it out. */
export async function showMouse(page: Page): Promise<void> {
  await page.evaluate(() => {
    const dot = document.createElement('div');
    dot.style.cssText =
      'position:fixed;z-index:9999;width:18px;height:18px;margin:-9px;border-radius:9px;background:#e0792b99;border:2px solid #fff;pointer-events:none';
    document.body.append(dot);
    addEventListener('mousemove', (e) => Object.assign(dot.style, { left: `${e.clientX}px`, top: `${e.clientY}px` }), true);
  });
}
