// SIMD kernels that work in place on the tfjs wasm backend's memory. Built by build.sh; called through kernels.ts.
//
// Every exported kernel takes `part` first and does that part of its work, 0 .. PARTS-1: parts touch disjoint outputs, so threads may take them in
// any order and the numbers do not depend on how many threads there are. No static data and no stack memory: the module shares an address space that
// another module laid out, so build.sh fails for a build that has either. All arrays are f32, row-major, 4-byte aligned, unless said otherwise.
#include <wasm_simd128.h>

#define PARTS 4
#define KERNEL(name) __attribute__((export_name(#name))) void name
#define INLINE static inline __attribute__((always_inline))

typedef v128_t v4;

INLINE v4 load(const float *p) { return wasm_v128_load(p); }
INLINE void store(float *p, v4 v) { wasm_v128_store(p, v); }
INLINE v4 splat(float x) { return wasm_f32x4_splat(x); }
INLINE v4 add(v4 a, v4 b) { return wasm_f32x4_add(a, b); }
INLINE v4 sub(v4 a, v4 b) { return wasm_f32x4_sub(a, b); }
INLINE v4 mul(v4 a, v4 b) { return wasm_f32x4_mul(a, b); }
// a + b * c; with FMA rounded once, so the FMA module gives other last bits.
#ifdef FMA
INLINE v4 addProduct(v4 a, v4 b, v4 c) { return __builtin_wasm_relaxed_madd_f32x4(b, c, a); }
#else
INLINE v4 addProduct(v4 a, v4 b, v4 c) { return add(a, mul(b, c)); }
#endif
INLINE float total(v4 v) {
  return (wasm_f32x4_extract_lane(v, 0) + wasm_f32x4_extract_lane(v, 1)) +
         (wasm_f32x4_extract_lane(v, 2) + wasm_f32x4_extract_lane(v, 3));
}
// First item of a part, when n items are shared out in groups of `group`.
INLINE int first(int part, int n, int group) {
  int groups = (n + group - 1) / group;
  int at = (int)((long long)groups * part / PARTS) * group;
  return at < n ? at : n;
}

// e^x to about 2 ulp for x <= 0; Cephes' polynomial. 0 below -46 (1e-20): beside a softmax weight of 1 such numbers do not count, but their products
// would be denormal, and a denormal costs a hundred cycles.
INLINE v4 exp4(v4 x) {
  v4 small = wasm_f32x4_lt(x, splat(-46.0f));
  v4 n = wasm_f32x4_nearest(mul(x, splat(1.44269504088896341f)));
  v4 r = sub(sub(x, mul(n, splat(0.693359375f))), mul(n, splat(-2.12194440e-4f)));
  v4 p = splat(1.9875691500e-4f);
  p = addProduct(splat(1.3981999507e-3f), p, r);
  p = addProduct(splat(8.3334519073e-3f), p, r);
  p = addProduct(splat(4.1665795894e-2f), p, r);
  p = addProduct(splat(1.6666665459e-1f), p, r);
  p = addProduct(splat(5.0000001201e-1f), p, r);
  p = add(add(mul(mul(p, r), r), r), splat(1.0f));
  v4 scale = wasm_i32x4_shl(wasm_i32x4_add(wasm_i32x4_trunc_sat_f32x4(n), wasm_i32x4_splat(127)), 23);
  // A NaN stays NaN: the comparison is false and p is NaN.
  return wasm_v128_andnot(mul(p, scale), small);
}
INLINE float exp1(float x) { return wasm_f32x4_extract_lane(exp4(splat(x)), 0); }

// ---- matrix product -------------------------------------------------------------------------------------------------------------------

#define BLOCK 256 // rows of b packed at once: 8 KB, half of the smallest L1 cache

