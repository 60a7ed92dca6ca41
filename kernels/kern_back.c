/* SPDX-License-Identifier: MIT */
/* The way back through attention, layer norm, activations and gates, compiled once per instruction
 * set like kern_cpu.c. Formulas: kern.h. */
#include "kernels/kern_back.h"

#include <math.h>

#include "kernels/kern_dot.h"
#include "kernels/kern_pv.h"

/* ---- attention: a head is one part of the work */

/* ds = p (dp - sum of p dp) for one row of n numbers. */
static void scores_row(const float *p, const float *dp, float *ds, int n)
{
    int whole = n - n % KERN_LANES, rest = n - whole;
    vf sum = {0};
    for (int j = 0; j < whole; j += KERN_LANES)
        sum = vfma(load(p + j), load(dp + j), sum);
    sum = vfma(load_part(p + whole, rest), load_part(dp + whole, rest), sum);
    float mean = sum1(sum);
    for (int j = 0; j < whole; j += KERN_LANES)
        store(ds + j, load(p + j) * (load(dp + j) - mean));
    if (rest)
        store_part(ds + whole, load_part(p + whole, rest) * (load_part(dp + whole, rest) - mean),
                   rest);
}

static void scale_rows(float *x, ptrdiff_t ldx, int m, int n, float scale)
{
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++)
            x[i * ldx + j] *= scale;
}

/* out(n, dh) = p(m, n)^T x(m, dh) */
static void transposed_rows(const float *p, int m, int n, const float *x, ptrdiff_t ldx, int dh,
                            float *out, ptrdiff_t ldo)
{
    for (int j = 0; j < n; j += PV_ROWS)
        pv_some(n - j < PV_ROWS ? n - j : PV_ROWS, p + j, 1, n, x, ldx, m, dh, out + j * ldo, ldo);
}

static void head_back(const struct kern_attention_back *o, int h)
{
    int col = h * o->dh;
    ptrdiff_t map = (ptrdiff_t)h * o->tq * o->tk;
    const float *p = o->probs + map, *dout = o->dout + col;
    float *dp = o->dprobs + map, *ds = o->dscores + map;
    for (int i = 0, r; i < o->tq; i += r) {
        r = tile_rows(o->tq - i);
        dot_rows(r, o->tk, dout + i * o->ldo, o->ldo, (const char *)(o->v + col), 4 * o->ldv,
                 o->dh, dp + (ptrdiff_t)i * o->tk, o->tk);
    }
    for (ptrdiff_t i = 0; i < o->tq; i++)
        scores_row(p + i * o->tk, dp + i * o->tk, ds + i * o->tk, o->tk);
    transposed_rows(p, o->tq, o->tk, dout, o->ldo, o->dh, o->dv + col, o->ldv);
    if (!o->dq)
        return;
    pv_rows(o->tq, ds, o->tk, o->k + col, o->ldk, o->tk, o->dh, o->dq + col, o->ldq);
    transposed_rows(ds, o->tq, o->tk, o->q + col, o->ldq, o->dh, o->dk + col, o->ldk);
    scale_rows(o->dq + col, o->ldq, o->tq, o->dh, o->scale);
    scale_rows(o->dk + col, o->ldk, o->tk, o->dh, o->scale);
}

static void head_part(void *arg, int i)
{
    const struct kern_attention_back *o = arg;
    for (; i >= o->heads; o++)
        i -= o->heads;
    head_back(o, i);
}

void KERN_ATTENTION_BACK(struct kern *k, const struct kern_attention_back *list, int count)
{
    int parts = 0;
    for (int i = 0; i < count; i++)
        parts += list[i].heads;
    pool_run(k->pool, parts, head_part, (void *)(uintptr_t)list);
}

/* ---- layer norm */

#define ROWS 8 /* rows in one part of the work */

/* Mean and variance of a row, the sums as those of the way forward. */
static void row_moments(const float *x, int n, float *mean, float *var)
{
    int whole = n - n % KERN_LANES, rest = n - whole;
    vf sum = {0}, square = {0};
    for (int j = 0; j < whole; j += KERN_LANES)
        sum += load(x + j);
    sum += load_part(x + whole, rest);
    *mean = sum1(sum) / (float)n;
    for (int j = 0; j < whole; j += KERN_LANES) {
        vf d = load(x + j) - *mean;
        square = vfma(d, d, square);
    }
    vf d = load_part(x + whole, rest) - *mean;
    for (int j = rest; j < KERN_LANES; j++)
        d[j] = 0;
    *var = sum1(vfma(d, d, square)) / (float)n;
}

/* A row of x with what its numbers are worth: z = (x - mean) f. */
struct normal {
    const float *x, *dy;
    const char *gamma;
    float mean, f, g, gz; /* g, gz: means of dy gamma, and of that times z */
};

INLINE vf normal_z(const struct normal *r, vf x)
{
    return (x - r->mean) * r->f;
}

static void row_slopes(struct normal *r, int n)
{
    int whole = n - n % KERN_LANES, rest = n - whole;
    vf sum = {0}, product = {0};
    for (int j = 0; j < whole; j += KERN_LANES) {
        vf g = load(r->dy + j) * load(r->gamma + 4 * (ptrdiff_t)j);
        sum += g;
        product = vfma(g, normal_z(r, load(r->x + j)), product);
    }
    /* Behind the last number dy is 0. */
    vf g = load_part(r->dy + whole, rest) * load_part(r->gamma + 4 * (ptrdiff_t)whole, rest);
    product = vfma(g, normal_z(r, load_part(r->x + whole, rest)), product);
    r->g = sum1(sum + g) / (float)n;
    r->gz = sum1(product) / (float)n;
}

