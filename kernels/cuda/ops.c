/* SPDX-License-Identifier: MIT */
/* The operations of the table as launches and products: ViLBERT's. */
#include "kernels/cuda/gpu_priv.h"

#include <stdio.h>
#include <string.h>

#define ROOM 48000 /* bytes of shared memory that every device gives a block */
#define MOST_QUERIES 16
#define LEAST_QUERIES 4 /* of a block, for which it still is worth loading all keys and values */

static size_t floats(int a, int b)
{
    return (size_t)a * (size_t)b * sizeof(float);
}

/* ---- linear */

void gpu_after(struct gpu *g, const struct kern_linear *o, const float *x, const float *bias,
               const float *residual)
{
    int dims[3] = {o->m, o->n, o->k};
    bool vec = o->n % 4 == 0 && (!x || gpu_aligned(x, o->ldy)) && gpu_aligned(o->y, o->ldy) &&
               (!bias || gpu_aligned(bias, 4)) && (!residual || gpu_aligned(residual, o->ldr));
    struct finish_args *a = gpu_push_flat(g, KERNEL_finish, "linear", dims,
                                          (int64_t)o->m * (vec ? o->n / 4 : o->n), sizeof *a);
    if (!a)
        return;
    a->x = x;
    a->bias = bias;
    a->residual = residual;
    a->y = o->y;
    a->ldx = a->ldy = o->ldy;
    a->ldr = o->ldr;
    a->m = o->m;
    a->n = o->n;
    a->act = (int)o->act;
    a->vec = vec;
    gpu_go(g);
}

/* Row major y(m,n) = x(m,k) w(n,k)^T is, column major, y(n,m) = w(k,n)^T x(k,m). Residuals are
 * added by the product itself where no activation comes in between. Its own ReLU is not used: it is
 * documented as a maximum, which may turn NaN into 0. */
static void linear_one(struct gpu *g, const struct kern_linear *o)
{
    int dims[3] = {o->m, o->n, o->k};
    if (o->m <= 0 || o->n <= 0)
        return;
    const float *bias = o->bias ? gpu_weights(g, o->bias, floats(o->n, 1)) : NULL;
    if (o->k <= 0) {
        gpu_after(g, o, NULL, bias, o->residual);
        return;
    }
    const float *w = gpu_weights(g, o->w, floats(o->n, o->k));
    struct cuda_gemm *p = w ? gpu_push_gemm(g, "linear", dims) : NULL;
    if (!p)
        return;
    bool direct = o->act == KERN_NONE, add = direct && o->residual;
    p->a = w;
    p->b = o->x;
    p->c = add ? o->residual : o->y;
    p->d = o->y;
    p->bias = direct ? bias : NULL;
    p->lda = o->k;
    p->ldb = o->ldx;
    p->ldc = add ? o->ldr : o->ldy;
    p->ldd = o->ldy;
    p->m = o->n;
    p->n = o->m;
    p->k = o->k;
    p->beta = add ? 1 : 0;
    p->trans_a = true;
    p->precision = g->precision;
    gpu_go(g);
    if (!direct)
        gpu_after(g, o, o->y, bias, o->residual);
}

/* y is its own residual and an activation comes in between: the sums need a place of their own. The
 * model has no such line. */
static bool needs_room(const struct kern_linear *o)
{
    return o->residual == o->y && o->act != KERN_NONE;
}

static void linear_apart(struct gpu *g, const struct kern_linear *o)
{
    struct kern_linear first = *o;
    struct kern_linear last = {.residual = o->residual, .ldr = o->ldr, .ldy = o->ldy, .m = o->m,
                               .n = o->n};
    size_t n = (size_t)o->m * (size_t)o->ldy;
    float *sums = n > 0 ? gpu_memory(g, n) : NULL;
    if (!sums)
        return;
    first.y = sums;
    first.residual = NULL;
    linear_one(g, &first);
    last.y = o->y;
    gpu_after(g, &last, sums, NULL, o->residual);
    gpu_memory_free(g, sums);
}

static void linear(struct kern *k, const struct kern_linear *list, int count)
{
    struct gpu *g = k->gpu;
    gpu_loose(g);
    for (int i = 0; i < count; i++)
        if (needs_room(&list[i]))
            linear_apart(g, &list[i]);
        else
            linear_one(g, &list[i]);
}

/* ---- attention */

/* Bytes of shared memory for so many queries at a time. */
static size_t attention_room(const struct kern_attention *o, int rows, int width)
{
    int dp = (o->dh + 3) / 4 * 4;
    return floats(rows, dp) + floats(ATTENTION_KEYS, dp + 4) + floats(rows, width);
}

static bool same_kind(const struct kern_attention *a, const struct kern_attention *b)
{
    return a->heads == b->heads && a->dh == b->dh && a->scale == b->scale;
}

static bool attention_aligned(const struct kern_attention *o)
{
    return o->dh % 4 == 0 && gpu_aligned(o->q, o->ldq) && gpu_aligned(o->k, o->ldk) &&
           gpu_aligned(o->v, o->ldv) && gpu_aligned(o->out, o->ldo);
}