// Columns of b, 8 at a time, as [k][8]; b(k, n) = b[k * brs + n * bcs]. Missing columns are 0.
INLINE void pack(const float *b, int brs, int bcs, int k, int columns, float *to) {
  if (columns == 8 && bcs == 1) {
    for (int at = 0; at < k; at++, b += brs, to += 8) {
      store(to, load(b));
      store(to + 4, load(b + 4));
    }
  } else if (columns == 8 && brs == 1) {
    int at = 0;
    for (; at + 4 <= k; at += 4, to += 32)
      for (int half = 0; half < 2; half++) {
        const float *c = b + at + half * 4 * bcs;
        v4 c0 = load(c), c1 = load(c + bcs), c2 = load(c + 2 * bcs), c3 = load(c + 3 * bcs);
        v4 a = wasm_i32x4_shuffle(c0, c1, 0, 4, 1, 5), d = wasm_i32x4_shuffle(c2, c3, 0, 4, 1, 5);
        v4 e = wasm_i32x4_shuffle(c0, c1, 2, 6, 3, 7), f = wasm_i32x4_shuffle(c2, c3, 2, 6, 3, 7);
        store(to + half * 4, wasm_i64x2_shuffle(a, d, 0, 2));
        store(to + half * 4 + 8, wasm_i64x2_shuffle(a, d, 1, 3));
        store(to + half * 4 + 16, wasm_i64x2_shuffle(e, f, 0, 2));
        store(to + half * 4 + 24, wasm_i64x2_shuffle(e, f, 1, 3));
      }
    for (; at < k; at++, to += 8)
      for (int n = 0; n < 8; n++) to[n] = b[at + n * bcs];
  } else {
    for (int at = 0; at < k; at++, b += brs, to += 8)
      for (int n = 0; n < 8; n++) to[n] = n < columns ? b[n * bcs] : 0;
  }
}

INLINE void put(float *c, v4 low, v4 high, int columns, const float *from) {
  if (columns == 8) {
    store(c, from ? add(low, load(from)) : low);
    store(c + 4, from ? add(high, load(from + 4)) : high);
    return;
  }
  for (int n = 0; n < columns; n++) {
    float x = wasm_f32x4_extract_lane(low, 0);
    c[n] = from ? x + from[n] : x;
    // The next lane moves to the front.
    low = wasm_i32x4_shuffle(low, high, 1, 2, 3, 4);
    high = wasm_i32x4_shuffle(high, high, 1, 2, 3, 0);
  }
}

#define ROWS 4 // of c at a time: with 2 columns of vectors 8 sums, which together with all operands of a step fill the 15 registers that V8 allocates

// ROWS rows of a times one packed panel: a row-major, or, with `strip`, packed as [k][ROWS]. Rows past `rows` repeat the last one and are not
// stored. One step per iteration: V8 moves the loads of an unrolled loop to its front, and registers run out.
INLINE void tile(const float *a, int ars, int strip, const float *p, int k, float *c, int ldc, int rows, int columns, const float *bias, int again) {
  v4 l0 = splat(0), h0 = l0, l1 = l0, h1 = l0, l2 = l0, h2 = l0, l3 = l0, h3 = l0;
#define STEP(x0, x1, x2, x3)                                                  \
  v4 low = load(p), high = load(p + 4);                                       \
  l0 = addProduct(l0, x0, low), h0 = addProduct(h0, x0, high);                \
  l1 = addProduct(l1, x1, low), h1 = addProduct(h1, x1, high);                \
  l2 = addProduct(l2, x2, low), h2 = addProduct(h2, x2, high);                \
  l3 = addProduct(l3, x3, low), h3 = addProduct(h3, x3, high);
#define LANE(n) wasm_i32x4_shuffle(x, x, n, n, n, n)
#define ROW(r) wasm_v128_load32_splat(a##r)
  if (strip) {
#pragma clang loop unroll(disable)
    for (; k > 0; k--, a += ROWS, p += 8) {
      v4 x = load(a);
      STEP(LANE(0), LANE(1), LANE(2), LANE(3))
    }
  } else {
    const float *a0 = a, *a1 = rows > 1 ? a0 + ars : a0, *a2 = rows > 2 ? a1 + ars : a1, *a3 = rows > 3 ? a2 + ars : a2;
#pragma clang loop unroll(disable)
    for (; k > 0; k--, a0++, a1++, a2++, a3++, p += 8) {
      STEP(ROW(0), ROW(1), ROW(2), ROW(3))
    }
  }
#define PUT(r) if (rows > r) put(c + r * ldc, l##r, h##r, columns, again ? c + r * ldc : bias);
  PUT(0) PUT(1) PUT(2) PUT(3)
}

