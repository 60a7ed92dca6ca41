/* SPDX-License-Identifier: MIT */
/* Regions to features and scores: pooling, the box head.
 *
 * Source: maskrcnn-benchmark's pooler and box head. */
#include "src/base/mem.h"
#include "src/vision/run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define POOL_ROWS 512 /* regions pooled at a time */

/* The level that a box is pooled from. */
static int level_of(const float *b)
{
    float side = sqrtf((b[2] - b[0] + 1) * (b[3] - b[1] + 1));
    int k = (int)floorf(4 + log2f(side / 224 + 1e-6f));
    return k < 2 ? 0 : k > 5 ? 3 : k - 2;
}

/* Regions are pooled picture by picture and level by level, and go through fc6 as soon as enough of
 * them are there. */
struct pooling {
    struct map boxes, pooled, sorted; /* (POOL_ROWS, 4), (POOL_ROWS, fc6.k), (rows, mlp) */
    int filled, done;                 /* rows of pooled, rows of sorted */
};

static int run_fc6(struct run *r, struct pooling *o)
{
    const struct dense_w *w = &r->d->l.fc6;
    struct kern_linear fc = {.x = o->pooled.x, .ldx = w->k, .w = w->w, .bias = w->b,
                             .y = o->sorted.x + (ptrdiff_t)o->done * w->n, .ldy = w->n,
                             .m = o->filled, .n = w->n, .k = w->k, .act = KERN_RELU};
    int rc = run_step(r, "pooling", 0);
    r->ops->linear(r->d->k, &fc, 1);
    o->done += o->filled;
    o->filled = 0;
    return rc ? rc : run_step(r, "features", (double)fc.m * w->k * w->n);
}

/* Pools regions list[0..n-1] of a picture, all of one level, behind those that are there. */
static int features_pool(struct run *r, int picture, int level, const int *list, int n,
                         struct pooling *o)
{
    const struct map *p = &r->p[level];
    const float *x = p->x + (ptrdiff_t)picture * p->h * p->w * p->c;
    float *boxes = o->boxes.x + (ptrdiff_t)o->filled * 4;
    float *host = kern_stage(r->d->k, boxes, 4 * (size_t)n);
    for (int i = 0; host && i < n; i++)
        memcpy(host + 4 * i, r->found[picture].boxes + 4 * (ptrdiff_t)list[i], 4 * sizeof *host);
    if (!host || kern_put(r->d->k, boxes, host, 4 * (size_t)n) != 0)
        return run_device_failed(r);
    struct kern_roi roi = {x, p->h, p->w, p->c, n, r->d->a.bins, boxes, 1.0f / (float)(4 << level),
                           o->pooled.x + (ptrdiff_t)o->filled * r->d->l.fc6.k};
    r->ops->roi(r->d->k, &roi);
    o->filled += n;
    return 0;
}

static int pool_list(struct run *r, int picture, int level, const int *list, int n,
                     struct pooling *o)
{
    int rc = 0;
    for (int i = 0, m; i < n && rc == 0; i += m) {
        m = n - i < POOL_ROWS - o->filled ? n - i : POOL_ROWS - o->filled;
        rc = features_pool(r, picture, level, list + i, m, o);
        if (rc == 0 && o->filled == POOL_ROWS)
            rc = run_fc6(r, o);
    }
    return rc;
}

/* place[i]: the row of sorted that row i of fc6 comes from. */
static int pool_picture(struct run *r, int picture, struct pooling *o, int *place)
{
    struct proposals *p = &r->found[picture];
    int *list = xcalloc((size_t)p->n + 1, sizeof *list), rc = 0;
    p->levels = xcalloc((size_t)p->n + 1, sizeof *p->levels);
    for (int i = 0; i < p->n; i++)
        p->levels[i] = level_of(p->boxes + 4 * (ptrdiff_t)i);
    for (int level = 0; level < 4 && rc == 0; level++) {
        int n = 0;
        for (int i = 0; i < p->n; i++)
            if (p->levels[i] == level) {
                place[p->first + i] = o->done + o->filled + n;
                list[n++] = i;
            }
        rc = pool_list(r, picture, level, list, n, o);
    }
    free(list);
    return rc;
}

