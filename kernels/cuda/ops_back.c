/* SPDX-License-Identifier: MIT */
/* The way back through ViLBERT as launches and products. */
#include "kernels/cuda/gpu_priv.h"

static size_t floats(int a, int b)
{
    return (size_t)a * (size_t)b * sizeof(float);
}

/* ---- activations */

void gpu_activate(struct kern *k, const float *x, float *y, size_t n, enum kern_act act)
{
    struct kern_linear o = {.y = y, .ldy = (ptrdiff_t)n, .m = 1, .n = (int)n, .act = act};
    if (n > 0)
        gpu_after(k->gpu, &o, x, NULL, NULL);
}

void gpu_activate_back(struct kern *k, const float *x, const float *dy, float *dx, size_t n,
                       enum kern_act act)
{
    int dims[3] = {(int)(n >> 20), (int)(n & 0xfffff), 1};
    struct activate_back_args *a = n == 0 ? NULL :
        gpu_push_flat(k->gpu, KERNEL_activate_back, "activate_back", dims, (int64_t)n, sizeof *a);
    if (!a)
        return;
    a->x = x;
    a->dy = dy;
    a->dx = dx;
    a->n = (int64_t)n;
    a->act = (int)act;
    gpu_go(k->gpu);
}

/* ---- products */

/* Nothing to multiply: the residual, or zeros. */
static void linear_back_nothing(struct kern *k, const struct kern_linear_back *o)
{
    struct kern_scatter_rows copy = {.x = o->residual, .ldx = o->ldr, .y = o->dx, .ldy = o->ldx,
                                     .m = o->residual ? o->m : 0, .rows = o->m, .n = o->k};
    if (o->residual != o->dx)
        gpu_scatter_rows(k, &copy);
}

/* Row major dx(m,k) = dy(m,n) w(n,k) is, column major, dx(k,m) = w(k,n) dy(n,m). */
static void linear_back_one(struct kern *k, const struct kern_linear_back *o)
{
    struct gpu *g = k->gpu;
    int dims[3] = {o->m, o->n, o->k};
    if (o->m <= 0 || o->k <= 0)
        return;
    if (o->n <= 0) {
        linear_back_nothing(k, o);
        return;
    }
    const float *w = gpu_weights(g, o->w, floats(o->n, o->k));
    struct cuda_gemm *p = w ? gpu_push_gemm(g, "linear_back", dims) : NULL;
    if (!p)
        return;
    p->a = w;
    p->b = o->dy;
    p->c = o->residual ? o->residual : o->dx;
    p->d = o->dx;
    p->lda = o->k;
    p->ldb = o->ldy;
    p->ldc = o->residual ? o->ldr : o->ldx;
    p->ldd = o->ldx;
    p->m = o->k;
    p->n = o->m;
    p->k = o->n;
    p->beta = o->residual ? 1 : 0;
    p->precision = g->precision;
    gpu_go(g);
}

void gpu_linear_back(struct kern *k, const struct kern_linear_back *list, int count)
{
    gpu_loose(k->gpu);
    for (int i = 0; i < count; i++)
        linear_back_one(k, &list[i]);
}

/* ---- attention */

static void attention_back_fill(struct attention_back_args *a,
                                const struct kern_attention_back *list, int count)
{
    a->heads = list->heads;
    a->dh = list->dh;
    a->count = count;
    a->scale = list->scale;
    for (int i = 0; i < count; i++) {
        const struct kern_attention_back *o = &list[i];
        a->one[i] = (struct attention_back_one){
            .q = o->q, .k = o->k, .v = o->v, .probs = o->probs, .dout = o->dout,
            .dprobs = o->dprobs, .dscores = o->dscores, .dq = o->dq, .dk = o->dk, .dv = o->dv,
            .ldq = o->ldq, .ldk = o->ldk, .ldv = o->ldv, .ldo = o->ldo, .tq = o->tq, .tk = o->tk};
    }
}

