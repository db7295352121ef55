import { expect, it } from 'vitest';
import { imageType } from '~/shared/imageType';

it.each([
  [[0x89, 0x50, 0x4e, 0x47, 0x0d], 'image/png'],
  [[0xff, 0xd8, 0xff, 0xe0], 'image/jpeg'],
  [[...new TextEncoder().encode('GIF89a')], 'image/gif'],
  [[...new TextEncoder().encode('RIFF1234WEBPVP8 ')], 'image/webp'],
  [[...new TextEncoder().encode('<svg onload="alert(1)">')], null],
  [[...new TextEncoder().encode('<html>')], null],
  [[], null],
])('bytes %j are %s', (bytes, type) => {
  expect(imageType(Uint8Array.from(bytes))).toBe(type);
});