// c [m, n] = a b, plus bias [n] unless that is null; a(m, k) = a[m * ars + k * acs], b(k, n) = b[k * brs + n * bcs].
// scratch: PARTS * BLOCK * (8 + rows of a part, rounded up to ROWS) floats.
KERNEL(gemm)(int part, const float *a, int ars, int acs, const float *b, int brs, int bcs, float *c, const float *bias, int m, int n, int k, float *scratch) {
  int start = first(part, m, ROWS), end = first(part + 1, m, ROWS);
  if (start == end) return;
  float *panel = scratch + part * BLOCK * 8;
  // Columns of a transposed matrix are far apart in memory: packed as [ROWS rows][k][ROWS] they are read in order.
  float *strips = acs == 1 ? 0 : scratch + PARTS * BLOCK * 8 + start * BLOCK;
  for (int kk = 0; kk < k; kk += BLOCK) {
    int depth = k - kk < BLOCK ? k - kk : BLOCK;
    if (strips) {
      for (int i = start; i < end; i += ROWS) {
        float *to = strips + (i - start) * depth;
        const float *from = a + i * ars + kk * acs;
        if (ars == 1 && i + ROWS <= end)
          for (int at = 0; at < depth; at++, from += acs, to += ROWS) store(to, load(from));
        else
          for (int at = 0; at < depth; at++, from += acs, to += ROWS)
            for (int r = 0; r < ROWS; r++) to[r] = i + r < end ? from[r * ars] : 0;
      }
    }
    for (int j = 0; j < n; j += 8) {
      int columns = n - j < 8 ? n - j : 8;
      pack(b + kk * brs + j * bcs, brs, bcs, depth, columns, panel);
      for (int i = start; i < end; i += ROWS) {
        int rows = end - i < ROWS ? end - i : ROWS;
        const float *shift = bias ? bias + j : 0;
        float *to = c + i * n + j;
        if (strips) tile(strips + (i - start) * depth, 0, 1, panel, depth, to, n, rows, columns, shift, kk > 0);
        else tile(a + i * ars + kk, ars, 0, panel, depth, to, n, rows, columns, shift, kk > 0);
      }
    }
  }
}

// ---- rows and columns -----------------------------------------------------------------------------------------------------------------

// Sums in a fixed order: four lanes, then the rest.
#pragma clang fp reassociate(on)

// sums [c] = column sums of x [n, c]; with y: products[c] = column sums of x * y too.
KERNEL(columnSums)(int part, const float *x, const float *y, float *sums, float *products, int n, int c) {
  int end = first(part + 1, c, 8), j = first(part, c, 8);
  for (; j + 8 <= end; j += 8) {
    v4 s0 = splat(0), s1 = s0, p0 = s0, p1 = s0;
    for (int i = 0; i < n; i++) {
      v4 x0 = load(x + i * c + j), x1 = load(x + i * c + j + 4);
      s0 = add(s0, x0), s1 = add(s1, x1);
      if (y) p0 = addProduct(p0, x0, load(y + i * c + j)), p1 = addProduct(p1, x1, load(y + i * c + j + 4));
    }
    store(sums + j, s0), store(sums + j + 4, s1);
    if (y) store(products + j, p0), store(products + j + 4, p1);
  }
  for (; j < end; j++) {
    float s = 0, p = 0;
    for (int i = 0; i < n; i++) {
      s += x[i * c + j];
      if (y) p += x[i * c + j] * y[i * c + j];
    }
    sums[j] = s;
    if (y) products[j] = p;
  }
}

// y = normalized * weight + bias, normalized = (v - mean(v)) * inverseStd over each row of v = x + branch * mask [n, d]. branch and mask may be null.
KERNEL(layerNorm)(int part, const float *x, const float *branch, const float *mask, const float *weight, const float *bias, float *y, float *normalized, float *inverseStd, int n, int d) {
  for (int i = first(part, n, 1); i < first(part + 1, n, 1); i++) {
    const float *from = x + i * d, *plus = branch + i * d, *factor = mask + i * d;
    float *v = normalized + i * d, *out = y + i * d;
    float sum = 0, squares = 0;
    if (branch && mask) for (int j = 0; j < d; j++) v[j] = from[j] + plus[j] * factor[j];
    else if (branch) for (int j = 0; j < d; j++) v[j] = from[j] + plus[j];
    else for (int j = 0; j < d; j++) v[j] = from[j];
    for (int j = 0; j < d; j++) sum += v[j];
    float mean = sum / d;
    for (int j = 0; j < d; j++) v[j] -= mean;
    for (int j = 0; j < d; j++) squares += v[j] * v[j];
    float inverse = 1 / __builtin_sqrtf(squares / d + 1e-5f);
    inverseStd[i] = inverse;
    for (int j = 0; j < d; j++) v[j] *= inverse;
    for (int j = 0; j < d; j++) out[j] = v[j] * weight[j] + bias[j];
  }
}

