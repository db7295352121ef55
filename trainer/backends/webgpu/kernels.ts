/** Replaces tfjs' compositions (nn/fused.ts) and its matMul and slice on the WebGPU backend by our own shaders. */
import {
  getKernel,
  registerKernel,
  slice_util,
  type Tensor,
  type TensorInfo,
  unregisterKernel,
  util,
} from '@tensorflow/tfjs-core';
import { fusedKernels } from '~/trainer/nn/fused';
import { noiseKernel } from '~/trainer/nn/noise';
import { registerAttention } from './attention';
import type { WebgpuBackend } from './device';
import { each, kernelTools } from './kernelTools';
import { matMul } from './matMul';
import { rowThreads } from './shaders';

const sizeOf = ({ shape }: TensorInfo) => util.sizeFromShape(shape);

export function registerWebgpuKernels(backend: WebgpuBackend): void {
  const tools = kernelTools(backend);
  const { shaders, out, define, elementwise, perRow } = tools;
  registerAttention(tools);

  replace('Slice', (original) => (args) => {
    const { x } = args.inputs as { x: TensorInfo };
    const { begin, size } = args.attrs as unknown as { begin: number[]; size: number[] };
    const [from, sizes] = slice_util.parseSliceParams(x as Tensor, begin, size) as [number[], number[]];
    if (x.dtype !== 'float32' || !slice_util.isSliceContinous(x.shape, from, sizes)) return original(args);
    const y = out(sizes);
    const START = slice_util.computeFlatOffset(from, util.computeStrides(x.shape));
    elementwise('slice', sizeOf(y), { y }, { x }, 'y[i] = x[START + i];', { constants: { START } });
    return y;
  });

  define(fusedKernels.oneHot, ({ ids }, { width }) => {
    const rows = out([sizeOf(ids!), width as number]);
    const body = 'rows[i] = select(0.0, 1.0, u32(ids[i / WIDTH]) == i % WIDTH);';
    elementwise('oneHot', sizeOf(rows), { rows }, { ids }, body, { constants: { WIDTH: width as number } });
    return [rows];
  });

  // Replaces tfjs' atomic sums: their order, and so their last bits, differ from step to step.
  replace('BatchMatMul', (original) => (args) => {
    const { a, b } = args.inputs as { a: TensorInfo; b: TensorInfo };
    const { transposeA, transposeB } = args.attrs as unknown as { transposeA: boolean; transposeB: boolean };
    const [aItems, bItems] = [a, b].map((x) => util.sizeFromShape(x.shape.slice(0, -2))) as [number, number];
    const sameOuter = a.shape.slice(0, -2).join() === b.shape.slice(0, -2).join();
    if (!sameOuter && aItems !== 1 && bItems !== 1) return original(args);
    const [aRows, aColumns] = a.shape.slice(-2) as [number, number];
    const [bRows, bColumns] = b.shape.slice(-2) as [number, number];
    const [m, k, n] = [transposeA ? aColumns : aRows, transposeA ? aRows : aColumns, transposeB ? bRows : bColumns];
    if (k !== (transposeB ? bColumns : bRows)) throw new Error(`matMul: inner sizes of [${a.shape}] and [${b.shape}] differ`);
    const c = out([...(aItems > 1 || a.shape.length > b.shape.length ? a : b).shape.slice(0, -2), m, n]);
    const operand = (tensor: TensorInfo, columns: number, transposed: boolean, items: number) => ({
      tensor,
      row: transposed ? 1 : columns,
      column: transposed ? columns : 1,
      outer: items === 1 ? 0 : util.sizeFromShape(tensor.shape.slice(-2)),
    });
    matMul(shaders, {
      ...{ m, n, k, items: Math.max(aItems, bItems) },
      a: operand(a, aColumns, transposeA, aItems),
      b: operand(b, bColumns, transposeB, bItems),
      c: { tensor: c, row: n, column: 1, outer: m * n },
    });
    return c;
  });

  define(fusedKernels.linear, ({ x, weight, bias }) => {
    const [m, k] = x!.shape as [number, number];
    const n = weight!.shape[0]!;
    const c = out([m, n]);
    matMul(shaders, {
      ...{ m, n, k, bias },
      a: { tensor: x!, row: k, column: 1 },
      b: { tensor: weight!, row: 1, column: k },
      c: { tensor: c, row: n, column: 1 },
    });
    return [c];
  });

  define(fusedKernels.linearGrad, ({ dy, x }) => {
    const [k, m] = dy!.shape as [number, number];
    const n = x!.shape[1]!;
    const [weight, bias] = [out([m, n]), out([m])];
    matMul(shaders, {
      ...{ m, n, k },
      a: { tensor: dy!, row: 1, column: m },
      b: { tensor: x!, row: n, column: 1 },
      c: { tensor: weight, row: n, column: 1 },
      rowSums: bias,
    });
    return [weight, bias];
  });

  define(fusedKernels.layerNorm, ({ x, branch, mask, weight, bias }) => {
    const [rows, width] = x!.shape as [number, number];
    const [y, normalized, inverseStd] = [out([rows, width]), out([rows, width]), out([rows, 1])];
    const v = `x[i]${branch ? ' + branch[i]' : ''}${branch && mask ? ' * mask[i]' : ''}`;
    perRow(
      'layerNorm',
      [rows, width],
      { y, normalized, inverseStd },
      { x, branch, mask: branch && mask, weight, bias },
      `var sum = 0.0;
  ${each(`sum += ${v};`)}
  let mean = total(sum, lane) / f32(WIDTH);
  var squares = 0.0;
  ${each(`let c = ${v} - mean; squares += c * c;`)}
  let inverse = 1.0 / sqrt(total(squares, lane) / f32(WIDTH) + 1e-5);
  if (lane == 0u) { inverseStd[group] = inverse; }
  ${each(`let c = (${v} - mean) * inverse; normalized[i] = c; y[i] = c * weight[j] + bias[j];`)}`,
    );
    return [y, normalized, inverseStd];
  });

  define(fusedKernels.layerNormGrad, ({ dy, normalized, inverseStd, weight }) => {
    const [rows, width] = dy!.shape as [number, number];
    const dx = out([rows, width]);
    perRow(
      'layerNormGrad',
      [rows, width],
      { dx },
      { dy, normalized, inverseStd, weight },
      `var sum = 0.0; var product = 0.0;
  ${each('let g = dy[i] * weight[j]; sum += g; product += g * normalized[i];')}
  let mean = total(sum, lane) / f32(WIDTH);
  let pull = total(product, lane) / f32(WIDTH);
  let inverse = inverseStd[group];
  ${each('dx[i] = (dy[i] * weight[j] - mean - normalized[i] * pull) * inverse;')}`,
    );
    return [dx];
  });

  define(fusedKernels.columnSums, ({ x, y }) => {
    const [rows, columns] = x!.shape as [number, number];
    const [sums, products] = [out([columns]), y && out([columns])];
    // Two rounds: sums of 64 rows each, then the sums of those sums.
    const chunk = 64;
    const chunks = Math.ceil(rows / chunk);
    const parts = out([chunks, columns]);
    const productParts = y && out([chunks, columns]);
    elementwise(
      'column sums of chunks',
      chunks * columns,
      { parts, ...(productParts && { productParts }) },
      { x, y },
      `var sum = 0.0; var product = 0.0;
  let j = i % COLUMNS;
  let end = min(ROWS, (i / COLUMNS + 1u) * CHUNK);
  for (var r = i / COLUMNS * CHUNK; r < end; r++) { let v = x[r * COLUMNS + j]; sum += v; ${y ? 'product += v * y[r * COLUMNS + j];' : ''} }
  parts[i] = sum; ${y ? 'productParts[i] = product;' : ''}`,
      { constants: { ROWS: rows, COLUMNS: columns, CHUNK: chunk } },
    );
    elementwise(
      'column sums',
      columns,
      { sums, ...(products && { products }) },
      { parts, productParts },
      `var sum = 0.0; var product = 0.0;
  for (var r = 0u; r < CHUNKS; r++) { sum += parts[r * COUNT + i]; ${y ? 'product += productParts[r * COUNT + i];' : ''} }
  sums[i] = sum; ${y ? 'products[i] = product;' : ''}`,
      { constants: { CHUNKS: chunks } },
    );
    backend.disposeData(parts.dataId);
    if (productParts) backend.disposeData(productParts.dataId);
    return products ? [sums, products] : [sums];
  });

  define(fusedKernels.reluDropped, ({ x, mask }) => {
    const y = out(x!.shape);
    // Written so that NaN stays NaN.
    const body = `let v = x[i]${mask ? ' * mask[i]' : ''}; y[i] = select(v, 0.0, v < 0.0);`;
    elementwise('reluDropped', sizeOf(y), { y }, { x, mask }, body);
    return [y];
  });

  define(fusedKernels.reluDroppedGrad, ({ dy, y, mask }) => {
    const dx = out(dy!.shape);
    const body = `dx[i] = select(0.0, dy[i]${mask ? ' * mask[i]' : ''}, y[i] > 0.0);`;
    elementwise('reluDroppedGrad', sizeOf(dx), { dx }, { dy, y, mask }, body);
    return [dx];
  });

  define(noiseKernel, ({ seed }, { site, shape }) => {
    const y = out(shape as number[]);
    elementwise('noise', sizeOf(y), { y }, { seed }, 'y[i] = noiseAt(i, SITE);', {
      constants: { SITE: site as number },
      globals: uniformNoise,
    });
    return y;
  });

  define(fusedKernels.dropoutMask, ({ seed, rate }, { site, shape }) => {
    const mask = out(shape as number[]);
    const body = 'let drop = rate[0]; mask[i] = select(0.0, 1.0 / (1.0 - drop), noiseAt(i, SITE) >= drop);';
    elementwise('dropoutMask', sizeOf(mask), { mask }, { seed, rate }, body, {
      constants: { SITE: site as number },
      globals: uniformNoise,
    });
    return [mask];
  });

  define(fusedKernels.crossEntropy, ({ logits, labels }) => {
    const [rows, classes] = logits!.shape as [number, number];
    const [means, dLogits, losses, hits] = [out([2]), out([rows, classes]), out([rows]), out([rows])];
    elementwise(
      'crossEntropy',
      rows,
      { dLogits, losses, hits },
      { logits, labels },
      `let at = i * CLASSES;
  let label = u32(labels[i]);
  var largest = logits[at];
  var best = 0u;
  for (var j = 1u; j < CLASSES; j++) { if (logits[at + j] > largest) { largest = logits[at + j]; best = j; } }
  var sum = 0.0;
  for (var j = 0u; j < CLASSES; j++) { sum += exp(logits[at + j] - largest); }
  for (var j = 0u; j < CLASSES; j++) { dLogits[at + j] = (exp(logits[at + j] - largest) / sum - select(0.0, 1.0, j == label)) / f32(COUNT); }
  losses[i] = log(sum) + largest - logits[at + label];
  hits[i] = select(0.0, 1.0, best == label);`,
      { constants: { CLASSES: classes } },
    );
    perRow(
      'means of losses',
      [1, rows],
      { means },
      { losses, hits },
      `var loss = 0.0; var hit = 0.0;
  ${each('loss += losses[i]; hit += hits[i];')}
  let all = vec2f(total(loss, lane), total(hit, lane));
  if (lane == 0u) { means[0] = all.x / f32(WIDTH); means[1] = all.y / f32(WIDTH); }`,
    );
    for (const { dataId } of [losses, hits]) backend.disposeData(dataId);
    return [means, dLogits];
  });

  define(fusedKernels.squaredNorms, ({ flat: vector }, { sizes }) => {
    // First the sums of pieces of each parameter, then the sums of whole parameters.
    const longest = 8192;
    const pieces: number[] = [];
    const firsts: number[] = [0];
    let offset = 0;
    for (const size of sizes as number[]) {
      for (let from = 0; from < size; from += longest) pieces.push(offset + from, Math.min(longest, size - from));
      offset += size;
      firsts.push(pieces.length / 2);
    }
    const count = pieces.length / 2;
    const [parts, squares] = [out([count]), out([firsts.length - 1])];
    const table = backend.makeTensorInfo([pieces.length], 'int32', Int32Array.from(pieces));
    const bounds = backend.makeTensorInfo([firsts.length], 'int32', Int32Array.from(firsts));
    perRow(
      'squares of pieces',
      [count, longest],
      { parts },
      { vector, table },
      `let origin = u32(table[2u * group]); let length = u32(table[2u * group + 1u]);
  var sum = 0.0;
  for (var j = lane; j < length; j += ${rowThreads}u) { let x = vector[origin + j]; sum += x * x; }
  sum = total(sum, lane);
  if (lane == 0u) { parts[group] = sum; }`,
    );
    perRow(
      'squared norms',
      [firsts.length - 1, 1],
      { squares },
      { parts, bounds },
      `var sum = 0.0;
  for (var j = u32(bounds[group]) + lane; j < u32(bounds[group + 1u]); j += ${rowThreads}u) { sum += parts[j]; }
  sum = total(sum, lane);
  if (lane == 0u) { squares[group] = sum; }`,
    );
    for (const { dataId } of [parts, table, bounds]) backend.disposeData(dataId);
    return [squares];
  });

  define(fusedKernels.accumulate, ({ total, x, weight }) => {
    const sum = out(x!.shape);
    elementwise('accumulate', sizeOf(sum), { sum }, { total, x, weight }, 'sum[i] = total[i] + x[i] * weight[0];');
    return [sum];
  });

  define(fusedKernels.metrics, ({ means, squares }, { each: all }) => {
    const count = sizeOf(squares!);
    const metrics = out([4 + (all ? count : 0)]);
    perRow(
      'metrics',
      [1, count],
      { metrics },
      { means, squares },
      `var sum = 0.0;
  ${each(`sum += squares[i]; ${all ? 'metrics[4u + i] = sqrt(squares[i]);' : ''}`)}
  let norm = sqrt(total(sum, lane));
  if (lane == 0u) { metrics[0] = means[0]; metrics[1] = means[1]; metrics[2] = norm; metrics[3] = norm; }`,
    );
    return [metrics];
  });

  define(fusedKernels.adam, ({ params, m, v, grads, norm, scalars }, { clipByValue, weightDecay, decoupled }) => {
    const [newParams, newM, newV] = [0, 1, 2].map(() => out(params!.shape)) as [TensorInfo, TensorInfo, TensorInfo];
    const count = sizeOf(params!);
    const pull = weightDecay && !decoupled;
    // In two parts, because a shader has at most eight buffers.
    elementwise(
      'adam moments',
      count,
      { newM, newV },
      { m, v, grads, scalars, ...(!clipByValue && { norm }), ...(pull && { params }) },
      `let clip = scalars[0];
  ${clipByValue ? 'var x = clamp(grads[i], -clip, clip); if (grads[i] != grads[i]) { x = grads[i]; }' : 'var x = grads[i] * select(1.0, clip / (norm[0] + 1e-6), norm[0] > clip);'}
  ${pull ? 'x += scalars[8] * params[i];' : ''}
  newM[i] = scalars[1] * m[i] + scalars[2] * x;
  newV[i] = scalars[3] * v[i] + scalars[4] * x * x;`,
    );
    elementwise(
      'adam parameters',
      count,
      { newParams },
      { params, newM, newV, scalars },
      `newParams[i] = params[i]${weightDecay && decoupled ? ' * scalars[9]' : ''} - scalars[5] * newM[i] / (sqrt(newV[i]) / scalars[6] + scalars[7]);`,
    );
    return [newParams, newM, newV];
  });
}

/** Registers our kernel; it may call tfjs' kernel for cases that it does not support. */
function replace(
  kernelName: string,
  make: (original: KernelFunc) => (args: Parameters<KernelFunc>[0]) => TensorInfo | TensorInfo[],
): void {
  const tfjs = getKernel(kernelName, 'webgpu');
  unregisterKernel(kernelName, 'webgpu');
  registerKernel({ ...tfjs, kernelFunc: make(tfjs.kernelFunc) });
}
type KernelFunc = ReturnType<typeof getKernel>['kernelFunc'];

/** The numbers of nn/noise.ts, in [0, 1). */
const uniformNoise = `
fn lowbias32(value: u32) -> u32 {
  var x = (value ^ (value >> 16u)) * 0x7feb352du;
  x = (x ^ (x >> 15u)) * 0x846ca68bu;
  return x ^ (x >> 16u);
}
fn noiseAt(i: u32, site: u32) -> f32 {
  return f32(lowbias32(lowbias32(i ^ u32(seed[0])) + u32(seed[1]) + site) >> 8u) * 0x1p-24;
}`;