INLINE vf normal_back(const struct normal *r, vf x, vf dy, vf gamma)
{
    return (dy * gamma - r->g - normal_z(r, x) * r->gz) * r->f;
}

static void norm_back_row(const struct kern_norm_back *o, int i)
{
    struct normal r = {.x = o->x + i * o->ldx, .dy = o->dy + i * o->ldy, .gamma = o->gamma};
    float *dx = o->dx + i * o->lddx, var;
    int whole = o->n - o->n % KERN_LANES, rest = o->n - whole;
    row_moments(r.x, o->n, &r.mean, &var);
    if (!(var < INFINITY)) {
        kern_norm_back_row_ref(o, i);
        return;
    }
    r.f = 1.0f / sqrtf(var + o->eps);
    row_slopes(&r, o->n);
    if (o->fixed)
        r.gz = 0;
    for (int j = 0; j < whole; j += KERN_LANES)
        store(dx + j, normal_back(&r, load(r.x + j), load(r.dy + j),
                                  load(r.gamma + 4 * (ptrdiff_t)j)));
    if (rest)
        store_part(dx + whole,
                   normal_back(&r, load_part(r.x + whole, rest), load_part(r.dy + whole, rest),
                               load_part(r.gamma + 4 * (ptrdiff_t)whole, rest)), rest);
}

static void norm_back_part(void *arg, int i)
{
    const struct kern_norm_back *o = arg;
    for (; i >= (o->m + ROWS - 1) / ROWS; o++)
        i -= (o->m + ROWS - 1) / ROWS;
    for (int r = i * ROWS; r < o->m && r < (i + 1) * ROWS; r++)
        norm_back_row(o, r);
}

void KERN_NORM_BACK(struct kern *k, const struct kern_norm_back *list, int count)
{
    int parts = 0;
    for (int i = 0; i < count; i++)
        parts += (list[i].m + ROWS - 1) / ROWS;
    pool_run(k->pool, parts, norm_back_part, (void *)(uintptr_t)list);
}

/* ---- activations */

#define PIECE 4096 /* numbers in one part of the work */

/* dy NULL: forward, y = act(x); else y = dy act'(x). */
struct numbers {
    const float *x, *dy;
    float *y;
    size_t n;
    enum kern_act act;
};

INLINE void numbers_run(const struct numbers *o, size_t from, size_t to, enum kern_act act)
{
    size_t i = from;
    for (; i + KERN_LANES <= to; i += KERN_LANES) {
        vf x = load(o->x + i);
        store(o->y + i, o->dy ? load(o->dy + i) * vslope(x, act) : vactivate(x, act));
    }
    int rest = (int)(to - i);
    if (rest > 0) {
        vf x = load_part(o->x + i, rest);
        store_part(o->y + i, o->dy ? load_part(o->dy + i, rest) * vslope(x, act)
                                   : vactivate(x, act), rest);
    }
}

static void numbers_part(void *arg, int i)
{
    const struct numbers *o = arg;
    size_t from = (size_t)i * PIECE, to = o->n - from < PIECE ? o->n : from + PIECE;
    switch (o->act) {
    case KERN_NONE: numbers_run(o, from, to, KERN_NONE); break;
    case KERN_GELU: numbers_run(o, from, to, KERN_GELU); break;
    case KERN_RELU: numbers_run(o, from, to, KERN_RELU); break;
    case KERN_SWISH: numbers_run(o, from, to, KERN_SWISH); break;
    case KERN_TANH: numbers_run(o, from, to, KERN_TANH); break;
    }
}

void KERN_ACTIVATE(struct kern *k, const float *x, float *y, size_t n, enum kern_act act)
{
    struct numbers o = {.x = x, .y = y, .n = n, .act = act};
    pool_run(k->pool, (int)((n + PIECE - 1) / PIECE), numbers_part, &o);
}

void KERN_ACTIVATE_BACK(struct kern *k, const float *x, const float *dy, float *dx, size_t n,
                        enum kern_act act)
{
    struct numbers o = {.x = x, .dy = dy, .y = dx, .n = n, .act = act};
    pool_run(k->pool, (int)((n + PIECE - 1) / PIECE), numbers_part, &o);
}

/* ---- gates of dynamic attention */

void KERN_GATE_BACK(struct kern *k, const struct kern_gate_back *o)
{
    (void)k;
    for (int j = 0; j < o->n; j += KERN_LANES) {
        int part = o->n - j < KERN_LANES ? o->n - j : KERN_LANES;
        vf s = 1.0f / (1.0f + vexp(-load_part(o->gate + j, part))), f = 1.0f + s, sum = {0};
        for (int i = 0; i < o->m; i++) {
            float *dx = o->dx + i * o->lddx + j;
            vf dy = load_part(dx, part);
            sum = vfma(dy, load_part(o->y + i * o->ldy + j, part) / f, sum);
            store_part(dx, dy * f, part);
        }
        store_part(o->dgate + j, sum * s * (1.0f - s), part);
    }
}