// dx = (g - mean(g) - normalized * mean(g * normalized)) * inverseStd, g = dy * weight.
KERNEL(layerNormGrad)(int part, const float *dy, const float *normalized, const float *inverseStd, const float *weight, float *dx, int n, int d) {
  for (int i = first(part, n, 1); i < first(part + 1, n, 1); i++) {
    const float *g = dy + i * d, *v = normalized + i * d;
    float *out = dx + i * d;
    float sum = 0, product = 0;
    for (int j = 0; j < d; j++) sum += g[j] * weight[j];
    for (int j = 0; j < d; j++) product += g[j] * weight[j] * v[j];
    float mean = sum / d, pull = product / d, inverse = inverseStd[i];
    for (int j = 0; j < d; j++) out[j] = (g[j] * weight[j] - mean - v[j] * pull) * inverse;
  }
}

KERNEL(copy)(int part, const float *from, float *to, int n) {
  for (int i = first(part, n, 64); i < first(part + 1, n, 64); i++) to[i] = from[i];
}

// out [n] = x [n] + y [period], y repeated.
KERNEL(addRepeated)(int part, const float *x, const float *y, float *out, int n, int period) {
  int end = first(part + 1, n, 64), i = first(part, n, 64);
  while (i < end) {
    int at = i % period, stop = i + period - at < end ? i + period - at : end;
    for (; i < stop; i++, at++) out[i] = x[i] + y[at];
  }
}

// sum = total + x * weight.
KERNEL(accumulate)(int part, const float *total, const float *x, const float *weight, float *sum, int n) {
  float w = *weight;
  for (int i = first(part, n, 64); i < first(part + 1, n, 64); i++) sum[i] = total[i] + x[i] * w;
}

KERNEL(multiply)(int part, const float *x, const float *y, float *out, int n) {
  for (int i = first(part, n, 64); i < first(part + 1, n, 64); i++) out[i] = x[i] * y[i];
}

// ids i32 [n] -> rows [n, width] of zeros with a 1 at the id.
KERNEL(oneHot)(int part, const int *ids, float *rows, int n, int width) {
  for (int i = first(part, n, 1); i < first(part + 1, n, 1); i++) {
    for (int j = 0; j < width; j++) rows[i * width + j] = 0;
    if (ids[i] >= 0 && ids[i] < width) rows[i * width + ids[i]] = 1;
  }
}

// y = max(x * mask, 0); mask may be null.
KERNEL(reluDropped)(int part, const float *x, const float *mask, float *y, int n) {
  int start = first(part, n, 64), end = first(part + 1, n, 64);
  // Written so that NaN stays NaN.
  if (mask) for (int i = start; i < end; i++) y[i] = x[i] * mask[i] < 0 ? 0 : x[i] * mask[i];
  else for (int i = start; i < end; i++) y[i] = x[i] < 0 ? 0 : x[i];
}

// dx = dy where y > 0, else 0; times mask unless that is null.
KERNEL(reluDroppedGrad)(int part, const float *dy, const float *y, const float *mask, float *dx, int n) {
  int start = first(part, n, 64), end = first(part + 1, n, 64);
  if (mask) for (int i = start; i < end; i++) dx[i] = y[i] > 0 ? dy[i] * mask[i] : 0;
  else for (int i = start; i < end; i++) dx[i] = y[i] > 0 ? dy[i] : 0;
}

// ---- dropout --------------------------------------------------------------------------------------------------------------------------

INLINE unsigned lowbias32(unsigned x) {
  x = (x ^ x >> 16) * 0x7feb352d;
  x = (x ^ x >> 15) * 0x846ca68b;
  return x ^ x >> 16;
}

// The numbers of noise.ts, in [0, 1).
INLINE float uniform(const int *seed, int site, int i) {
  return (float)(int)(lowbias32(lowbias32(i ^ seed[0]) + seed[1] + site) >> 8) * 0x1p-24f;
}

KERNEL(noise)(int part, const int *seed, int site, float *out, int n) {
  for (int i = first(part, n, 64); i < first(part + 1, n, 64); i++) out[i] = uniform(seed, site, i);
}

// 0 with probability rate, else 1 / (1 - rate).
KERNEL(dropoutMask)(int part, const int *seed, int site, const float *rate, float *mask, int n) {
  float drop = *rate, keep = 1 / (1 - drop);
  for (int i = first(part, n, 64); i < first(part + 1, n, 64); i++) mask[i] = uniform(seed, site, i) >= drop ? keep : 0;
}

// ---- attention ------------------------------------------------------------------------------------------------------------------------

