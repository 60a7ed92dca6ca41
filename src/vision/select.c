/* SPDX-License-Identifier: MIT */
/* Which of the proposals become regions: those whose class survives suppression best.
 *
 * Source: the reference's extraction script. */
#include "src/base/mem.h"
#include "src/vision/run.h"

#include <stdlib.h>
#include <string.h>

/* Rows order[0..n-1] of the picture's part of x: all the host gets to see of it. */
static int select_gather(struct run *r, const struct proposals *p, const struct map *x,
                         const int *order, int n, float *out)
{
    struct kern *k = r->d->k;
    size_t size = (size_t)n * (size_t)x->c, room = ((size_t)n + 15) / 16 * 16;
    float *d = kern_alloc(k, room + size + 1);
    struct kern_gather_rows op = {.x = x->x + (ptrdiff_t)p->first * x->c, .ldx = x->c,
                           .index = (const int32_t *)(const void *)d, .y = d ? d + room : NULL,
                           .ldy = x->c, .m = n, .n = x->c};
    const float *seen = NULL;
    if (d && kern_put(k, d, (const float *)(const void *)order, (size_t)n) == 0) {
        r->ops->gather_rows(k, &op);
        seen = kern_view(k, d + room, size);
    }
    if (seen)
        memcpy(out, seen, size * sizeof *out);
    kern_free(k, d);
    return seen ? 0 : run_device_failed(r);
}

static int best_class(const struct run *r, const float *prob)
{
    int first = r->d->a.background ? 0 : 1, classes = r->d->a.num_classes, best = first;
    for (int c = first; c < classes; c++)
        if (prob[c] > prob[best])
            best = c;
    return best;
}

/* Features of g, and prob (n, classes). */
static int select_choose(struct run *r, const struct proposals *p, const int *order,
                         struct regions *g, float *prob)
{
    size_t n = (size_t)g->count;
    int rc = select_gather(r, p, &r->fc6, order, g->count, g->features);
    if (rc == 0)
        rc = select_gather(r, p, &r->scores, order, g->count, prob);
    if (rc == 0)
        rc = run_check_finite(r, g->features, n * (size_t)g->dim, "features");
    return rc ? rc : run_check_finite(r, prob, n * (size_t)r->scores.c, "class scores");
}

/* Regions order[0..n-1]. Their probabilities have all columns, the background first, as the
 * reference's script stores them. */
static int make_regions(struct run *r, int picture, const float *boxes, const int *order, int n)
{
    struct detector_picture *to = &r->list[picture];
    int first = r->d->a.background ? 0 : 1, columns = r->d->a.num_classes;
    struct regions *g = regions_new(n, r->d->a.mlp_dim, "detector", r->err);
    float *prob = vs_try_calloc((size_t)n * (size_t)columns + 1, sizeof *prob);
    int rc = !g      ? VS_E_LIMIT
             : !prob ? vs_fail(r->err, VS_E_LIMIT, "detector: no memory for %d regions", n)
                     : select_choose(r, &r->found[picture], order, g, prob);
    if (rc != 0) {
        free(prob);
        regions_free(g);
        return rc;
    }
    g->width = to->w;
    g->height = to->h;
    g->classes = xcalloc((size_t)n + 1, sizeof *g->classes);
    g->conf = xcalloc((size_t)n + 1, sizeof *g->conf);
    for (int i = 0; i < n; i++) {
        const float *row = prob + (ptrdiff_t)i * columns;
        int c = best_class(r, row);
        memcpy(g->boxes + 4 * i, boxes + 4 * (ptrdiff_t)order[i], 4 * sizeof *boxes);
        g->classes[i] = c - first;
        g->conf[i] = row[c];
    }
    regions_seal(g);
    g->prob_columns = r->want->prob ? columns : 0;
    g->prob = r->want->prob ? prob : NULL;
    if (!r->want->prob)
        free(prob);
    to->regions = g;
    return 0;
}

