import type { Page } from 'playwright-core';
import { openTab } from '~/test/support/browser';
import { record, showMouse } from './animation';

/** The animation of README.md, some 20 seconds: a live run is watched, steered, and scrubbed back. @param page shows the live run */
export async function story(page: Page): Promise<Buffer> {
  await showMouse(page);
  const point = async (x: number, y: number) => {
    await page.mouse.move(x, y, { steps: 8 });
    await page.waitForTimeout(300);
  };
  const over = async (locator: ReturnType<Page['locator']>) => {
    const box = (await locator.boundingBox())!;
    await point(box.x + box.width / 2, box.y + box.height / 2);
  };
  await openTab(page, 'Curves');
  return record(page, 180, async () => {
    await page.waitForTimeout(2500);
    const clip = page.getByLabel('Clip value', { exact: true });
    await over(clip);
    await clip.fill('');
    await clip.pressSequentially('1.5', { delay: 200 });
    await clip.press('Enter');
    await page.waitForTimeout(3500);
    await over(page.getByRole('tab', { name: /^Attention/ }).first());
    await openTab(page, 'Attention');
    await page.waitForTimeout(3000);
    await over(page.locator('[data-head="0.2"]'));
    await page.mouse.down();
    await page.mouse.up();
    await page.waitForTimeout(2000);
    const track = (await page.getByRole('slider', { name: 'Step', exact: true }).boundingBox())!;
    const y = track.y + track.height / 2;
    await point(track.x + track.width * 0.95, y);
    await page.mouse.down();
    for (let i = 0; i <= 20; i++) {
      await page.mouse.move(track.x + track.width * (0.95 - 0.85 * (i / 20)), y);
      await page.waitForTimeout(150);
    }
    await page.mouse.up();
    await page.waitForTimeout(1500);
    await page.getByRole('button', { name: 'Follow live' }).click();
    await page.waitForTimeout(1500);
  });
}
