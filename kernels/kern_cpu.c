/* The fast back end, compiled once per instruction set (KERN_LANES floats in a vector).
 *
 * Products are sums of dot products along k, so that weights are read where they are, row by row
 * and once: a tile of MR rows of x and NR rows of w keeps MR x NR vector sums in registers. Every
 * sum is made in the same order wherever its tile lies, so results do not depend on how the work
 * is cut or on the threads. */
#include "kernels/kern_dot.h"
#include "kernels/kern_priv.h"

#include <math.h>

#include "kernels/kern_conv.h"

#ifndef KERN_TABLE
#define KERN_TABLE kern_ops_portable
#endif

#define NB 32 /* columns of y in one part of the work: their weights stay in the L2 cache */

/* ---- linear */

/* out(rows, n) = x(rows, k) w(n, k)^T for at most MR rows, or that much more. */
static void dot_rows(int rows, int n, const float *x, ptrdiff_t ldx, const char *w, ptrdiff_t ldw,
                     int k, bool more, float *out, ptrdiff_t ldo)
{
    for (int j = 0; j < n; j += NR)
        dot_any(rows, n - j < NR ? n - j : NR, x, ldx, w + j * ldw, ldw, k, more, out + j, ldo);
}

INLINE vf activate(vf x, enum kern_act act)
{
    switch (act) {
    case KERN_NONE: return x;
    case KERN_GELU: return vgelu(x);
    case KERN_RELU: return vmax(x, broadcast(0.0f));
    case KERN_SWISH: return x / (1.0f + vexp(-x));
    }
    return x;
}

/* y = act(sum + bias) + residual for n columns of one row. */
INLINE void finish_row(const float *sum, const char *bias, const float *residual, float *y, int n,
                       enum kern_act act)
{
    int j = 0;
    for (; j + KERN_LANES <= n; j += KERN_LANES) {
        vf v = load(sum + j);
        if (bias)
            v += load(bias + 4 * (ptrdiff_t)j);
        v = activate(v, act);
        if (residual)
            v += load(residual + j);
        store(y + j, v);
    }
    if (j < n) {
        vf v = load_part(sum + j, n - j);
        if (bias)
            v += load_part(bias + 4 * (ptrdiff_t)j, n - j);
        v = activate(v, act);
        if (residual)
            v += load_part(residual + j, n - j);
        store_part(y + j, v, n - j);
    }
}

static void finish(const struct kern_linear *o, int row, int rows, int col, int cols,
                   const float *sums)
{
    const char *bias = o->bias ? (const char *)o->bias + 4 * (ptrdiff_t)col : NULL;
    for (int i = 0; i < rows; i++) {
        const float *r = o->residual ? o->residual + (row + i) * o->ldr + col : NULL;
        float *y = o->y + (row + i) * o->ldy + col;
        const float *s = sums + (ptrdiff_t)i * cols;
        switch (o->act) {
        case KERN_NONE: finish_row(s, bias, r, y, cols, KERN_NONE); break;
        case KERN_GELU: finish_row(s, bias, r, y, cols, KERN_GELU); break;
        case KERN_RELU: finish_row(s, bias, r, y, cols, KERN_RELU); break;
        case KERN_SWISH: finish_row(s, bias, r, y, cols, KERN_SWISH); break;
        }
    }
}

/* Short rows: the sums of a tile are finished while they are in the L1 cache. */
static void linear_short(const struct kern_linear *o, int col, int cols)
{
    float sums[MR * NB];
    const char *w = (const char *)o->w + 4 * (ptrdiff_t)col * o->k;
    for (int row = 0, rows; row < o->m; row += rows) {
        rows = tile_rows(o->m - row);
        dot_rows(rows, cols, o->x + row * o->ldx, o->ldx, w, 4 * (ptrdiff_t)o->k, o->k, false,
                 sums, cols);
        finish(o, row, rows, col, cols, sums);
    }
}

#define RB 512 /* rows whose sums are kept while the pieces of long rows go by */