INLINE float dot(const float *a, const float *b, int n) {
  v4 s0 = splat(0), s1 = s0;
  int i = 0;
  for (; i + 8 <= n; i += 8) s0 = addProduct(s0, load(a + i), load(b + i)), s1 = addProduct(s1, load(a + i + 4), load(b + i + 4));
  float sum = total(add(s0, s1));
  for (; i < n; i++) sum += a[i] * b[i];
  return sum;
}
INLINE void addScaled(float *to, const float *from, float by, int n) {
  v4 scale = splat(by);
  int i = 0;
  for (; i + 4 <= n; i += 4) store(to + i, addProduct(load(to + i), scale, load(from + i)));
  for (; i < n; i++) to[i] += by * from[i];
}
INLINE void clear(float *to, int n) {
  for (int i = 0; i < n; i++) to[i] = 0;
}

// Softmax of x [n] in place.
INLINE void softmax(float *x, int n) {
  float most = x[0], sum = 0;
  for (int i = 1; i < n; i++) most = x[i] > most ? x[i] : most;
  int i = 0;
  for (; i + 4 <= n; i += 4) store(x + i, exp4(sub(load(x + i), splat(most))));
  for (; i < n; i++) x[i] = exp1(x[i] - most);
  for (i = 0; i < n; i++) sum += x[i];
  float inverse = 1 / sum;
  for (i = 0; i < n; i++) x[i] *= inverse;
}

// qkv [b * t, 3 * h * d], packed [head][q | k | v][d] -> weights [b, h, t, t] and context [b * t, h * d].
// causal: position i sees positions 0 .. i; its weights after them are exactly 0.
KERNEL(attention)(int part, const float *qkv, float *weights, float *context, int b, int t, int h, int d, float scale, int causal) {
  int row = 3 * h * d;
  for (int at = first(part, b * h, 1); at < first(part + 1, b * h, 1); at++) {
    const float *q = qkv + at / h * t * row + at % h * 3 * d, *k = q + d, *v = k + d;
    float *w = weights + at * t * t, *out = context + at / h * t * h * d + at % h * d;
    for (int i = 0; i < t; i++, w += t, out += h * d) {
      int seen = causal ? i + 1 : t;
      for (int j = 0; j < seen; j++) w[j] = dot(q + i * row, k + j * row, d) * scale;
      softmax(w, seen);
      clear(w + seen, t - seen);
      clear(out, d);
      for (int j = 0; j < seen; j++) addScaled(out, v + j * row, w[j], d);
    }
  }
}

// scratch: PARTS * t floats.
KERNEL(attentionGrad)(int part, const float *dContext, const float *qkv, const float *weights, float *dQkv, int b, int t, int h, int d, float scale, int causal, float *scratch) {
  int row = 3 * h * d;
  float *ds = scratch + part * t;
  for (int at = first(part, b * h, 1); at < first(part + 1, b * h, 1); at++) {
    int start = at / h * t * row + at % h * 3 * d;
    const float *q = qkv + start, *k = q + d, *v = k + d, *w = weights + at * t * t, *g = dContext + at / h * t * h * d + at % h * d;
    float *dq = dQkv + start, *dk = dq + d, *dv = dk + d;
    for (int i = 0; i < t; i++) clear(dq + i * row, 3 * d);
    for (int i = 0; i < t; i++, w += t, g += h * d) {
      int seen = causal ? i + 1 : t;
      for (int j = 0; j < seen; j++) ds[j] = dot(g, v + j * row, d);
      float pull = dot(ds, w, seen);
      for (int j = 0; j < seen; j++) ds[j] = w[j] * (ds[j] - pull) * scale;
      for (int j = 0; j < seen; j++) {
        addScaled(dq + i * row, k + j * row, ds[j], d);
        addScaled(dk + j * row, q + i * row, ds[j], d);
        addScaled(dv + j * row, g, w[j], d);
      }
    }
  }
}

// ---- loss and optimizer ---------------------------------------------------------------------------------------------------------------

// ln x for normal x > 0. Source: Cephes' logf.
INLINE float log1(float x) {
  int bits = wasm_i32x4_extract_lane(splat(x), 0);
  float e = (bits >> 23) - 126, m = wasm_f32x4_extract_lane(wasm_i32x4_splat((bits & 0x7fffff) | 0x3f000000), 0); // [0.5, 1)
  if (m < 0.70710678f) e -= 1, m += m;
  m -= 1;
  float z = m * m, p = 7.0376836292e-2f;
  p = p * m - 1.1514610310e-1f;
  p = p * m + 1.1676998740e-1f;
  p = p * m - 1.2420140846e-1f;
  p = p * m + 1.4249322787e-1f;
  p = p * m - 1.6668057665e-1f;
  p = p * m + 2.0000714765e-1f;
  p = p * m - 2.4999993993e-1f;
  p = p * m + 3.3333331174e-1f;
  return m + (m * z * p - 0.5f * z + e * -2.12194440e-4f) + e * 0.693359375f;
}

