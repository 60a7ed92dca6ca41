/* Which of the proposals become regions: those whose class survives suppression best.
 *
 * Source: the reference's extraction script. */
#include "src/mem.h"
#include "src/vision/run.h"

#include <stdlib.h>
#include <string.h>

/* The scores of region i of a picture. */
static const float *scores_of(const struct run *r, const struct proposals *p, int i)
{
    return r->seen_scores + ((ptrdiff_t)p->first + i) * r->d->a.num_classes;
}

static int best_class(const struct run *r, const float *s)
{
    int first = r->d->a.background ? 0 : 1, classes = r->d->a.num_classes, best = first;
    for (int c = first; c < classes; c++)
        if (s[c] > s[best])
            best = c;
    return best;
}

/* All columns, the background first, as the reference's script stores them. */
static int add_prob(struct run *r, const struct proposals *p, const int *order, struct regions *g)
{
    size_t columns = (size_t)r->d->a.num_classes;
    g->prob = vs_try_calloc((size_t)g->count * columns + 1, sizeof *g->prob);
    if (!g->prob)
        return vs_fail(r->err, VS_E_LIMIT, "no memory for %d regions", g->count);
    g->prob_columns = r->d->a.num_classes;
    for (int i = 0; i < g->count; i++)
        memcpy(g->prob + (size_t)i * columns, scores_of(r, p, order[i]), columns * sizeof *g->prob);
    return 0;
}

static int make_regions(struct run *r, int picture, const float *boxes, const int *order, int n)
{
    const struct proposals *p = &r->found[picture];
    struct detector_picture *to = &r->list[picture];
    int dim = r->d->a.mlp_dim, first = r->d->a.background ? 0 : 1;
    struct regions *g = regions_new(n, dim);
    if (!g)
        return vs_fail(r->err, VS_E_LIMIT, "no memory for %d regions", n);
    g->width = to->w;
    g->height = to->h;
    g->classes = xcalloc((size_t)n + 1, sizeof *g->classes);
    g->conf = xcalloc((size_t)n + 1, sizeof *g->conf);
    for (int i = 0; i < n; i++) {
        int j = order[i], c = best_class(r, scores_of(r, p, j));
        memcpy(g->boxes + 4 * i, boxes + 4 * (ptrdiff_t)j, 4 * sizeof *boxes);
        memcpy(g->features + (ptrdiff_t)i * dim, r->seen_fc6 + ((ptrdiff_t)p->first + j) * dim,
               (size_t)dim * sizeof *r->seen_fc6);
        g->classes[i] = c - first;
        g->conf[i] = scores_of(r, p, j)[c];
    }
    regions_seal(g);
    int rc = r->want->prob ? add_prob(r, p, order, g) : 0;
    if (rc == 0)
        to->regions = g;
    else
        regions_free(g);
    return rc;
}

/* The trace is of one picture. */
static int keep_selection(struct run *r, const float *conf, const int *order, int n)
{
    const struct proposals *p = &r->found[0];
    float *x = xcalloc((size_t)p->n + 1, sizeof *x);
    int rc = run_keep_rows(r, p->boxes, p->n, 4, "proposals");
    rc = rc ? rc : run_keep_rows(r, p->objectness, p->n, 0, "objectness");
    rc = rc ? rc : run_keep_rows(r, r->seen_fc6, p->n, r->d->a.mlp_dim, "fc6");
    rc = rc ? rc : run_keep_rows(r, r->seen_fc7, p->n, r->d->a.mlp_dim, "fc7");
    rc = rc ? rc : run_keep_rows(r, r->seen_scores, p->n, r->d->a.num_classes, "scores");
    rc = rc ? rc : run_keep_rows(r, conf, p->n, 0, "max_conf");
    for (int i = 0; i < p->n; i++)
        x[i] = (float)p->levels[i];
    rc = rc ? rc : run_keep_rows(r, x, p->n, 0, "levels");
    for (int i = 0; i < n; i++)
        x[i] = (float)order[i];
    rc = rc ? rc : run_keep_rows(r, x, n, 0, "keep");
    for (int i = 0; i < n; i++)
        x[i] = conf[order[i]];
    rc = rc ? rc : run_keep_rows(r, x, n, 0, "conf");
    free(x);
    return rc;
}

/* Suppression in every class, where the scores are: conf(n), the host's. */
static int suppress(struct run *r, const struct proposals *p, const float *boxes, float *conf)
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
    int rc = suppress(r, p, boxes, conf);
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
