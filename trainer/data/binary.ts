/**
 * CIFAR-100's binary format, used for prepared pictures: records of 1 coarse label byte, 1 fine label byte and 3,072 pixel bytes (1,024 red, 1,024 green, 1,024
 * blue, row by row). Source: https://www.cs.toronto.edu/~kriz/cifar.html
 */
export const side = 32;
const plane = side * side;
export const recordBytes = 2 + 3 * plane;
export const maxClasses = 256;

/** One record. @param rgb [32, 32, 3] */
export function encodeRecord(coarse: number, fine: number, rgb: Uint8Array): Uint8Array {
  const out = new Uint8Array(recordBytes);
  out[0] = coarse;
  out[1] = fine;
  for (let i = 0; i < plane; i++) for (let c = 0; c < 3; c++) out[2 + c * plane + i] = rgb[3 * i + c]!;
  return out;
}

/** The picture of record `index` as RGB, [32, 32, 3]. */
export function decodePicture(file: Uint8Array, index: number): Uint8Array {
  const at = index * recordBytes + 2;
  const rgb = new Uint8Array(3 * plane);
  for (let i = 0; i < plane; i++) for (let c = 0; c < 3; c++) rgb[3 * i + c] = file[at + c * plane + i]!;
  return rgb;
}

/** Fine label of every record. */
export function fineLabels(file: Uint8Array): Uint8Array {
  const labels = new Uint8Array(file.length / recordBytes);
  for (let i = 0; i < labels.length; i++) labels[i] = file[i * recordBytes + 1]!;
  return labels;
}

/** @returns null, or what is wrong with the file's bytes: its length, or a label that no class has */
export function recordsError(file: Uint8Array, coarseClasses: number, fineClasses: number): string | null {
  if (file.length === 0 || file.length % recordBytes !== 0)
    return `${file.length} bytes are not a whole number of records of ${recordBytes}`;
  for (let at = 0; at < file.length; at += recordBytes) {
    const [coarse, fine] = [file[at]!, file[at + 1]!];
    if (coarse >= coarseClasses || fine >= fineClasses)
      return `record ${at / recordBytes} has labels ${coarse} and ${fine}, below ${coarseClasses} and ${fineClasses} are possible`;
  }
  return null;
}
