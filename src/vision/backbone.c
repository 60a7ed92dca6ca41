/* SPDX-License-Identifier: MIT */
/* Backbone and pyramid, and what the network's parts share.
 *
 * Source: maskrcnn-benchmark's ResNet and FPN. */
#include "src/vision/run.h"

#include <stdatomic.h>
#include <stdlib.h>

int run_step(struct run *r, const char *stage, double work)
{
    r->done += work;
    if (r->plan)
        return 0;
    if (r->want->progress)
        r->want->progress(r->want->progress_arg, stage, r->done, r->all);
    if (r->want->cancel && atomic_load(r->want->cancel))
        return vs_fail(r->err, VS_E_CANCELLED, "cancelled");
    return 0;
}

static double conv_work(const struct conv_w *w, int h, int wd)
{
    return (double)((h + w->stride - 1) / w->stride) * ((wd + w->stride - 1) / w->stride) *
           w->cout * (w->cin / w->groups) * w->kernel * w->kernel;
}

int run_conv(struct run *r, const struct conv_w *w, const struct map *x, enum kern_act act,
             const struct map *residual, const char *stage, struct map *y)
{
    int pad = w->kernel / 2, h = kern_conv_out(x->h, w->kernel, w->stride, pad);
    int wd = kern_conv_out(x->w, w->kernel, w->stride, pad);
    int rc = run_new_map(r, h, wd, w->cout, y);
    if (rc != 0)
        return rc;
    struct kern_conv o = {.x = x->x, .count = r->count, .h = x->h, .w = x->w, .cin = w->cin,
                          .weights = w->w, .scale = w->scale, .shift = w->shift,
                          .residual = residual ? residual->x : NULL, .y = y->x, .cout = w->cout,
                          .kh = w->kernel, .kw = w->kernel, .stride = w->stride, .pad = pad,
                          .groups = w->groups, .act = act};
    if (!r->plan)
        r->ops->conv(r->d->k, &o);
    return run_step(r, stage, r->count * conv_work(w, x->h, x->w));
}

int run_check_finite(struct run *r, const float *x, size_t n, const char *what)
{
    if (kern_is_finite(x, n))
        return 0;
    return vs_fail(r->err, VS_E_FORMAT, "the detector's %s are not finite numbers: its weights are "
                   "damaged or belong to another description", what);
}

/* ---- backbone */

static int run_block(struct run *r, const struct block_w *b, const struct map *x,
                     const char *stage, struct map *y)
{
    struct map t = {0}, u = {0}, shortcut = {0};
    int rc = run_conv(r, &b->conv1, x, KERN_RELU, NULL, stage, &t);
    if (rc == 0)
        rc = run_conv(r, &b->conv2, &t, KERN_RELU, NULL, stage, &u);
    run_drop(r, &t);
    if (rc == 0 && b->down.w)
        rc = run_conv(r, &b->down, x, KERN_NONE, NULL, stage, &shortcut);
    if (rc == 0)
        rc = run_conv(r, &b->conv3, &u, KERN_RELU, b->down.w ? &shortcut : x, stage, y);
    run_drop(r, &u);
    run_drop(r, &shortcut);
    return rc;
}

/* The pictures in the back end's memory, one after another; they leave the host's. */
static int put_pictures(struct run *r, struct map *out)
{
    const struct map *m = &r->in[0].map;
    size_t size = (size_t)m->h * (size_t)m->w * 3;
    int rc = run_new_map(r, m->h, m->w, 3, out);
    for (int i = 0; i < r->count && rc == 0 && !r->plan; i++) {
        if (kern_put(r->d->k, out->x + (size_t)i * size, r->in[i].map.x, size) != 0)
            rc = run_device_failed(r);
        free(r->in[i].map.x);
        r->in[i].map.x = NULL;
    }
    return rc;
}

static void pool_stem(struct run *r, const struct map *x, const struct map *y)
{
    for (ptrdiff_t i = 0; i < r->count && !r->plan; i++)
        r->ops->maxpool(r->d->k, x->x + i * x->h * x->w * x->c, x->h, x->w, x->c,
                        y->x + i * y->h * y->w * y->c);
}