/* So many queries to a block that it fits, and that blocks cover the processors if they can. */
static int attention_rows(const struct gpu *g, const struct kern_attention *o, int count, int tq,
                          int width)
{
    int rows = MOST_QUERIES, heads = o->heads * count;
    while (rows > LEAST_QUERIES && (tq + rows - 1) / rows * heads < g->info.processors)
        rows /= 2;
    while (rows > 1 && attention_room(o, rows, width) > ROOM)
        rows /= 2;
    return rows;
}

static void attention_some(struct gpu *g, const struct kern_attention *list, int count)
{
    int tq = 0, tk = 0;
    bool vec = true;
    for (int i = 0; i < count; i++) {
        tq = list[i].tq > tq ? list[i].tq : tq;
        tk = list[i].tk > tk ? list[i].tk : tk;
        vec &= attention_aligned(&list[i]);
    }
    int width = (tk + 3) / 4 * 4, dims[3] = {list->heads, tq, tk};
    int rows = attention_rows(g, list, count, tq, width);
    size_t room = attention_room(list, rows, width);
    if (room > ROOM || list->dh > 256) {
        gpu_fail(g, "attention", dims, "heads this wide or keys this many do not fit into the "
                 "device's shared memory; use --device cpu");
        return;
    }
    int tiles = (tq + rows - 1) / rows;
    size_t size = offsetof(struct attention_args, one) +
                  (size_t)count * sizeof(struct attention_one);
    struct attention_args *a = gpu_push(g, KERNEL_attention, "attention", dims,
                                        (unsigned)(tiles * list->heads), (unsigned)count,
                                        ATTENTION_THREADS, (unsigned)room, size);
    if (!a)
        return;
    a->heads = list->heads;
    a->dh = list->dh;
    a->count = count;
    a->rows = rows;
    a->tiles = tiles;
    a->width = width;
    a->scale = list->scale;
    a->vec = vec;
    for (int i = 0; i < count; i++) {
        const struct kern_attention *o = &list[i];
        a->one[i] = (struct attention_one){o->q, o->k, o->v, o->key_bias, o->out, o->probs, o->ldq,
                                           o->ldk, o->ldv, o->ldo, o->tq, o->tk};
    }
    gpu_go(g);
}

static void attention(struct kern *k, const struct kern_attention *list, int count)
{
    gpu_loose(k->gpu);
    for (int i = 0, n; i < count; i += n) {
        for (n = 1; i + n < count && n < ATTENTION_MANY && same_kind(&list[i], &list[i + n]); n++)
            ;
        attention_some(k->gpu, list + i, n);
    }
}

static void silence(struct kern *k, const struct kern_silenced *o)
{
    int dims[3] = {o->tq, o->tk, o->dh};
    struct silence_args *a = o->tq <= 0 ? NULL :
        gpu_push_flat(k->gpu, KERNEL_silence, "silence", dims, o->dh + (o->probs ? o->tk : 0),
                      sizeof *a);
    if (!a)
        return;
    a->v = o->v;
    a->key_bias = o->key_bias;
    a->out = o->out;
    a->probs = o->probs;
    a->ldv = o->ldv;
    a->ldo = o->ldo;
    a->dh = o->dh;
    a->tq = o->tq;
    a->tk = o->tk;
    a->how = (int)o->how;
    gpu_go(k->gpu);
}

/* ---- norm */

static void norm_one(struct gpu *g, const struct kern_norm *o)
{
    int dims[3] = {o->m, o->n, 1};
    const float *gamma = gpu_weights(g, o->gamma, floats(o->n, 1));
    const float *beta = gamma ? gpu_weights(g, o->beta, floats(o->n, 1)) : NULL;
    struct norm_args *a = !beta ? NULL : gpu_push(g, KERNEL_norm, "norm", dims, (unsigned)o->m, 1,
                                                   ROW_THREADS, 0, sizeof *a);
    if (!a)
        return;
    a->x = o->x;
    a->gamma = gamma;
    a->beta = beta;
    a->y = o->y;
    a->ldx = o->ldx;
    a->ldy = o->ldy;
    a->n = o->n;
    a->vec = o->n % 4 == 0 && gpu_aligned(o->x, o->ldx) && gpu_aligned(o->y, o->ldy) &&
             gpu_aligned(gamma, 4) && gpu_aligned(beta, 4);
    a->eps = o->eps;
    gpu_go(g);
}

static void norm(struct kern *k, const struct kern_norm *list, int count)
{
    gpu_loose(k->gpu);
    for (int i = 0; i < count; i++)
        norm_one(k->gpu, &list[i]);
}

/* ---- the small ones */

