/**
 * The head of an exported chart: its title and the names of its lines, in as many rows as they need, so that none runs into another or over the edge of the
 * picture. Widths are estimates, rather too large than too small: the file is opened where other fonts may be.
 */

interface Key {
  label: string;
  color: string;
}

export interface ExportHead {
  /** Pixels above the chart. */
  height: number;
  /** The part of each row of the title, from the first row on. */
  title: readonly { text: string; y: number }[];
  keys: readonly { text: string; color: string | null; x: number; y: number }[];
}

/** Characters of East Asia, and emoji, are as wide as high. */
const isWide = (char: string): boolean => char.codePointAt(0)! >= 0x2e80;
const widthOf = (text: string, size: number): number => {
  let width = 0;
  for (const char of text) width += size * (isWide(char) ? 1.05 : 0.6);
  return width;
};

/** The text, its middle left out where it is too long: beginnings and ends tell names apart. */
export function fitted(text: string, width: number, size: number): string {
  if (widthOf(text, size) <= width) return text;
  const chars = [...text];
  let kept = chars.length - 1;
  const cut = () =>
    `${chars.slice(0, Math.ceil(kept / 2)).join('')}…${kept > 1 ? chars.slice(-Math.floor(kept / 2)).join('') : ''}`;
  while (kept > 1 && widthOf(cut(), size) > width) kept--;
  return cut();
}

const [titleSize, keySize, rowHeight, swatch, gap] = [13, 11, 16, 14, 14];
/** Most rows of the title, and most lines that are named. */
const [mostRows, mostKeys] = [3, 24];

/** @param left where the chart's plot begins @param width of the picture */
export function exportHead(title: string, keys: readonly Key[], left: number, width: number): ExportHead {
  const room = Math.max(60, width - left - 8);
  const rows: string[] = [''];
  // A name breaks after a space or a mark between its parts, where there is one.
  for (const part of title.split(/(?<=[\s/._\-,])/)) {
    const last = rows.at(-1)!;
    if (last === '' || widthOf(last + part, titleSize) <= room) rows[rows.length - 1] = last + part;
    else rows.push(part);
  }
  const lines = rows.length > mostRows ? [...rows.slice(0, mostRows - 1), rows.slice(mostRows - 1).join('')] : rows;
  const shown = lines.map((row, i) => ({ text: fitted(row.trim(), room, titleSize), y: 19 + i * rowHeight }));
  let y = shown.at(-1)!.y;
  let x = left + widthOf(shown.at(-1)!.text, titleSize) + gap;
  const more = keys.length - mostKeys;
  const named: { label: string; color: string | null }[] = [
    ...keys.slice(0, mostKeys),
    ...(more > 0 ? [{ label: `and ${more} more`, color: null }] : []),
  ];
  const placed = named.map(({ label, color }) => {
    const text = fitted(label, room - swatch, keySize);
    const needs = swatch + widthOf(text, keySize);
    if (x + needs > left + room && x > left) [x, y] = [left, y + rowHeight];
    const at = { text, color, x, y };
    x += needs + gap;
    return at;
  });
  return { height: y + 9, title: shown, keys: placed };
}
