import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { Shaders } from './shaders';

/** One matrix per batch item, inside a tensor; distances in elements. */
export interface Operand {
  tensor: TensorInfo;
  /** Distance between rows (`row`) and between columns (`column`). */
  row: number;
  column: number;
  /** Index of the first item. */
  offset?: number;
  /** Distance between items; the number of an item is outer * `inner` + inner. */
  outer?: number;
  innerStep?: number;
}

export interface MatMul {
  /** [m, k] */
  a: Operand;
  /** [k, n] */
  b: Operand;
  /** [m, n] */
  c: Operand;
  m: number;
  n: number;
  k: number;
  items?: number;
  /** Items along the inner step. */
  inner?: number;
  /** [n], added to every row. */
  bias?: TensorInfo | undefined;
  /** [m], written: the sums of a's rows. One item only. */
  rowSums?: TensorInfo;
}

/** Depth of the piece of a and b that a workgroup holds at a time. */
const depth = 16;
/** A GPU runs about this many workgroups at once; with fewer tiles than half of that, k is divided too. */
const places = 256;

/** c = a b (+ bias), in tiles of a workgroup's own memory; every sum runs in a fixed order, so that the same step gives the same bits. */
export function matMul(shaders: Shaders, spec: MatMul): void {
  const { m, n, k, items = 1 } = spec;
  const tilesOf = (tile: number) => Math.ceil(m / tile) * Math.ceil(n / tile) * items;
  const tile = m >= 128 && n >= 128 && tilesOf(128) >= places / 3 ? 128 : 64;
  const tiles = tilesOf(tile);
  const shares = items === 1 && tiles < places / 2 ? Math.min(Math.ceil(places / tiles), Math.floor(k / (4 * depth))) : 1;
  const share = Math.ceil(k / Math.max(1, shares) / depth) * depth;
  const slices = Math.ceil(k / share);
  if (slices === 1) {
    tiled(shaders, spec, tile, k, 1);
    return;
  }

  const { backend } = shaders;
  const temporary = (shape: number[]) => backend.makeTensorInfo(shape, 'float32');
  const partial = temporary([slices, m, n]);
  const partialSums = spec.rowSums && temporary([slices, m]);
  const { bias, rowSums, c, ...rest } = spec;
  tiled(
    shaders,
    { ...rest, c: { tensor: partial, row: n, column: 1 }, ...(partialSums && { rowSums: partialSums }) },
    tile,
    share,
    slices,
  );
  const sums = rowSums ? m : 0;
  shaders.run({
    name: 'sum of slices',
    constants: { M: m, N: n, SLICES: slices, ALL: m * n + sums, ...strides('C', c, 1) },
    outputs: { c: c.tensor, ...(rowSums && { sums: rowSums }) },
    inputs: { parts: partial, ...(partialSums && { partSums: partialSums }), ...(bias && { bias }) },
    body: `
  let i = group * 256u + lane;
  if (i >= ALL) { return; }
  var x = 0.0;
  ${rowSums ? 'if (i >= M * N) { for (var s = 0u; s < SLICES; s++) { x += partSums[s * M + i - M * N]; } sums[i - M * N] = x; return; }' : ''}
  for (var s = 0u; s < SLICES; s++) { x += parts[s * M * N + i]; }
  let r = i / N; let j = i % N;
  c[C_OFFSET + r * C_ROW + j * C_COLUMN] = x${bias ? ' + bias[j]' : ''};`,
    threads: 256,
    groups: Math.ceil((m * n + sums) / 256),
  });
  backend.disposeData(partial.dataId);
  if (partialSums) backend.disposeData(partialSums.dataId);
}

const strides = (name: string, { row, column, offset = 0, outer = 0, innerStep = 0 }: Operand, inner: number) => ({
  [`${name}_ROW`]: row,
  [`${name}_COLUMN`]: column,
  [`${name}_OFFSET`]: offset,
  ...(inner > 0 && { [`${name}_OUTER`]: outer, [`${name}_INNER`]: innerStep }),
});