/* Long rows: all of them go by a piece of the weights while it is in the cache. */
static void linear_long(const struct kern_linear *o, int row, int rows, int col, int cols)
{
    ptrdiff_t ldw = 4 * (ptrdiff_t)o->k;
    float *sums = kern_need((size_t)rows * (size_t)cols * sizeof *sums);
    for (int p = 0; p < o->k; p += KC) {
        int k = o->k - p < KC ? o->k - p : KC;
        const char *w = (const char *)o->w + col * ldw + 4 * (ptrdiff_t)p;
        for (int i = 0, r; i < rows; i += r) {
            r = tile_rows(rows - i);
            dot_rows(r, cols, o->x + (row + i) * o->ldx + p, o->ldx, w, ldw, k, p > 0,
                     sums + (ptrdiff_t)i * cols, cols);
        }
    }
    finish(o, row, rows, col, cols, sums);
    kern_done(sums);
}

/* Columns of y in one part of the work. Many long rows are read once for each part: then parts are
 * wider. */
static int part_columns(const struct kern_linear *o)
{
    return o->k > KC && o->m > 2 * NB && o->n >= 16 * 4 * NB ? 4 * NB : NB;
}

static void linear_block(const struct kern_linear *o, int block)
{
    int nb = part_columns(o), col = block * nb, cols = o->n - col < nb ? o->n - col : nb;
    if (o->k <= KC)
        linear_short(o, col, cols);
    else
        for (int row = 0; row < o->m; row += RB)
            linear_long(o, row, o->m - row < RB ? o->m - row : RB, col, cols);
}

static int blocks(const struct kern_linear *o)
{
    int nb = part_columns(o);
    return (o->n + nb - 1) / nb;
}

static void linear_part(void *arg, int i)
{
    const struct kern_linear *o = arg;
    for (; i >= blocks(o); o++)
        i -= blocks(o);
    linear_block(o, i);
}

static void linear(struct kern *k, const struct kern_linear *list, int count)
{
    int parts = 0;
    for (int i = 0; i < count; i++)
        parts += blocks(&list[i]);
    pool_run(k->pool, parts, linear_part, (void *)(uintptr_t)list);
}

/* ---- attention */

#define QB 12 /* queries in one part of the work */
#define PV_ROWS 4
#define PV_COLS 4 /* vectors */

/* out(mr, nd vectors) = p(mr, tk) v(tk, ...); mr and nd are constants where this is inlined. */
INLINE void pv_tile(int mr, int nd, const float *p, ptrdiff_t ldp, const float *v, ptrdiff_t ldv,
                    int tk, float *out, ptrdiff_t ldo)
{
    vf acc[PV_ROWS][PV_COLS];
    for (int i = 0; i < mr; i++)
        for (int d = 0; d < nd; d++)
            acc[i][d] = (vf){0};
    for (int j = 0; j < tk; j++) {
        vf b[PV_COLS];
#pragma GCC unroll 4
        for (int d = 0; d < nd; d++)
            b[d] = load(v + j * ldv + d * KERN_LANES);
#pragma GCC unroll 4
        for (int i = 0; i < mr; i++) {
            vf a = broadcast(p[i * ldp + j]);
#pragma GCC unroll 4
            for (int d = 0; d < nd; d++)
                acc[i][d] += a * b[d];
        }
    }
    for (int i = 0; i < mr; i++)
        for (int d = 0; d < nd; d++)
            store(out + i * ldo + d * KERN_LANES, acc[i][d]);
}

#define PV(m, d)                                                                                  \
    case (m) * 8 + (d):                                                                           \
        pv_tile(m, d, p, ldp, v, ldv, tk, out, ldo);                                              \
        break
#define PVS(m) PV(m, 1); PV(m, 2); PV(m, 3); PV(m, 4)

static void pv_any(int mr, int nd, const float *p, ptrdiff_t ldp, const float *v, ptrdiff_t ldv,
                   int tk, float *out, ptrdiff_t ldo)
{
    switch (mr * 8 + nd) {
        PVS(1);
        PVS(2);
        PVS(3);
        PVS(4);
    }
}

static void pv_rows(int rows, const float *p, ptrdiff_t ldp, const float *v, ptrdiff_t ldv, int tk,
                    int dh, float *out, ptrdiff_t ldo)
{
    int d = 0;
    while (dh - d >= KERN_LANES) {
        int nd = (dh - d) / KERN_LANES;
        nd = nd < PV_COLS ? nd : PV_COLS;
        pv_any(rows, nd, p, ldp, v + d, ldv, tk, out + d, ldo);
        d += nd * KERN_LANES;
    }
    for (; d < dh; d++)
        for (int i = 0; i < rows; i++) {
            float sum = 0;
            for (int j = 0; j < tk; j++)
                sum += p[i * ldp + j] * v[j * ldv + d];
            out[i * ldo + d] = sum;
        }
}

