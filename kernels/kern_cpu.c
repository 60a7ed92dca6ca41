/* SPDX-License-Identifier: MIT */
/* The fast back end, compiled once per instruction set (KERN_LANES floats in a vector). */
#include "kernels/kern_dot.h"
#include "kernels/kern_priv.h"

#include <math.h>

#include "kernels/kern_back.h"
#include "kernels/kern_conv.h"
#include "kernels/kern_linear.h"
#include "kernels/kern_pv.h"

#ifndef KERN_TABLE
#define KERN_TABLE kern_ops_portable
#endif

/* ---- attention */

#define QB 12 /* queries in one part of the work */

/* Softmax of one row of scores in place. The row has room for whole vectors. */
static void softmax_row(float *s, int n, float scale, const float *bias)
{
    vf top = broadcast(-INFINITY), sum = {0};
    int whole = n - n % KERN_LANES;
    for (int j = n; j % KERN_LANES; j++)
        s[j] = -INFINITY;
    for (int j = 0; j < n; j += KERN_LANES) {
        vf b = !bias ? broadcast(0.0f)
                     : j < whole ? load(bias + j) : load_part(bias + j, n - whole);
        vf x = vfma(load(s + j), broadcast(scale), b);
        store(s + j, x);
        top = vmax(x, top); /* NaN is lost here, and comes back with the sum */
    }
    vf high = broadcast(max1(top));
    for (int j = 0; j < n; j += KERN_LANES) {
        vf e = vexp(load(s + j) - high);
        store(s + j, e);
        sum += e;
    }
    float f = 1.0f / sum1(sum);
    for (int j = 0; j < n; j += KERN_LANES)
        store(s + j, load(s + j) * f);
}

static void attend(const struct kern_attention *o, int h, int from, int rows, float *s,
                   ptrdiff_t lds)
{
    int col = h * o->dh;
    for (int i = 0, r; i < rows; i += r) {
        r = tile_rows(rows - i);
        dot_rows(r, o->tk, o->q + (from + i) * o->ldq + col, o->ldq, (const char *)(o->k + col),
                 4 * o->ldk, o->dh, s + i * lds, lds);
    }
    for (int i = 0; i < rows; i++) {
        softmax_row(s + i * lds, o->tk, o->scale, o->key_bias);
        if (o->probs)
            memcpy(o->probs + ((ptrdiff_t)h * o->tq + from + i) * o->tk, s + i * lds,
                   (size_t)o->tk * sizeof *s);
    }
    pv_rows(rows, s, lds, o->v + col, o->ldv, o->tk, o->dh, o->out + from * o->ldo + col, o->ldo);
}

static int query_blocks(const struct kern_attention *o)
{
    return (o->tq + QB - 1) / QB;
}

static void attention_part(void *arg, int i)
{
    const struct kern_attention *o = arg;
    while (i >= o->heads * query_blocks(o)) {
        i -= o->heads * query_blocks(o);
        o++;
    }
    int from = i % query_blocks(o) * QB, rows = o->tq - from < QB ? o->tq - from : QB;
    ptrdiff_t lds = (o->tk + KERN_LANES - 1) / KERN_LANES * KERN_LANES;
    float *s = scratch_alloc((size_t)lds * QB * sizeof *s);
    attend(o, i / query_blocks(o), from, rows, s, lds);
    scratch_free(s);
}

static void attention(struct kern *k, const struct kern_attention *list, int count)
{
    int parts = 0;
    for (int i = 0; i < count; i++)
        parts += list[i].heads * query_blocks(&list[i]);
    pool_run(k->pool, parts, attention_part, (void *)(uintptr_t)list);
}

/* ---- softmax of whole rows: in double, and so the same from every back end */

#define HALF (KERN_LANES / 2)
#define SIDE 4 /* vectors side by side: each step of one waits for the step before */
typedef double vd __attribute__((vector_size(4 * KERN_LANES)));
typedef int64_t vl __attribute__((vector_size(4 * KERN_LANES)));
typedef int32_t half_i __attribute__((vector_size(4 * HALF)));

/* x = n ln 2 + r for x <= 0, of which e^x has a float32; n as a whole number. */
INLINE half_i split_exponent(vd x, vd *r)
{
    vd t = x * 1.4426950408889634 + 0.5;
    vd n = __builtin_convertvector(__builtin_convertvector(t, half_i), vd); /* towards 0 */
    n += __builtin_convertvector(__builtin_convertvector(n > t, half_i), vd);
    *r = x - n * 6.93147180369123816490e-01 - n * 1.90821492927058770002e-10;
    return __builtin_convertvector(n, half_i);
}

