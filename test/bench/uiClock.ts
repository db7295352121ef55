/** Work of a page's main thread, and its frames. */
import type { Page } from 'playwright-core';

/** Seconds of work of the main thread (`task`), and the seconds in script. */
export async function clock(page: Page): Promise<() => Promise<{ task: number; script: number }>> {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Performance.enable', { timeDomain: 'threadTicks' });
  return async () => {
    const { metrics } = await cdp.send('Performance.getMetrics');
    const of = (name: string) => metrics.find((m) => m.name === name)?.value ?? 0;
    return { task: of('TaskDuration'), script: of('ScriptDuration') };
  };
}

/** Durations of the frames in the next `ms`. */
export const frames = (page: Page, ms: number): Promise<number[]> =>
  page.evaluate(
    (limit) =>
      new Promise<number[]>((done) => {
        const took: number[] = [];
        const began = performance.now();
        let last = began;
        const frame = (now: number) => {
          took.push(now - last);
          last = now;
          if (now - began < limit) requestAnimationFrame(frame);
          else done(took.slice(1));
        };
        requestAnimationFrame(frame);
      }),
    ms,
  );
