/* SPDX-License-Identifier: MIT */
/* Which boxes of a picture are looked at: proposed, or given.
 *
 * Source: maskrcnn-benchmark's RPN. */
#include "src/base/mem.h"
#include "src/vision/run.h"

#include <stdlib.h>
#include <string.h>

/* The host's numbers of x(n): x itself, or a copy, which *own holds too. NULL: failed. */
static float *proposals_fetch(struct run *r, float *x, size_t n, float **own)
{
    *own = NULL;
    if (kern_is_host(r->d->k))
        return x;
    const float *seen = kern_view(r->d->k, x, n);
    *own = seen ? vs_try_calloc(n + 1, sizeof **own) : NULL;
    if (*own)
        memcpy(*own, seen, n * sizeof **own);
    return *own;
}

/* A level of one picture on the host. */
struct level {
    int number, h, w;
    const float *logits, *deltas; /* (h*w, anchors), (h*w, 4 * anchors) */
};

/* Sorting, decoding, suppression. What is kept is added to p. */
static int choose_boxes(struct run *r, const struct level *l, struct proposals *p)
{
    const struct detector *d = r->d;
    size_t n = (size_t)l->h * (size_t)l->w * (size_t)d->l.anchor_count;
    int rc = run_check_finite(r, l->logits, n, "scores");
    if (rc == 0)
        rc = run_check_finite(r, l->deltas, 4 * n, "boxes");
    int count = rc ? 0 : propose_level(d->k, &d->a, l->logits, l->deltas, l->h, l->w,
                                       d->l.anchors[l->number], d->l.anchor_count,
                                       d->a.anchor_strides[l->number], r->in[0].map.w,
                                       r->in[0].map.h, p->boxes + 4 * (ptrdiff_t)p->n,
                                       p->objectness + p->n);
    p->n += count < 0 ? 0 : count;
    return count < 0 ? run_device_failed(r) : rc;
}

/* The level of all pictures, whose boxes are not given. */
static int choose_level(struct run *r, int level, const struct map *logits,
                        const struct map *deltas)
{
    size_t pixels = (size_t)logits->h * (size_t)logits->w, all = pixels * (size_t)r->count;
    float *own_l, *own_d = NULL, *d = NULL;
    float *l = proposals_fetch(r, logits->x, all * (size_t)logits->c, &own_l);
    if (l)
        d = proposals_fetch(r, deltas->x, all * (size_t)deltas->c, &own_d);
    int rc = d ? 0 : run_device_failed(r);
    for (size_t i = 0; i < (size_t)r->count && rc == 0; i++) {
        struct level one = {level, logits->h, logits->w, l + i * pixels * (size_t)logits->c,
                            d + i * pixels * (size_t)deltas->c};
        if (!r->list[i].boxes)
            rc = choose_boxes(r, &one, &r->found[i]);
    }
    free(own_l);
    free(own_d);
    return rc;
}

static int proposals_propose(struct run *r, int level)
{
    const struct layers *l = &r->d->l;
    struct map t = {0}, logits = {0}, deltas = {0};
    int rc = run_conv(r, &l->rpn, &r->p[level], KERN_RELU, NULL, "proposals", &t);
    if (rc == 0)
        rc = run_conv(r, &l->logits, &t, KERN_NONE, NULL, "proposals", &logits);
    if (rc == 0)
        rc = run_conv(r, &l->deltas, &t, KERN_NONE, NULL, "proposals", &deltas);
    if (rc == 0)
        rc = run_keep_map(r, &logits, STAGE_RPN_LOGITS, level + 2);
    if (rc == 0)
        rc = run_keep_map(r, &deltas, STAGE_RPN_DELTAS, level + 2);
    if (rc == 0 && !r->plan)
        rc = choose_level(r, level, &logits, &deltas);
    run_drop(r, &t);
    run_drop(r, &logits);
    run_drop(r, &deltas);
    return rc;
}

/* The best of all levels. */
static void take_best(const struct run *r, struct proposals *p)
{
    int most = r->d->a.fpn_post_nms_top_n, n = p->n < most ? p->n : most;
    int *order = xcalloc((size_t)p->n + 1, sizeof *order);
    float *boxes = xcalloc((size_t)n * 4 + 1, sizeof *boxes);
    float *objectness = xcalloc((size_t)n + 1, sizeof *objectness);
    kern_sort_down(p->objectness, p->n, order);
    for (int i = 0; i < n; i++) {
        memcpy(boxes + 4 * i, p->boxes + 4 * (ptrdiff_t)order[i], 4 * sizeof *boxes);
        objectness[i] = p->objectness[order[i]];
    }
    free(order);
    free(p->boxes);
    free(p->objectness);
    *p = (struct proposals){.n = n, .boxes = boxes, .objectness = objectness};
}

/* The user's boxes instead, in pixels of the resized picture. */
static void take_given(const struct detector_picture *given, double scale, struct proposals *p)
{
    p->n = given->box_count;
    for (int i = 0; i < 4 * p->n; i++)
        p->boxes[i] = (float)((double)given->boxes[i] * scale);
}

/* Room for what a picture can have at most. */
static void open_proposals(struct run *r, int i)
{
    int given = r->list[i].box_count, most = r->d->a.post_nms_top_n * ARCH_LEVELS;
    size_t n = (size_t)(r->list[i].boxes ? given : most);
    r->found[i].boxes = xcalloc(n * 4 + 1, sizeof *r->found[i].boxes);
    r->found[i].objectness = xcalloc(n + 1, sizeof *r->found[i].objectness);
}

/* When planning: as many as there can be. */
static int most_rows(const struct run *r)
{
    int n = 0;
    for (int i = 0; i < r->count; i++)
        n += r->list[i].boxes ? r->list[i].box_count : r->d->a.fpn_post_nms_top_n;
    return n;
}

int run_proposals(struct run *r)
{
    bool given = true;
    int rc = 0;
    for (int i = 0; i < r->count; i++)
        given &= r->list[i].boxes != NULL;
    for (int i = 0; i < r->count && !r->plan; i++)
        open_proposals(r, i);
    for (int i = 0; i < ARCH_LEVELS && rc == 0 && !given; i++)
        rc = proposals_propose(r, i);
    r->rows = r->plan ? most_rows(r) : 0;
    for (int i = 0; i < r->count && rc == 0 && !r->plan; i++) {
        if (r->list[i].boxes)
            take_given(&r->list[i], r->in[i].scale, &r->found[i]);
        else
            take_best(r, &r->found[i]);
        r->found[i].first = r->rows;
        r->rows += r->found[i].n;
    }
    return rc;
}
