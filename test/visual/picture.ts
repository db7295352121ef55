/** Pictures of pages, small enough to be kept, and how far two of them are apart. Chromium does the arithmetic. */
import type { Page } from 'playwright-core';

/** Pixels of the page that become one of the picture, across and down: a glyph that moves by one pixel changes little. */
const SCALE = 4;
/** Change of a color channel, of 255, beyond which a pixel counts as another one. */
const TOLERANCE = 24;

/** Times are hidden and equally wide: tomorrow "23 h ago" is "1 d ago", and the text beside it would break its lines elsewhere. */
const style = `time {
  display: inline-block !important; width: 4rem !important; overflow: hidden !important;
  visibility: hidden !important; white-space: nowrap !important; vertical-align: bottom !important;
}`;

/** The page's picture, as WebP in base64. */
export async function pictureOf(page: Page, judge: Page): Promise<string> {
  const png = (await page.screenshot({ style, animations: 'disabled', caret: 'hide' })).toString('base64');
  return judge.evaluate(
    async ([data, scale]) => {
      const image = new Image();
      image.src = `data:image/png;base64,${data}`;
      await image.decode();
      const canvas = document.createElement('canvas');
      canvas.width = Math.floor(image.width / scale);
      canvas.height = Math.floor(image.height / scale);
      const context = canvas.getContext('2d')!;
      context.imageSmoothingQuality = 'high';
      context.drawImage(image, 0, 0, canvas.width, canvas.height);
      return canvas.toDataURL('image/webp', 0.9).split(',')[1]!;
    },
    [png, SCALE] as const,
  );
}

/** Share of the pixels, in percent, that differ; 100 when the sizes do. */
export function difference(judge: Page, a: string, b: string): Promise<number> {
  return judge.evaluate(
    async ([pictures, tolerance]) => {
      const [first, second] = await Promise.all(
        pictures.map(async (data) => {
          const image = new Image();
          image.src = `data:image/webp;base64,${data}`;
          await image.decode();
          const canvas = document.createElement('canvas');
          canvas.width = image.width;
          canvas.height = image.height;
          const context = canvas.getContext('2d')!;
          context.drawImage(image, 0, 0);
          return context.getImageData(0, 0, image.width, image.height);
        }),
      );
      if (first!.width !== second!.width || first!.height !== second!.height) return 100;
      let apart = 0;
      for (let i = 0; i < first!.data.length; i += 4)
        if ([0, 1, 2].some((c) => Math.abs(first!.data[i + c]! - second!.data[i + c]!) > tolerance)) apart++;
      return (400 * apart) / first!.data.length;
    },
    [[a, b], TOLERANCE] as const,
  );
}