/* e^x in place for x <= 0 or NaN, off by less than 1e-15 of it: 2^n times a Taylor polynomial for
 * e^r; 0 where float32 has nothing left by far. */
INLINE void exp_below(vd v[SIDE])
{
    const vd zero = {0}, least = zero - 700.0;
    vd r[SIDE], y[SIDE];
    vl tiny[SIDE], n[SIDE];
#pragma GCC unroll 4
    for (int s = 0; s < SIDE; s++) {
        tiny[s] = v[s] < least;
        vd x = (vd)(((vl)v[s] & ~tiny[s]) | ((vl)least & tiny[s]));
        n[s] = __builtin_convertvector(split_exponent(x, &r[s]), vl);
        y[s] = zero + 1.0;
    }
    for (int i = 13; i > 0; i--)
#pragma GCC unroll 4
        for (int s = 0; s < SIDE; s++)
            y[s] = 1.0 + y[s] * r[s] / (double)i;
#pragma GCC unroll 4
    for (int s = 0; s < SIDE; s++)
        v[s] = (vd)((vl)(y[s] * (vd)((n[s] + 1023) << 52)) & ~tiny[s]);
}

struct softmax_rows {
    float *x;
    int n;
};

static float row_top(const float *x, int n)
{
    vf top = broadcast(-INFINITY);
    int j = 0;
    for (; j + KERN_LANES <= n; j += KERN_LANES)
        top = vmax(load(x + j), top);
    float high = max1(top);
    for (; j < n; j++)
        high = x[j] > high ? x[j] : high;
    return high;
}

/* e (n, and room for SIDE vectors) of a row: e^(x - top). */
static void row_powers(const float *x, int n, double *e)
{
    double top = row_top(x, n);
    for (int j = 0; j < n; j++)
        e[j] = (double)x[j] - top;
    for (int j = n; j % (SIDE * HALF); j++)
        e[j] = 0;
    for (int j = 0; j < n; j += SIDE * HALF) {
        vd v[SIDE];
        memcpy(v, e + j, sizeof v);
        exp_below(v);
        memcpy(e + j, v, sizeof v);
    }
}

/* A NaN may be lost in the greatest, and comes back with the sum, which is made in order. */
static void softmax_whole_row(void *arg, int i)
{
    const struct softmax_rows *r = arg;
    float *x = r->x + (ptrdiff_t)i * r->n;
    double *e = scratch_alloc((size_t)(r->n + SIDE * HALF) * sizeof *e), sum = 0;
    row_powers(x, r->n, e);
    for (int j = 0; j < r->n; j++)
        sum += e[j];
    for (int j = 0; j < r->n; j++)
        x[j] = (float)(e[j] / sum);
    scratch_free(e);
}

static void softmax(struct kern *k, float *x, int m, int n)
{
    struct softmax_rows r = {x, n};
    pool_run(k->pool, m, softmax_whole_row, &r);
}

/* ---- norm */

static void norm_row(const struct kern_norm *o, int i)
{
    const float *x = o->x + i * o->ldx;
    const char *gamma = o->gamma, *beta = o->beta;
    float *y = o->y + i * o->ldy;
    int whole = o->n - o->n % KERN_LANES, rest = o->n - whole;
    vf sum = {0}, square = {0};
    for (int j = 0; j < whole; j += KERN_LANES)
        sum += load(x + j);
    sum += load_part(x + whole, rest);
    float mean = sum1(sum) / (float)o->n;
    for (int j = 0; j < whole; j += KERN_LANES) {
        vf d = load(x + j) - mean;
        square = vfma(d, d, square);
    }
    vf d = load_part(x + whole, rest) - mean;
    for (int j = rest; j < KERN_LANES; j++)
        d[j] = 0;
    square = vfma(d, d, square);
    float var = sum1(square) / (float)o->n;
    if (!(var < INFINITY)) { /* not finite, or so large that its squares are not */
        kern_norm_row_ref(o, i);
        return;
    }
    float f = 1.0f / sqrtf(var + o->eps);
    for (int j = 0; j < whole; j += KERN_LANES)
        store(y + j, vfma((load(x + j) - mean) * f, load(gamma + 4 * (ptrdiff_t)j),
                          load(beta + 4 * (ptrdiff_t)j)));
    if (rest)
        store_part(y + whole, vfma(d * f, load_part(gamma + 4 * (ptrdiff_t)whole, rest),
                                   load_part(beta + 4 * (ptrdiff_t)whole, rest)), rest);
}

