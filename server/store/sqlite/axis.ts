/**
 * Ascending steps, or times, of a block's rows as bytes, exact, in the smallest of these forms: linear (first, difference), runs
 * of equal values, unsigned 32-bit distances from the least, or doubles. Rows with consecutive steps, or committed together, take
 * almost no space.
 *
 * Layout, little-endian: u32 form | u32 count | the form's numbers, from byte 8.
 */
const LINE = 0;
const RUNS = 1;
const NEAR = 2;
const DOUBLES = 3;

export function encodeAxis(values: Float64Array): Uint8Array {
  const count = values.length;
  const first = values[0]!;
  const by = count > 1 ? values[1]! - first : 0;
  let line = true;
  let runs = 1;
  let least = first;
  let greatest = first;
  let whole = Number.isInteger(first);
  for (let i = 1; i < count; i++) {
    const v = values[i]!;
    line &&= v === first + by * i;
    if (v !== values[i - 1]) runs++;
    if (v < least) least = v;
    if (v > greatest) greatest = v;
    whole &&= Number.isInteger(v);
  }
  if (line) return encoded(LINE, count, 16, (view) => new Float64Array(view).set([first, by]));
  const near = whole && greatest - least <= 0xffff_ffff;
  const size = near ? 8 + 4 * count : 8 * count;
  if (12 * runs + 8 < size)
    return encoded(RUNS, count, Math.ceil((12 * runs) / 8) * 8, (view) => {
      const starts = new Float64Array(view, 0, runs);
      const ends = new Uint32Array(view, 8 * runs, runs);
      let r = -1;
      for (let i = 0; i < count; i++) {
        if (i === 0 || values[i] !== values[i - 1]) starts[++r] = values[i]!;
        ends[r] = i + 1;
      }
    });
  if (near)
    return encoded(NEAR, count, 8 + Math.ceil(count / 2) * 8, (view) => {
      new Float64Array(view, 0, 1)[0] = least;
      const far = new Uint32Array(view, 8, count);
      for (let i = 0; i < count; i++) far[i] = values[i]! - least;
    });
  return encoded(DOUBLES, count, 8 * count, (view) => new Float64Array(view).set(values));
}

function encoded(form: number, count: number, size: number, fill: (numbers: ArrayBuffer) => void): Uint8Array {
  const out = new Uint8Array(8 + size);
  new Uint32Array(out.buffer, 0, 2).set([form, count]);
  const numbers = new ArrayBuffer(size);
  fill(numbers);
  out.set(new Uint8Array(numbers), 8);
  return out;
}

export function decodeAxis(bytes: Uint8Array): Float64Array {
  // Copied, because SQLite's bytes may not be aligned.
  const { buffer } = new Uint8Array(bytes);
  const [form, count] = new Uint32Array(buffer, 0, 2) as unknown as [number, number];
  switch (form) {
    case LINE: {
      const [first, by] = new Float64Array(buffer, 8, 2) as unknown as [number, number];
      const out = new Float64Array(count);
      for (let i = 0; i < count; i++) out[i] = first + by * i;
      return out;
    }
    case RUNS: {
      const runs = Math.floor((bytes.length - 8) / 12);
      const out = new Float64Array(count);
      const starts = new Float64Array(buffer, 8, runs);
      const ends = new Uint32Array(buffer, 8 + 8 * runs, runs);
      for (let r = 0, i = 0; i < count; r++) while (i < ends[r]!) out[i++] = starts[r]!;
      return out;
    }
    case NEAR: {
      const least = new Float64Array(buffer, 8, 1)[0]!;
      const far = new Uint32Array(buffer, 16, count);
      const out = new Float64Array(count);
      for (let i = 0; i < count; i++) out[i] = least + far[i]!;
      return out;
    }
    case DOUBLES:
      return new Float64Array(buffer, 8, count);
    default:
      throw new Error(`stored steps or times: form ${form} is not known`);
  }
}