/** @param share of k per slice; slice s writes its part of c after those of the earlier slices */
function tiled(shaders: Shaders, spec: MatMul, tile: 64 | 128, share: number, slices: number): void {
  const { a, b, c, m, n, k, items = 1, inner = 1, bias, rowSums } = spec;
  const halves = tile / 64;
  const each = Array.from({ length: halves }, (_, h) => h);
  /** Rows and columns of a thread: 4 in each half of the tile. */
  const cells = each.flatMap((h) => [0, 1, 2, 3].map((i) => ({ h, i })));
  const lines = (make: (cell: { h: number; i: number }) => string) => cells.map(make).join('\n');
  // Neighboring threads read neighboring numbers: along k or along the other side. A shader's reads past the end of a buffer are harmless.
  const alongK = (inner: boolean) => (inner ? 'let kk = i % DEPTH; let r = i / DEPTH;' : 'let r = i % TILE; let kk = i / TILE;');
  const lanes = { a: alongK(a.column === 1), b: alongK(b.row === 1) };
  const turns = Array.from({ length: (tile * depth) / 256 }, (_, turn) => turn);
  const read = turns
    .map(
      (turn) => `{ let i = lane + ${256 * turn}u;
      { ${lanes.a} nextA${turn} = select(0.0, a[aBase + (row0 + r) * A_ROW + (k0 + kk) * A_COLUMN], row0 + r < M && k0 + kk < end); }
      { ${lanes.b} nextB${turn} = select(0.0, b[bBase + (k0 + kk) * B_ROW + (col0 + r) * B_COLUMN], col0 + r < N && k0 + kk < end); } }`,
    )
    .join('\n');
  const keep = turns
    .map(
      (turn) => `{ let i = lane + ${256 * turn}u;
      { ${lanes.a} tileA[kk * LINE + r / 4u][r % 4u] = nextA${turn}; }
      { ${lanes.b} tileB[kk * LINE + r / 4u][r % 4u] = nextB${turn}; } }`,
    )
    .join('\n');
  const base = (name: string) => `${name}_OFFSET + (item / INNER) * ${name}_OUTER + (item % INNER) * ${name}_INNER`;
  shaders.run({
    name: `matMul ${m} x ${n} x ${k}`,
    constants: {
      ...{
        M: m,
        N: n,
        K: k,
        TILE: `${tile}u`,
        DEPTH: `${depth}u`,
        LINE: 'TILE / 4u + 1u',
        SHARE: share,
        SLICES: slices,
        INNER: inner,
      },
      ...strides('A', a, 1),
      ...strides('B', b, 1),
      ...strides('C', c, 1),
    },
    outputs: { c: c.tensor, ...(rowSums && { sums: rowSums }) },
    inputs: { a: a.tensor, b: b.tensor, ...(bias && { bias }) },
    globals: `
var<workgroup> tileA: array<vec4f, LINE * DEPTH>;
var<workgroup> tileB: array<vec4f, LINE * DEPTH>;`,
    body: `
  let item = group.z / SLICES;
  let slice = group.z % SLICES;
  let aBase = ${base('A')};
  let bBase = ${base('B')};
  let cBase = ${base('C')} + slice * M * N;
  let row0 = group.y * TILE;
  let col0 = group.x * TILE;
  let tx = lane % 16u;
  let ty = lane / 16u;
  let end = min(K, (slice + 1u) * SHARE);
  ${lines(({ h, i }) => each.map((v) => `var c${h}${i}${v} = vec4f(0.0);`).join(' '))}
  ${rowSums ? each.map((h) => `var s${h} = vec4f(0.0);`).join(' ') : ''}
  var k0 = slice * SHARE;
  ${turns.map((turn) => `var nextA${turn} = 0.0; var nextB${turn} = 0.0;`).join(' ')}
  ${read}
  loop {
    ${keep}
    workgroupBarrier();
    // What the next turn needs is on its way while this one computes.
    k0 += DEPTH;
    ${read}
    for (var kk = 0u; kk < DEPTH; kk++) {
      let at = kk * LINE;
      ${each.map((h) => `let a${h} = tileA[at + ${16 * h}u + ty]; let b${h} = tileB[at + ${16 * h}u + tx];`).join(' ')}
      ${rowSums ? each.map((h) => `s${h} += a${h};`).join(' ') : ''}
      ${lines(({ h, i }) => each.map((v) => `c${h}${i}${v} = fma(vec4f(a${h}[${i}]), b${v}, c${h}${i}${v});`).join(' '))}
    }
    workgroupBarrier();
    if (k0 >= end) { break; }
  }
  ${lines(({ h, i }) => `{ let r = row0 + ${64 * h + i}u + 4u * ty; if (r < M) { for (var x = 0u; x < 4u; x++) { ${each.map((v) => `{ let j = col0 + ${64 * v}u + 4u * tx + x; if (j < N) { c[cBase + r * C_ROW + j * C_COLUMN] = c${h}${i}${v}[x]${bias ? ' + bias[j]' : ''}; } }`).join(' ')} } } }`)}
  ${
    rowSums
      ? `if (group.x == 0u && tx == 0u) { ${each.map((h) => `for (var x = 0u; x < 4u; x++) { let r = row0 + ${64 * h}u + 4u * ty + x; if (r < M) { sums[slice * M + r] = s${h}[x]; } }`).join(' ')} }`
      : ''
  }`,
    threads: 256,
    groups: [Math.ceil(n / tile), Math.ceil(m / tile), items * slices],
  });
}