/* One kernel for the queries, then one for the keys, which reads what the first one wrote. */
static void attention_back_some(struct gpu *g, const struct kern_attention_back *list, int count)
{
    static const enum cuda_kernel kernels[] = {KERNEL_scores_back, KERNEL_keys_back};
    int most[2] = {0, 0};
    for (int i = 0; i < count; i++) {
        most[0] = list[i].tq > most[0] ? list[i].tq : most[0];
        most[1] = list[i].tk > most[1] ? list[i].tk : most[1];
    }
    int dims[3] = {list->heads, most[0], most[1]};
    size_t size = offsetof(struct attention_back_args, one) +
                  (size_t)count * sizeof(struct attention_back_one);
    for (int i = 0; i < 2; i++) {
        struct attention_back_args *a =
            gpu_push(g, kernels[i], "attention_back", dims, (unsigned)(most[i] * list->heads),
                     (unsigned)count, ROW_THREADS, 0, size);
        if (!a)
            return;
        attention_back_fill(a, list, count);
        gpu_go(g);
    }
}

static bool same_kind(const struct kern_attention_back *a, const struct kern_attention_back *b)
{
    return a->heads == b->heads && a->dh == b->dh && a->scale == b->scale;
}

void gpu_attention_back(struct kern *k, const struct kern_attention_back *list, int count)
{
    for (int i = 0, n; i < count; i += n) {
        for (n = 1; i + n < count && n < ATTENTION_MANY && same_kind(&list[i], &list[i + n]); n++)
            ;
        attention_back_some(k->gpu, list + i, n);
    }
}

/* ---- layer norm */

static void norm_back_one(struct gpu *g, const struct kern_norm_back *o)
{
    int dims[3] = {o->m, o->n, 1};
    const float *gamma = gpu_weights(g, o->gamma, floats(o->n, 1));
    struct norm_back_args *a = !gamma ? NULL :
        gpu_push(g, KERNEL_norm_back, "norm_back", dims, (unsigned)o->m, 1, ROW_THREADS, 0,
                 sizeof *a);
    if (!a)
        return;
    a->x = o->x;
    a->gamma = gamma;
    a->dy = o->dy;
    a->dx = o->dx;
    a->ldx = o->ldx;
    a->ldy = o->ldy;
    a->lddx = o->lddx;
    a->n = o->n;
    a->fixed = o->fixed;
    a->eps = o->eps;
    gpu_go(g);
}

void gpu_norm_back(struct kern *k, const struct kern_norm_back *list, int count)
{
    gpu_loose(k->gpu);
    for (int i = 0; i < count; i++)
        norm_back_one(k->gpu, &list[i]);
}

/* ---- gates, means, rows */

void gpu_gate_back(struct kern *k, const struct kern_gate_back *o)
{
    int dims[3] = {o->m, o->n, 1};
    struct gate_back_args *a = o->n <= 0 ? NULL :
        gpu_push_flat(k->gpu, KERNEL_gate_back, "gate_back", dims, o->n, sizeof *a);
    if (!a)
        return;
    a->y = o->y;
    a->gate = o->gate;
    a->dx = o->dx;
    a->dgate = o->dgate;
    a->ldy = o->ldy;
    a->lddx = o->lddx;
    a->m = o->m;
    a->n = o->n;
    gpu_go(k->gpu);
}

void gpu_mean_back(struct kern *k, const struct kern_mean_back *o)
{
    int dims[3] = {o->m, o->n, 1};
    struct mean_back_args *a = o->m <= 0 || o->n <= 0 ? NULL :
        gpu_push_flat(k->gpu, KERNEL_mean_back, "mean_back", dims, (int64_t)o->m * o->n, sizeof *a);
    if (!a)
        return;
    a->dy = o->dy;
    a->skip = o->skip;
    a->residual = o->residual;
    a->dx = o->dx;
    a->ldx = o->ldx;
    a->m = o->m;
    a->n = o->n;
    gpu_go(k->gpu);
}

void gpu_scatter_rows(struct kern *k, const struct kern_scatter_rows *o)
{
    int dims[3] = {o->m, o->rows, o->n};
    struct scatter_rows_args *a = o->rows <= 0 || o->n <= 0 ? NULL :
        gpu_push_flat(k->gpu, KERNEL_scatter_rows, "scatter_rows", dims, (int64_t)o->rows * o->n,
                      sizeof *a);
    if (!a)
        return;
    a->x = o->x;
    a->index = o->index;
    a->y = o->y;
    a->ldx = o->ldx;
    a->ldy = o->ldy;
    a->m = o->m;
    a->rows = o->rows;
    a->n = o->n;
    gpu_go(k->gpu);
}
