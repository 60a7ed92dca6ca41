/* SPDX-License-Identifier: MIT */
/* What each kind of call reads and writes, from its arguments. The kernels themselves
 * (kernels.h) are the definition. */
#include "kernels/cuda/areas.h"

#include <string.h>

struct list {
    struct area *areas;
    int count;
};

static void area_add(struct list *l, const void *at, int64_t ld, int64_t rows, int64_t width,
                     bool written)
{
    if (at && rows > 0 && width > 0)
        l->areas[l->count++] = (struct area){at, ld, rows, width, written};
}

static void area_reads(struct list *l, const void *at, int64_t ld, int64_t rows, int64_t width)
{
    area_add(l, at, ld, rows, width, false);
}

static void area_writes(struct list *l, const void *at, int64_t ld, int64_t rows, int64_t width)
{
    area_add(l, at, ld, rows, width, true);
}

/* Column major: what cuBLAS calls a column is a row here. */
static void of_product(struct list *l, const struct cuda_gemm *g)
{
    area_reads(l, g->a, g->lda, g->trans_a ? g->m : g->k, g->trans_a ? g->k : g->m);
    area_reads(l, g->b, g->ldb, g->trans_b ? g->k : g->n, g->trans_b ? g->n : g->k);
    if (g->beta != 0)
        area_reads(l, g->c, g->ldc, g->n, g->m);
    area_reads(l, g->bias, g->m, 1, g->m);
    area_writes(l, g->d, g->ldd, g->n, g->m);
}

static void of_finish(struct list *l, const struct finish_args *a)
{
    area_reads(l, a->x, a->ldx, a->m, a->n);
    area_reads(l, a->bias, a->n, 1, a->n);
    area_reads(l, a->residual, a->ldr, a->m, a->n);
    area_writes(l, a->y, a->ldy, a->m, a->n);
}

static void of_attention(struct list *l, const struct attention_args *a)
{
    int64_t width = (int64_t)a->heads * a->dh;
    for (int i = 0; i < a->count; i++) {
        const struct attention_one *o = &a->one[i];
        int64_t probs = (int64_t)a->heads * o->tq * o->tk;
        area_reads(l, o->q, o->ldq, o->tq, width);
        area_reads(l, o->k, o->ldk, o->tk, width);
        area_reads(l, o->v, o->ldv, o->tk, width);
        area_reads(l, o->bias, o->tk, 1, o->tk);
        area_writes(l, o->out, o->ldo, o->tq, width);
        area_writes(l, o->probs, probs, 1, probs);
    }
}

static void of_norm(struct list *l, const struct norm_args *a, int64_t rows)
{
    area_reads(l, a->x, a->ldx, rows, a->n);
    area_reads(l, a->gamma, a->n, 1, a->n);
    area_reads(l, a->beta, a->n, 1, a->n);
    area_writes(l, a->y, a->ldy, rows, a->n);
}

static void of_embed(struct list *l, const struct embed_args *a)
{
    for (int i = 0; i < 3; i++)
        area_reads(l, a->ids[i], a->m, 1, a->m);
    area_writes(l, a->y, a->ldy, a->m, a->n);
}

static void of_binary(struct list *l, const struct binary_args *a)
{
    area_reads(l, a->a, a->n, 1, a->n);
    area_reads(l, a->b, a->n, 1, a->n);
    area_writes(l, a->y, a->n, 1, a->n);
}

static void of_mean(struct list *l, const struct mean_args *a)
{
    area_reads(l, a->x, a->ldx, a->m, a->n);
    area_reads(l, a->skip, a->m, 1, a->m);
    area_writes(l, a->y, a->n, 1, a->n);
}

static void of_silence(struct list *l, const struct silence_args *a)
{
    int64_t probs = (int64_t)a->tq * a->tk;
    area_reads(l, a->v, a->ldv, a->tk, a->dh);
    area_reads(l, a->key_bias, a->tk, 1, a->tk);
    area_writes(l, a->out, a->ldo, a->tq, a->dh);
    area_writes(l, a->probs, probs, 1, probs);
}

/* ---- the way back */

static void of_activate_back(struct list *l, const struct activate_back_args *a)
{
    area_reads(l, a->x, a->n, 1, a->n);
    area_reads(l, a->dy, a->n, 1, a->n);
    area_writes(l, a->dx, a->n, 1, a->n);
}

static void of_norm_back(struct list *l, const struct norm_back_args *a, int64_t rows)
{
    area_reads(l, a->x, a->ldx, rows, a->n);
    area_reads(l, a->gamma, a->n, 1, a->n);
    area_reads(l, a->dy, a->ldy, rows, a->n);
    area_writes(l, a->dx, a->lddx, rows, a->n);
}

static void of_scores_back(struct list *l, const struct attention_back_args *a)
{
    int64_t width = (int64_t)a->heads * a->dh;
    for (int i = 0; i < a->count; i++) {
        const struct attention_back_one *o = &a->one[i];
        int64_t map = (int64_t)a->heads * o->tq * o->tk;
        area_reads(l, o->dout, o->ldo, o->tq, width);
        area_reads(l, o->v, o->ldv, o->tk, width);
        area_reads(l, o->k, o->ldk, o->tk, width);
        area_reads(l, o->probs, map, 1, map);
        area_writes(l, o->dprobs, map, 1, map);
        area_writes(l, o->dscores, map, 1, map);
        area_writes(l, o->dq, o->ldq, o->tq, width);
    }
}