#define ROWS 8 /* rows in one part of the work */

static void norm_part(void *arg, int i)
{
    const struct kern_norm *o = arg;
    for (; i >= (o->m + ROWS - 1) / ROWS; o++)
        i -= (o->m + ROWS - 1) / ROWS;
    for (int r = i * ROWS; r < o->m && r < (i + 1) * ROWS; r++)
        norm_row(o, r);
}

static void norm(struct kern *k, const struct kern_norm *list, int count)
{
    int parts = 0;
    for (int i = 0; i < count; i++)
        parts += (list[i].m + ROWS - 1) / ROWS;
    pool_run(k->pool, parts, norm_part, (void *)(uintptr_t)list);
}

/* ---- the small ones */

static void embed_row(const struct kern_embed *o, int i)
{
    float *y = o->y + i * o->ldy;
    memset(y, 0, (size_t)o->n * sizeof *y);
    for (int t = 0; t < 3; t++) {
        if (!o->table[t] || o->ids[t][i] < 0)
            continue;
        const char *row = (const char *)o->table[t] + 4 * (ptrdiff_t)o->ids[t][i] * o->n;
        int j = 0;
        for (; j + KERN_LANES <= o->n; j += KERN_LANES)
            store(y + j, load(y + j) + load(row + 4 * (ptrdiff_t)j));
        if (j < o->n)
            store_part(y + j, load_part(y + j, o->n - j) +
                                  load_part(row + 4 * (ptrdiff_t)j, o->n - j), o->n - j);
    }
}

static void embed(struct kern *k, const struct kern_embed *o)
{
    (void)k;
    for (int i = 0; i < o->m; i++)
        embed_row(o, i);
}

static void mul(struct kern *k, const float *a, const float *b, float *y, size_t n)
{
    (void)k;
    for (size_t i = 0; i < n; i++)
        y[i] = a[i] * b[i];
}

static void add(struct kern *k, const float *a, const float *b, float *y, size_t n)
{
    (void)k;
    for (size_t i = 0; i < n; i++)
        y[i] = a[i] + b[i];
}

static void gate(struct kern *k, float *x, ptrdiff_t ldx, const float *g, int m, int n)
{
    (void)k;
    for (int j = 0; j < n; j += KERN_LANES) {
        int part = n - j < KERN_LANES ? n - j : KERN_LANES;
        float f[KERN_LANES];
        store(f, 1.0f + 1.0f / (1.0f + vexp(-load_part(g + j, part))));
        for (int i = 0; i < m; i++)
            for (int c = 0; c < part; c++)
                x[i * ldx + j + c] *= f[c];
    }
}

const struct kern_ops KERN_TABLE = {
#if KERN_LANES == 16
    .name = "cpu-avx512",
#elif KERN_LANES == 8
    .name = "cpu-avx2",
#elif defined(KERN_NEON)
    .name = "cpu-neon",
#else
    .name = "cpu-portable",
#endif
    .linear = KERN_LINEAR,
    .attention = attention,
    .norm = norm,
    .embed = embed,
    .mul = mul,
    .add = add,
    .conv = KERN_CONV,
    .maxpool = KERN_MAXPOOL,
    .roi = KERN_ROI,
    .gate = gate,
    .silence = kern_silence_cpu,
    .gather_rows = kern_gather_rows_cpu,
    .mean = kern_mean_cpu,
    .upsample = kern_upsample_cpu,
    .overlaps = kern_overlaps_cpu,
    .nms = kern_nms_cpu,
    .softmax = softmax,
    .activate = KERN_ACTIVATE,
    .linear_back = KERN_LINEAR_BACK,
    .attention_back = KERN_ATTENTION_BACK,
    .norm_back = KERN_NORM_BACK,
    .activate_back = KERN_ACTIVATE_BACK,
    .gate_back = KERN_GATE_BACK,
    .mean_back = kern_mean_back_cpu,
    .scatter_rows = kern_scatter_rows_cpu,
};