static int back_in_order(struct run *r, const int *place, const struct pooling *o)
{
    int dim = r->d->a.mlp_dim;
    struct map index;
    int rc = run_new_rows(r, r->rows, 1, &index);
    struct kern_gather_rows op = {.x = o->sorted.x, .ldx = dim,
                           .index = (const int32_t *)(const void *)index.x, .y = r->fc6.x,
                           .ldy = dim, .m = r->rows, .n = dim};
    if (rc == 0 && !r->plan &&
        kern_put(r->d->k, index.x, (const float *)(const void *)place, (size_t)r->rows) != 0)
        rc = run_device_failed(r);
    if (rc == 0 && !r->plan)
        r->ops->gather_rows(r->d->k, &op);
    run_drop(r, &index);
    return rc;
}

/* The golden data has what is pooled for the first five. */
static int keep_pooled(struct run *r, struct pooling *o)
{
    const struct detector *d = r->d;
    int n = r->rows < 5 ? r->rows : 5, rc = 0;
    int64_t shape[4] = {n, d->a.fpn_out, d->a.bins, d->a.bins};
    struct trace_at at = {.kind = TRACE_STAGE, .site = STAGE_POOLED};
    float *out = r->trace ? trace_add(r->trace, at, 4, shape) : NULL;
    if (!r->trace)
        return 0;
    if (!out)
        return vs_fail(r->err, VS_E_LIMIT, "no memory for pooled");
    for (int i = 0; i < n && rc == 0; i++) {
        o->filled = 0;
        rc = features_pool(r, 0, r->found[0].levels[i], &i, 1, o);
        const float *x = rc ? NULL : kern_view(d->k, o->pooled.x, (size_t)d->l.fc6.k);
        if (x)
            memcpy(out + (ptrdiff_t)i * d->l.fc6.k, x, (size_t)d->l.fc6.k * sizeof *x);
        else
            rc = rc ? rc : run_device_failed(r);
    }
    return rc;
}

static int pool_all(struct run *r, struct pooling *o, int *place)
{
    int rc = 0;
    for (int i = 0; i < r->count && rc == 0; i++)
        rc = pool_picture(r, i, o, place);
    return rc == 0 && o->filled > 0 ? run_fc6(r, o) : rc;
}

int run_features(struct run *r)
{
    const struct detector *d = r->d;
    struct pooling o = {0};
    int *place = xcalloc((size_t)r->rows + 1, sizeof *place);
    int rc = run_new_rows(r, r->rows, d->a.mlp_dim, &r->fc6);
    rc = rc ? rc : run_new_rows(r, POOL_ROWS, 4, &o.boxes);
    rc = rc ? rc : run_new_rows(r, POOL_ROWS, d->l.fc6.k, &o.pooled);
    rc = rc ? rc : run_new_rows(r, r->rows, d->a.mlp_dim, &o.sorted);
    if (rc == 0 && !r->plan)
        rc = pool_all(r, &o, place);
    if (rc == 0)
        rc = back_in_order(r, place, &o);
    if (rc == 0)
        rc = keep_pooled(r, &o);
    run_drop(r, &o.boxes);
    run_drop(r, &o.pooled);
    run_drop(r, &o.sorted);
    free(place);
    return rc;
}

/* ---- scores */

static void features_dense(struct run *r, const struct dense_w *w, const struct map *x,
                           const struct map *y, enum kern_act act)
{
    struct kern_linear op = {.x = x->x, .ldx = w->k, .w = w->w, .bias = w->b, .y = y->x,
                             .ldy = w->n, .m = r->rows, .n = w->n, .k = w->k, .act = act};
    r->ops->linear(r->d->k, &op, 1);
}

/* All rows where the host has them; of a device's, those that are chosen (select.c). */
static int features_check_rows(struct run *r)
{
    size_t n = (size_t)r->rows;
    if (!kern_is_host(r->d->k))
        return 0;
    int rc = run_check_finite(r, r->fc6.x, n * (size_t)r->fc6.c, "features");
    return rc ? rc : run_check_finite(r, r->scores.x, n * (size_t)r->scores.c, "class scores");
}

int run_scores(struct run *r)
{
    const struct layers *l = &r->d->l;
    int rc = run_new_rows(r, r->rows, l->fc7.n, &r->fc7);
    rc = rc ? rc : run_new_rows(r, r->rows, l->classes.n, &r->scores);
    if (rc != 0 || r->plan)
        return rc;
    features_dense(r, &l->fc7, &r->fc6, &r->fc7, KERN_RELU);
    features_dense(r, &l->classes, &r->fc7, &r->scores, KERN_NONE);
    rc = features_check_rows(r);
    rc = rc ? rc : run_keep_all(r, &r->scores, STAGE_CLS_LOGITS);
    r->ops->softmax(r->d->k, r->scores.x, r->rows, l->classes.n);
    return rc;
}
