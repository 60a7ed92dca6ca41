/* Which of the proposals become regions: those whose class survives suppression best.
 *
 * Source: the reference's extraction script. */
#include "src/mem.h"
#include "src/vision/run.h"

#include <stdlib.h>
#include <string.h>

static int best_class(const struct run *r, int i)
{
    int first = r->d->a.background ? 0 : 1, classes = r->d->a.num_classes, best = first;
    const float *s = r->seen_scores + (ptrdiff_t)i * classes;
    for (int c = first; c < classes; c++)
        if (s[c] > s[best])
            best = c;
    return best;
}

/* All columns, the background first, as the reference's script stores them. */
static int add_prob(struct run *r, const int *order, struct regions *g)
{
    size_t columns = (size_t)r->d->a.num_classes;
    g->prob = vs_try_calloc((size_t)g->count * columns + 1, sizeof *g->prob);
    if (!g->prob)
        return vs_fail(r->err, VS_E_LIMIT, "no memory for %d regions", g->count);
    g->prob_columns = r->d->a.num_classes;
    for (int i = 0; i < g->count; i++)
        memcpy(g->prob + (size_t)i * columns, r->seen_scores + (size_t)order[i] * columns,
               columns * sizeof *g->prob);
    return 0;
}

static int make_regions(struct run *r, const float *boxes, const int *order, int n, int w, int h,
                        struct regions **out)
{
    int dim = r->d->a.mlp_dim, first = r->d->a.background ? 0 : 1;
    struct regions *g = regions_new(n, dim);
    if (!g)
        return vs_fail(r->err, VS_E_LIMIT, "no memory for %d regions", n);
    g->width = w;
    g->height = h;
    g->classes = xcalloc((size_t)n + 1, sizeof *g->classes);
    g->conf = xcalloc((size_t)n + 1, sizeof *g->conf);
    for (int i = 0; i < n; i++) {
        int j = order[i], c = best_class(r, j);
        memcpy(g->boxes + 4 * i, boxes + 4 * (ptrdiff_t)j, 4 * sizeof *boxes);
        memcpy(g->features + (ptrdiff_t)i * dim, r->seen_fc6 + (ptrdiff_t)j * dim,
               (size_t)dim * sizeof *r->seen_fc6);
        g->classes[i] = c - first;
        g->conf[i] = r->seen_scores[(ptrdiff_t)j * r->d->a.num_classes + c];
    }
    regions_seal(g);
    int rc = r->want->prob ? add_prob(r, order, g) : 0;
    if (rc == 0)
        *out = g;
    else
        regions_free(g);
    return rc;
}

static int keep_selection(struct run *r, const float *conf, const int *order, int n)
{
    float *x = xcalloc((size_t)r->n + 1, sizeof *x);
    int rc = run_keep_rows(r, r->boxes, r->n, 4, "proposals");
    rc = rc ? rc : run_keep_rows(r, r->objectness, r->n, 0, "objectness");
    rc = rc ? rc : run_keep_rows(r, r->seen_fc6, r->n, r->d->a.mlp_dim, "fc6");
    rc = rc ? rc : run_keep_rows(r, r->seen_fc7, r->n, r->d->a.mlp_dim, "fc7");
    rc = rc ? rc : run_keep_rows(r, r->seen_scores, r->n, r->d->a.num_classes, "scores");
    rc = rc ? rc : run_keep_rows(r, conf, r->n, 0, "max_conf");
    for (int i = 0; i < r->n; i++)
        x[i] = (float)r->levels[i];
    rc = rc ? rc : run_keep_rows(r, x, r->n, 0, "levels");
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
static int suppress(struct run *r, const float *boxes, float *conf)
{
    const struct arch *a = &r->d->a;
    struct kern *k = r->d->k;
    size_t n = (size_t)r->n;
    float *b = kern_alloc(k, 4 * n + 4), *c = kern_alloc(k, n + 1);
    int rc = b && c && kern_put(k, b, boxes, 4 * n) == 0 ? 0 : run_device_failed(r);
    if (rc == 0 && nms_classes(k, b, r->scores, r->n, a->num_classes, a->background ? 0 : 1,
                               a->class_nms_thresh, a->conf_thresh, c) != 0)
        rc = run_device_failed(r);
    const float *seen = rc == 0 ? kern_view(k, c, n) : NULL;
    if (seen)
        memcpy(conf, seen, n * sizeof *conf);
    kern_free(k, b);
    kern_free(k, c);
    return seen ? 0 : run_device_failed(r);
}

int run_selection(struct run *r, int w, int h, struct regions **out)
{
    const struct arch *a = &r->d->a;
    float *boxes = xcalloc((size_t)r->n * 4 + 1, sizeof *boxes);
    float *conf = xcalloc((size_t)r->n + 1, sizeof *conf), s = (float)r->in.scale;
    int *order = xcalloc((size_t)r->n + 1, sizeof *order);
    int n = r->n < a->num_features ? r->n : a->num_features, rc = 0;
    for (int i = 0; i < 4 * r->n; i++)
        boxes[i] = r->boxes[i] / s;
    if (r->want->boxes) { /* exactly these, in their order */
        n = r->n;
        memcpy(boxes, r->want->boxes, (size_t)n * 4 * sizeof *boxes);
        for (int i = 0; i < n; i++)
            order[i] = i;
    } else {
        rc = suppress(r, boxes, conf);
        kern_sort_down(conf, r->n, order);
        if (rc == 0)
            rc = keep_selection(r, conf, order, n);
    }
    if (rc == 0)
        rc = make_regions(r, boxes, order, n, w, h, out);
    for (int i = 0; rc == 0 && !r->want->boxes && i < n; i++)
        (*out)->num_boxes -= conf[order[i]] == 0;
    free(boxes);
    free(conf);
    free(order);
    return rc;
}
