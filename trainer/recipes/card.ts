/** Pictures of recipes for the list of recipes, made from their own examples. Their colors suit a light and a dark page. */
import { crc32, deflateSync } from 'node:zlib';

export const ink = '#8b95a7';
export const accent = '#5b8def';

/** Side of a picture, in units of its drawing. */
export const side = 56;

const escaped = (text: string) => text.replace(/[<>&]/g, (c) => `&#${c.charCodeAt(0)};`);

/** One character in a drawing; (x, y) is the middle of its base line. */
export const letter = (text: string, x: number, y: number, fill = ink): string =>
  `<text x="${x}" y="${y}" fill="${fill}">${escaped(text)}</text>`;

export const drawing = (...parts: string[]): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${side} ${side}" font-family="monospace" font-size="11" text-anchor="middle">${parts.join('')}</svg>`;

/** Pictures side by side in rows, as the data URL of a PNG. @param pictures RGBA, row by row, [pixels, pixels, 4] each */
export function mosaic(pictures: readonly Uint8Array[], pixels: number, columns: number): string {
  const cell = pixels + 1;
  const width = columns * cell - 1;
  const height = Math.ceil(pictures.length / columns) * cell - 1;
  // Each line of a PNG begins with its filter: 0 = none.
  const lines = new Uint8Array(height * (1 + 4 * width));
  for (const [i, picture] of pictures.entries())
    for (let y = 0; y < pixels; y++) {
      const line = (Math.floor(i / columns) * cell + y) * (1 + 4 * width);
      lines.set(picture.subarray(4 * pixels * y, 4 * pixels * (y + 1)), line + 1 + 4 * cell * (i % columns));
    }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  // 8 bits per channel, RGBA.
  head.set([8, 6], 8);
  const file = [chunk('IHDR', head), chunk('IDAT', deflateSync(lines, { level: 9 })), chunk('IEND', Buffer.alloc(0))];
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return `data:image/png;base64,${Buffer.concat([signature, ...file]).toString('base64')}`;
}

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}