/* Softmax of one row of scores in place. The row has room for whole vectors. */
static void softmax_row(float *s, int n, float scale, const float *bias)
{
    vf top = broadcast(-INFINITY), sum = {0};
    int whole = n - n % KERN_LANES;
    for (int j = n; j % KERN_LANES; j++)
        s[j] = -INFINITY;
    for (int j = 0; j < n; j += KERN_LANES) {
        vf x = load(s + j) * scale;
        if (bias)
            x += j < whole ? load(bias + j) : load_part(bias + j, n - whole);
        store(s + j, x);
        top = vmax(x, top);
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
                 4 * o->ldk, o->dh, false, s + i * lds, lds);
    }
    for (int i = 0; i < rows; i++) {
        softmax_row(s + i * lds, o->tk, o->scale, o->key_bias);
        if (o->probs)
            memcpy(o->probs + ((ptrdiff_t)h * o->tq + from + i) * o->tk, s + i * lds,
                   (size_t)o->tk * sizeof *s);
    }
    for (int i = 0; i < rows; i += PV_ROWS)
        pv_rows(rows - i < PV_ROWS ? rows - i : PV_ROWS, s + i * lds, lds, o->v + col, o->ldv,
                o->tk, o->dh, o->out + (from + i) * o->ldo + col, o->ldo);
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
    float *s = kern_need((size_t)lds * QB * sizeof *s);
    attend(o, i / query_blocks(o), from, rows, s, lds);
    kern_done(s);
}

static void attention(struct kern *k, const struct kern_attention *list, int count)
{
    int parts = 0;
    for (int i = 0; i < count; i++)
        parts += list[i].heads * query_blocks(&list[i]);
    pool_run(k->pool, parts, attention_part, (void *)(uintptr_t)list);
}

/* ---- norm */

static void norm_row(const struct kern_norm *o, int i)
{
    const float *x = o->x + i * o->ldx;
    const char *gain = o->gain, *shift = o->shift;
    float *y = o->y + i * o->ldy;
    int whole = o->n - o->n % KERN_LANES, rest = o->n - whole;
    vf sum = {0}, square = {0};
    for (int j = 0; j < whole; j += KERN_LANES)
        sum += load(x + j);
    sum += load_part(x + whole, rest);
    float mean = sum1(sum) / (float)o->n;
    for (int j = 0; j < whole; j += KERN_LANES) {
        vf d = load(x + j) - mean;
        square += d * d;
    }
    vf d = load_part(x + whole, rest) - mean;
    for (int j = rest; j < KERN_LANES; j++)
        d[j] = 0;
    square += d * d;
    float f = 1.0f / sqrtf(sum1(square) / (float)o->n + o->eps);
    for (int j = 0; j < whole; j += KERN_LANES)
        store(y + j, (load(x + j) - mean) * f * load(gain + 4 * (ptrdiff_t)j) +
                         load(shift + 4 * (ptrdiff_t)j));
    if (rest)
        store_part(y + whole, d * f * load_part(gain + 4 * (ptrdiff_t)whole, rest) +
                                  load_part(shift + 4 * (ptrdiff_t)whole, rest), rest);
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
    for (int j = 0; j < n; j++) {
        float f = 1.0f + 1.0f / (1.0f + expf(-g[j]));
        for (int i = 0; i < m; i++)
            x[i * ldx + j] *= f;
    }
}

const struct kern_ops KERN_TABLE = {
#if KERN_LANES == 16
    "cpu-avx512",
#elif KERN_LANES == 8
    "cpu-avx2",
#else
    "cpu-portable",
#endif
    linear, attention, norm, embed, mul, add, KERN_CONV, KERN_MAXPOOL, KERN_ROI, gate,
    kern_silence_ref, /* small: only what somebody intervenes in */
    kern_rows_ref, kern_mean_ref, kern_upsample_ref, kern_overlaps_ref,
    kern_suppress_ref, kern_softmax_ref,
};