static void embed(struct kern *k, const struct kern_embed *o)
{
    struct gpu *g = k->gpu;
    int dims[3] = {o->m, o->n, 1};
    const float *table[3] = {NULL, NULL, NULL};
    bool vec = o->n % 4 == 0 && gpu_aligned(o->y, o->ldy);
    gpu_loose(g);
    if (o->m <= 0 || o->n <= 0)
        return;
    for (int i = 0; i < 3; i++)
        if (o->table[i] && !(table[i] = gpu_weights(g, o->table[i], floats(o->rows[i], o->n))))
            return;
    struct embed_args *a = gpu_push_flat(g, KERNEL_embed, "embed", dims,
                                         (int64_t)o->m * (vec ? o->n / 4 : o->n), sizeof *a);
    if (!a)
        return;
    for (int i = 0; i < 3; i++) {
        a->table[i] = table[i];
        a->ids[i] = o->ids[i];
    }
    a->y = o->y;
    a->ldy = o->ldy;
    a->m = o->m;
    a->n = o->n;
    a->vec = vec;
    gpu_go(g);
}

static void binary(struct gpu *g, const char *what, int op, const float *x, const float *z,
                   float *y, size_t n)
{
    int dims[3] = {(int)(n >> 20), (int)(n & 0xfffff), 1};
    bool vec = gpu_aligned(x, (ptrdiff_t)(n % 4)) && gpu_aligned(z, 4) && gpu_aligned(y, 4);
    struct binary_args *a = n == 0 ? NULL : gpu_push_flat(g, KERNEL_binary, what, dims,
                                                          (int64_t)(vec ? n / 4 : n), sizeof *a);
    if (!a)
        return;
    a->a = x;
    a->b = z;
    a->y = y;
    a->n = (int64_t)n;
    a->op = op;
    a->vec = vec;
    gpu_go(g);
}

static void mul(struct kern *k, const float *a, const float *b, float *y, size_t n)
{
    binary(k->gpu, "mul", 0, a, b, y, n);
}

static void add(struct kern *k, const float *a, const float *b, float *y, size_t n)
{
    binary(k->gpu, "add", 1, a, b, y, n);
}

static void gate(struct kern *k, float *x, ptrdiff_t ldx, const float *gates, int m, int n)
{
    int dims[3] = {m, n, 1};
    struct gate_args *a = m <= 0 || n <= 0 ? NULL : gpu_push_flat(k->gpu, KERNEL_gate, "gate", dims,
                                                                  (int64_t)m * n, sizeof *a);
    if (!a)
        return;
    a->x = x;
    a->gate = gates;
    a->ldx = ldx;
    a->m = m;
    a->n = n;
    gpu_go(k->gpu);
}

static void gather_rows(struct kern *k, const struct kern_gather_rows *o)
{
    int dims[3] = {o->m, o->n, 1};
    bool vec = o->n % 4 == 0 && gpu_aligned(o->x, o->ldx) && gpu_aligned(o->y, o->ldy);
    struct gather_rows_args *a = o->m <= 0 || o->n <= 0 ? NULL :
        gpu_push_flat(k->gpu, KERNEL_gather_rows, "gather_rows", dims,
                      (int64_t)o->m * (vec ? o->n / 4 : o->n), sizeof *a);
    if (!a)
        return;
    a->x = o->x;
    a->index = o->index;
    a->y = o->y;
    a->ldx = o->ldx;
    a->ldy = o->ldy;
    a->m = o->m;
    a->n = o->n;
    a->vec = vec;
    gpu_go(k->gpu);
}

static void mean(struct kern *k, const struct kern_mean *o)
{
    int dims[3] = {o->m, o->n, 1};
    struct mean_args *a = o->n <= 0 ? NULL : gpu_push_flat(k->gpu, KERNEL_mean, "mean", dims, o->n,
                                                           sizeof *a);
    if (!a)
        return;
    a->x = o->x;
    a->skip = o->skip;
    a->y = o->y;
    a->ldx = o->ldx;
    a->m = o->m;
    a->n = o->n;
    gpu_go(k->gpu);
}

static void softmax(struct kern *k, float *x, int m, int n)
{
    int dims[3] = {m, n, 1};
    struct softmax_args *a = m <= 0 || n <= 0 ? NULL :
        gpu_push(k->gpu, KERNEL_softmax, "softmax", dims, (unsigned)m, 1, ROW_THREADS, 0,
                 sizeof *a);
    if (!a)
        return;
    a->x = x;
    a->n = n;
    gpu_go(k->gpu);
}

const struct kern_ops gpu_ops = {
    .name = "cuda",
    .linear = linear,
    .attention = attention,
    .norm = norm,
    .embed = embed,
    .mul = mul,
    .add = add,
    .conv = gpu_conv,
    .maxpool = gpu_maxpool,
    .roi = gpu_roi,
    .gate = gate,
    .silence = silence,
    .gather_rows = gather_rows,
    .mean = mean,
    .upsample = gpu_upsample,
    .overlaps = gpu_overlaps,
    .nms = gpu_nms,
    .softmax = softmax,
    .activate = gpu_activate,
    .linear_back = gpu_linear_back,
    .attention_back = gpu_attention_back,
    .norm_back = gpu_norm_back,
    .activate_back = gpu_activate_back,
    .gate_back = gpu_gate_back,
    .mean_back = gpu_mean_back,
    .scatter_rows = gpu_scatter_rows,
};
