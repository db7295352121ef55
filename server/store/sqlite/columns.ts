/**
 * Columns of doubles as bytes, exact, each in the narrowest of three forms: one value when all are the same, f32 when all values
 * are exact in it, else f64. Training metrics are mostly f32 numbers, so this halves a log without slowing reads.
 *
 * Layout, little-endian: u32 rows | u32 columns | per column u32 offset * 4 + form (0 one, 1 f32, 2 f64), padded to 8 | columns,
 * each padded to 8.
 */
export interface Column {
  /** Value of row i: values[offset + i * stride]; stride 0 when all rows are the same, 1 in a column, the width in row-major data. */
  values: Float64Array | Float32Array;
  offset: number;
  stride: number;
}

const ONE = 0;
const F32 = 1;
const F64 = 2;

export function encodeColumns(columns: Float64Array[]): Uint8Array {
  const rows = columns[0]!.length;
  const forms = columns.map(formOf);
  const head = 8 + Math.ceil(columns.length / 2) * 8;
  const size = (form: number) => (form === ONE ? 8 : form === F32 ? Math.ceil(rows / 2) * 8 : rows * 8);
  const buffer = new ArrayBuffer(forms.reduce((sum, form) => sum + size(form), head));
  const header = new Uint32Array(buffer, 0, head / 4);
  header[0] = rows;
  header[1] = columns.length;
  let at = head;
  columns.forEach((column, i) => {
    const form = forms[i]!;
    header[2 + i] = at * 4 + form;
    if (form === ONE) new Float64Array(buffer, at, 1)[0] = column[0]!;
    else if (form === F32) new Float32Array(buffer, at, rows).set(column);
    else new Float64Array(buffer, at, rows).set(column);
    at += size(form);
  });
  return new Uint8Array(buffer);
}

function formOf(column: Float64Array): number {
  const first = column[0]!;
  let i = 1;
  while (i < column.length && Object.is(column[i], first)) i++;
  if (i >= column.length) return ONE;
  for (const v of column) if (!Object.is(Math.fround(v), v)) return F64;
  return F32;
}

export interface Columns {
  rows: number;
  column(i: number): Column;
}

/** Opens encoded columns without copying them; the bytes must stay unchanged while they are read. */
export function openColumns(encoded: Uint8Array): Columns {
  const bytes = encoded.byteOffset % 8 === 0 ? encoded : encoded.slice();
  const { buffer, byteOffset } = bytes;
  const header = new Uint32Array(buffer, byteOffset, bytes.length >> 2);
  const f32 = new Float32Array(buffer, byteOffset, bytes.length >> 2);
  const f64 = new Float64Array(buffer, byteOffset, bytes.length >> 3);
  return {
    rows: header[0]!,
    column(i) {
      if (i >= header[1]!) throw new Error(`stored columns: column ${i} of ${header[1]}`);
      const word = header[2 + i]!;
      const at = Math.floor(word / 4);
      const form = word % 4;
      return form === F32
        ? { values: f32, offset: at / 4, stride: 1 }
        : { values: f64, offset: at / 8, stride: form === ONE ? 0 : 1 };
    },
  };
}