static int run_stem(struct run *r, struct map *out)
{
    struct map t = {0}, in = {0};
    int rc = put_pictures(r, &in);
    if (rc == 0)
        rc = run_conv(r, &r->d->l.stem, &in, KERN_RELU, NULL, "stem", &t);
    run_drop(r, &in);
    if (rc == 0)
        rc = run_new_map(r, (t.h + 1) / 2, (t.w + 1) / 2, t.c, out);
    if (rc == 0)
        pool_stem(r, &t, out);
    run_drop(r, &t);
    return rc ? rc : run_keep_map(r, out, STAGE_STEM, 0);
}

int run_body(struct run *r)
{
    static const char *const stages[] = {"stage 1 of 4", "stage 2 of 4", "stage 3 of 4",
                                         "stage 4 of 4"};
    struct map x = {0};
    int rc = run_stem(r, &x);
    for (int s = 0; s < 4 && rc == 0; s++) {
        for (int i = 0; i < r->d->a.blocks[s] && rc == 0; i++) {
            struct map y = {0};
            rc = run_block(r, &r->d->l.stage[s][i], &x, stages[s], &y);
            if (s == 0 || i > 0) /* the last stage's output is still wanted */
                run_drop(r, &x);
            x = y;
        }
        r->c[s] = x;
        if (rc == 0)
            rc = run_keep_map(r, &x, STAGE_C, s + 2);
    }
    return rc;
}

/* ---- pyramid */

static void add_upsampled(struct run *r, const struct map *x, const struct map *small)
{
    for (ptrdiff_t i = 0; i < r->count && !r->plan; i++) {
        struct kern_upsample op = {x->x + i * x->h * x->w * x->c,
                                   small->x + i * small->h * small->w * small->c, x->h, x->w,
                                   small->h, small->w, x->c};
        r->ops->upsample(r->d->k, &op);
    }
}

/* Every second pixel of every second row of a picture. */
static void thin_out(struct run *r, const struct map *x, const struct map *y, ptrdiff_t picture)
{
    const float *from = x->x + picture * x->h * x->w * x->c;
    float *to = y->x + picture * y->h * y->w * y->c;
    for (int i = 0; i < y->h; i++) {
        struct kern_gather_rows op = {.x = from + (ptrdiff_t)2 * i * x->w * x->c, .ldx = 2 * x->c,
                               .y = to + (ptrdiff_t)i * y->w * y->c, .ldy = y->c, .m = y->w,
                               .n = y->c};
        r->ops->gather_rows(r->d->k, &op);
    }
}

int run_pyramid(struct run *r)
{
    int rc = 0;
    for (int i = 3; i >= 0 && rc == 0; i--) {
        rc = run_conv(r, &r->d->l.inner[i], &r->c[i], KERN_NONE, NULL, "pyramid", &r->inner[i]);
        run_drop(r, &r->c[i]);
        if (rc == 0 && i < 3)
            add_upsampled(r, &r->inner[i], &r->inner[i + 1]);
        if (rc == 0)
            rc = run_conv(r, &r->d->l.outer[i], &r->inner[i], KERN_NONE, NULL, "pyramid",
                          &r->p[i]);
        if (i < 3)
            run_drop(r, &r->inner[i + 1]);
    }
    run_drop(r, &r->inner[0]);
    const struct map *p5 = &r->p[3];
    struct map *p6 = &r->p[4];
    if (rc == 0)
        rc = run_new_map(r, (p5->h + 1) / 2, (p5->w + 1) / 2, p5->c, p6);
    for (int i = 0; i < r->count && rc == 0 && !r->plan; i++)
        thin_out(r, p5, p6, i);
    for (int i = 0; i < ARCH_LEVELS && rc == 0; i++)
        rc = run_keep_map(r, &r->p[i], STAGE_P, i + 2);
    return rc;
}