// logits [n, c], labels i32 [n] -> means [2]: cross-entropy and accuracy; dLogits [n, c]: the gradient of the mean loss. All in part 0.
KERNEL(crossEntropy)(int part, const float *logits, const int *labels, float *means, float *dLogits, int n, int c) {
  if (part != 0) return;
  double loss = 0;
  int right = 0;
  for (int i = 0; i < n; i++, logits += c, dLogits += c) {
    float most = logits[0], sum = 0;
    int best = 0;
    for (int j = 1; j < c; j++)
      if (logits[j] > most) most = logits[j], best = j;
    int j = 0;
    for (; j + 4 <= c; j += 4) store(dLogits + j, exp4(sub(load(logits + j), splat(most))));
    for (; j < c; j++) dLogits[j] = exp1(logits[j] - most);
    for (j = 0; j < c; j++) sum += dLogits[j];
    int label = labels[i];
    right += best == label;
    loss += log1(sum) + (most - logits[label]) + (sum - sum); // the last is NaN where log1 would not be
    float scale = 1 / (sum * n);
    for (j = 0; j < c; j++) dLogits[j] *= scale;
    dLogits[label] -= 1.0f / n;
  }
  means[0] = (float)(loss / n);
  means[1] = (float)right / n;
}

// squares[p] = sum of the squares of flat[offsets[p]] up to flat[offsets[p + 1]].
KERNEL(squaredNorms)(int part, const float *flat, const int *offsets, float *squares, int count) {
  for (int p = part; p < count; p += PARTS) {
    const float *g = flat + offsets[p];
    int length = offsets[p + 1] - offsets[p];
    double sum = 0;
    // f32 sums of 1024, then f64.
    for (int i = 0; i < length; i += 1024) {
      int n = length - i;
      sum += dot(g + i, g + i, n < 1024 ? n : 1024);
    }
    squares[p] = (float)sum;
  }
}

// means [2] and squares [count] -> metrics: both means, the norm of all twice, and where `each` the norm of every one. All in part 0.
KERNEL(metrics)(int part, const float *means, const float *squares, float *metrics, int count, int each) {
  if (part != 0) return;
  double sum = 0;
  for (int p = 0; p < count; p++) sum += squares[p];
  metrics[0] = means[0], metrics[1] = means[1];
  metrics[2] = metrics[3] = __builtin_sqrtf((float)sum);
  if (each) for (int p = 0; p < count; p++) metrics[4 + p] = __builtin_sqrtf(squares[p]);
}

// Adam or AdamW of optimizer.ts in one pass. s: its scalars in order; norm: of g. Moments too small to matter are set to 0: a denormal costs a
// hundred cycles, and 0.9 times the smallest denormal rounds to itself, so it would stay.
KERNEL(adam)(int part, const float *params, const float *m, const float *v, const float *g, const float *norm, const float *s, float *newParams, float *newM, float *newV, int n, int clipByValue, int decay, int decoupled) {
  float clip = s[0], keepM = s[1], addM = s[2], keepV = s[3], addV = s[4], rate = s[5], correction = 1 / s[6], epsilon = s[7];
  float shrink = decay && decoupled ? s[9] : 1, pull = decay && !decoupled ? s[8] : 0;
  float factor = !clipByValue && *norm > clip ? clip / (*norm + 1e-6f) : 1;
  float most = clipByValue ? clip : __builtin_inff();
  for (int i = first(part, n, 64); i < first(part + 1, n, 64); i++) {
    float x = g[i] * factor;
    x = x > most ? most : x < -most ? -most : x;
    x += pull * params[i];
    float first = keepM * m[i] + addM * x, second = keepV * v[i] + addV * (x * x);
    first = __builtin_fabsf(first) < 0x1p-100f ? 0 : first;
    second = second < 0x1p-100f ? 0 : second;
    newM[i] = first;
    newV[i] = second;
    newParams[i] = params[i] * shrink - rate * (first / (__builtin_sqrtf(second) * correction + epsilon));
  }
}
