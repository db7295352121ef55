/** Most characters of a name in a file's name: file systems take 255 bytes, of which a letter needs up to four. */
const most = 50;

/** A name as part of a file's name: letters and digits of any script, dots, "_" and "-". Empty when it has none of these. */
export const forFile = (name: string): string =>
  [...name.replace(/[^\p{L}\p{M}\p{N}._-]+/gu, '-')]
    .slice(0, most)
    .join('')
    .replace(/^[-.]+|-+$/g, '');