/* The trace is of one picture. */
static int keep_selection(struct run *r, const float *conf, const int *order, int n)
{
    const struct proposals *p = &r->found[0];
    float *x = xcalloc((size_t)p->n + 1, sizeof *x);
    int rc = run_keep_rows(r, p->boxes, p->n, 4, STAGE_PROPOSALS);
    rc = rc ? rc : run_keep_rows(r, p->objectness, p->n, 0, STAGE_OBJECTNESS);
    rc = rc ? rc : run_keep_all(r, &r->fc6, STAGE_FC6);
    rc = rc ? rc : run_keep_all(r, &r->fc7, STAGE_FC7);
    rc = rc ? rc : run_keep_all(r, &r->scores, STAGE_SCORES);
    rc = rc ? rc : run_keep_rows(r, conf, p->n, 0, STAGE_MAX_CONF);
    for (int i = 0; i < p->n; i++)
        x[i] = (float)p->levels[i];
    rc = rc ? rc : run_keep_rows(r, x, p->n, 0, STAGE_LEVELS);
    for (int i = 0; i < n; i++)
        x[i] = (float)order[i];
    rc = rc ? rc : run_keep_rows(r, x, n, 0, STAGE_KEEP);
    for (int i = 0; i < n; i++)
        x[i] = conf[order[i]];
    rc = rc ? rc : run_keep_rows(r, x, n, 0, STAGE_CONF);
    free(x);
    return rc;
}

/* Suppression in every class, where the scores are: conf(n), the host's. */
static int select_suppress(struct run *r, const struct proposals *p, const float *boxes,
                           float *conf)
{
    const struct arch *a = &r->d->a;
    struct kern *k = r->d->k;
    size_t n = (size_t)p->n;
    float *b = kern_alloc(k, 4 * n + 4), *c = kern_alloc(k, n + 1);
    const float *scores = r->scores.x + (ptrdiff_t)p->first * a->num_classes;
    int rc = b && c && kern_put(k, b, boxes, 4 * n) == 0 ? 0 : run_device_failed(r);
    if (rc == 0 && nms_classes(k, b, scores, p->n, a->num_classes, a->background ? 0 : 1,
                               a->class_nms_thresh, a->conf_thresh, c) != 0)
        rc = run_device_failed(r);
    const float *seen = rc == 0 ? kern_view(k, c, n) : NULL;
    if (seen)
        memcpy(conf, seen, n * sizeof *conf);
    kern_free(k, b);
    kern_free(k, c);
    return seen ? 0 : run_device_failed(r);
}

/* The best of the proposals; boxes (n, 4) in pixels of the picture. */
static int select_best(struct run *r, int picture, const float *boxes, int *order)
{
    const struct proposals *p = &r->found[picture];
    int most = r->d->a.num_features, n = p->n < most ? p->n : most;
    float *conf = xcalloc((size_t)p->n + 1, sizeof *conf);
    int rc = select_suppress(r, p, boxes, conf);
    kern_sort_down(conf, p->n, order);
    if (rc == 0)
        rc = keep_selection(r, conf, order, n);
    if (rc == 0)
        rc = make_regions(r, picture, boxes, order, n);
    for (int i = 0; rc == 0 && i < n; i++)
        r->list[picture].regions->num_boxes -= conf[order[i]] == 0;
    free(conf);
    return rc;
}

int run_selection(struct run *r, int i)
{
    const struct proposals *p = &r->found[i];
    const struct detector_picture *given = &r->list[i];
    float *boxes = xcalloc((size_t)p->n * 4 + 1, sizeof *boxes), s = (float)r->in[i].scale;
    int *order = xcalloc((size_t)p->n + 1, sizeof *order), rc;
    if (given->boxes) { /* exactly these, in their order */
        memcpy(boxes, given->boxes, (size_t)p->n * 4 * sizeof *boxes);
        for (int j = 0; j < p->n; j++)
            order[j] = j;
        rc = make_regions(r, i, boxes, order, p->n);
    } else {
        for (int j = 0; j < 4 * p->n; j++)
            boxes[j] = p->boxes[j] / s;
        rc = select_best(r, i, boxes, order);
    }
    free(boxes);
    free(order);
    return rc;
}