static void of_keys_back(struct list *l, const struct attention_back_args *a)
{
    int64_t width = (int64_t)a->heads * a->dh;
    for (int i = 0; i < a->count; i++) {
        const struct attention_back_one *o = &a->one[i];
        int64_t map = (int64_t)a->heads * o->tq * o->tk;
        area_reads(l, o->dscores, map, 1, map);
        area_reads(l, o->probs, map, 1, map);
        area_reads(l, o->q, o->ldq, o->tq, width);
        area_reads(l, o->dout, o->ldo, o->tq, width);
        area_writes(l, o->dk, o->ldk, o->tk, width);
        area_writes(l, o->dv, o->ldv, o->tk, width);
    }
}

static void of_gate_back(struct list *l, const struct gate_back_args *a)
{
    area_reads(l, a->y, a->ldy, a->m, a->n);
    area_reads(l, a->gate, a->n, 1, a->n);
    area_writes(l, a->dx, a->lddx, a->m, a->n);
    area_writes(l, a->dgate, a->n, 1, a->n);
}

static void of_mean_back(struct list *l, const struct mean_back_args *a)
{
    area_reads(l, a->dy, a->n, 1, a->n);
    area_reads(l, a->skip, a->m, 1, a->m);
    area_reads(l, a->residual, a->ldx, a->m, a->n);
    area_writes(l, a->dx, a->ldx, a->m, a->n);
}

static void of_scatter_rows(struct list *l, const struct scatter_rows_args *a)
{
    area_reads(l, a->x, a->ldx, a->m, a->n);
    area_reads(l, a->index, a->m, 1, a->m);
    area_writes(l, a->y, a->ldy, a->rows, a->n);
}

/* Which rows of x are read stands in memory of the device, if index says so. */
static bool of_gather_rows(struct list *l, const struct gather_rows_args *a)
{
    area_reads(l, a->x, a->ldx, a->m, a->n);
    area_writes(l, a->y, a->ldy, a->m, a->n);
    return a->index == NULL;
}

int areas_of(const struct program *p, const struct call *c, struct area out[AREAS_MOST])
{
    struct list l = {out, 0};
    union kernel_args args;
    struct cuda_gemm product;
    if (c->kernel < 0) {
        memcpy(&product, p->blob + c->at, sizeof product);
        of_product(&l, &product);
        return l.count;
    }
    memcpy(&args, p->blob + c->at, c->size);
    switch (c->kernel) {
    case KERNEL_finish: of_finish(&l, &args.finish); break;
    case KERNEL_attention: of_attention(&l, &args.attention); break;
    case KERNEL_norm: of_norm(&l, &args.norm, c->grid[0]); break;
    case KERNEL_embed: of_embed(&l, &args.embed); break;
    case KERNEL_binary: of_binary(&l, &args.binary); break;
    case KERNEL_mean: of_mean(&l, &args.mean); break;
    case KERNEL_silence: of_silence(&l, &args.silence); break;
    case KERNEL_softmax:
        area_writes(&l, args.softmax.x, args.softmax.n, c->grid[0], args.softmax.n);
        break;
    case KERNEL_gate:
        area_reads(&l, args.gate.gate, args.gate.n, 1, args.gate.n);
        area_writes(&l, args.gate.x, args.gate.ldx, args.gate.m, args.gate.n);
        break;
    case KERNEL_gather_rows: return of_gather_rows(&l, &args.gather_rows) ? l.count : -1;
    case KERNEL_activate_back: of_activate_back(&l, &args.activate_back); break;
    case KERNEL_norm_back: of_norm_back(&l, &args.norm_back, c->grid[0]); break;
    case KERNEL_scores_back: of_scores_back(&l, &args.scores_back); break;
    case KERNEL_keys_back: of_keys_back(&l, &args.keys_back); break;
    case KERNEL_gate_back: of_gate_back(&l, &args.gate_back); break;
    case KERNEL_mean_back: of_mean_back(&l, &args.mean_back); break;
    case KERNEL_scatter_rows: of_scatter_rows(&l, &args.scatter_rows); break;
    default: return -1;
    }
    return l.count;
}

/* One behind the last number. */
static uintptr_t area_end(const struct area *a)
{
    return (uintptr_t)a->at + (uintptr_t)((a->rows - 1) * a->ld + a->width) * sizeof *a->at;
}

bool areas_meet(const struct area *a, const struct area *b)
{
    if (area_end(a) <= (uintptr_t)b->at || area_end(b) <= (uintptr_t)a->at)
        return false;
    if (a->ld != b->ld || a->width > a->ld || b->width > b->ld)
        return true;
    /* Rows of one pitch, side by side: b's first number stands in this column of a's rows. */
    int64_t bytes = a->ld * (int64_t)sizeof *a->at;
    int64_t from = (int64_t)((intptr_t)b->at - (intptr_t)a->at) % bytes;
    from += from < 0 ? bytes : 0;
    return from < a->width * (int64_t)sizeof *a->at ||
           from + b->width * (int64_t)sizeof *b->at > bytes;
}
